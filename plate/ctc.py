"""Reading columns of softmaxes (CTC): greedily, by a beam, by a grammar; and how sure each is.

Graves et al. 2006: a text is written into the columns with blanks (class 0) and repetitions, which
are dropped. Texts are tuples of classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .alphabet import BLANK
from .text_grammar import TextGrammar

Floats = npt.NDArray[np.floating]
Text = tuple[int, ...]
_TINY = 1e-30  # keeps the logarithm of an impossible class finite
_NEVER = -1e30
# Classes further behind their column's likeliest one are looked at only if they can matter.
_LIMITS = (-4.0, -9.0, -np.inf)


class Greedy(NamedTuple):
    """The likeliest path's text, and how sure each character is: on its surest column."""

    text: Text
    confidences: list[float]


def read_greedily(probabilities: Floats) -> list[Greedy]:
    """The likeliest class of each column without repetitions and blanks, for each plate.

    Args:
        probabilities: float [batch, columns, classes].
    """
    classes = probabilities.argmax(2)
    largest = np.take_along_axis(probabilities, classes[:, :, None], 2).ravel()
    begins = np.ones(classes.shape, bool)
    begins[:, 1:] = classes[:, 1:] != classes[:, :-1]
    starts = np.flatnonzero(begins)
    sure = np.maximum.reduceat(largest, starts)
    runs = classes.ravel()[starts]
    written = runs != BLANK
    counts = np.bincount(starts[written] // classes.shape[1], minlength=len(classes))
    ends = np.cumsum(counts)[:-1]
    return [
        Greedy(tuple(text.tolist()), values.tolist())
        for text, values in zip(
            np.split(runs[written], ends), np.split(sure[written], ends), strict=True
        )
    ]


class _Prefix(NamedTuple):
    """Probabilities of a prefix by how its columns end."""

    blank: float
    character: float


def search_beam(probabilities: Floats, width: int, paths: int = 1) -> list[tuple[Text, float]]:
    """The likeliest texts by prefix beam search, likeliest first, with their probabilities.

    Args:
        probabilities: float [columns, classes], of one plate.
        width: prefixes that are kept at each column.
        paths: how many texts are wanted, at most `width`.
    """
    beam: dict[Text, _Prefix] = {(): _Prefix(1.0, 0.0)}
    for column in np.asarray(probabilities, np.float64):
        # Other classes extend no prefix into the next beam: `width` better extensions of the same
        # prefix are there. Last characters are among them for those that the beam holds already.
        likely = {*np.argsort(-column)[: width + 2].tolist(), *(text[-1] for text in beam if text)}
        found: dict[Text, list[float]] = {}
        for text, (blank, character) in beam.items():
            whole = blank + character
            stay = found.setdefault(text, [0.0, 0.0])
            stay[0] += whole * column[BLANK]
            if text:
                stay[1] += character * column[text[-1]]
            for number in likely:
                if number != BLANK:
                    # After the same character only a blank makes another one.
                    before = blank if text and number == text[-1] else whole
                    found.setdefault((*text, number), [0.0, 0.0])[1] += before * column[number]
        best = sorted(found.items(), key=lambda item: -sum(item[1]))[:width]
        beam = {text: _Prefix(*values) for text, values in best}
    ordered = sorted(beam.items(), key=lambda item: -sum(item[1]))
    return [(text, sum(prefix)) for text, prefix in ordered[:paths]]


def read_by_grammar(probabilities: Floats, grammar: TextGrammar) -> Text:
    """The plate that the likeliest path of all that write a plate does write.

    Where the likeliest path at all writes a plate, it is that one: what greedy reading gives.

    Args:
        probabilities: float [columns, classes], of one plate; columns for the longest plate.
        grammar: what plates are.
    """
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), _TINY))
    largest = logs.max(1)
    nearest = (logs - largest[:, None]).max(0)
    nearest[BLANK] = 0.0
    for limit in _LIMITS:
        kept = np.flatnonzero(nearest >= limit)
        text, score = _best_plate(logs[:, kept], grammar.allowed[:, :, kept], grammar.lengths)
        # A path with another class loses `limit` on it, and gains nowhere.
        if score >= largest.sum() + limit:
            break
    return tuple(kept[list(text)].tolist())


def _best_plate(
    logs: Floats, allowed: npt.NDArray[np.bool_], lengths: npt.NDArray[np.integer]
) -> tuple[Text, float]:
    """The text of the best path through the shapes' places, and its logarithm."""
    columns = len(logs)
    shapes, longest, classes = allowed.shape
    forbidden = np.where(allowed, 0.0, _NEVER)
    # Best path by column, for each shape: n characters and then a blank, or the n-th last.
    blank = np.full((columns + 1, shapes, longest + 1), _NEVER)
    character = np.full((columns + 1, shapes, longest, classes), _NEVER)
    blank[0, :, 0] = 0.0
    for t, log in enumerate(logs):
        first, other = _best_and_best_other(character[t])
        blank[t + 1, :, 0] = blank[t, :, 0] + log[BLANK]
        blank[t + 1, :, 1:] = np.maximum(blank[t, :, 1:], first) + log[BLANK]
        before = np.maximum(character[t], blank[t, :, :-1, None])
        before[:, 1:] = np.maximum(before[:, 1:], other[:, :-1])
        character[t + 1] = before + log + forbidden
    return _backwards(blank, character, lengths)


def _best_and_best_other(scores: Floats) -> tuple[Floats, Floats]:
    """The largest of each last axis; for each of its classes the largest of all other classes.

    The other is what may stand before a class without a blank between them.
    """
    at = scores.argmax(-1)[..., None]
    first = np.take_along_axis(scores, at, -1)
    rest = scores.copy()
    np.put_along_axis(rest, at, _NEVER, -1)
    other = np.broadcast_to(first, scores.shape).copy()
    np.put_along_axis(other, at, rest.max(-1, keepdims=True), -1)
    return first[..., 0], other


def _backwards(
    blank: Floats, character: Floats, lengths: npt.NDArray[np.integer]
) -> tuple[Text, float]:
    """The text of the best path, followed from its end, and its logarithm."""
    ends = np.arange(len(lengths))
    last = character[-1][ends, lengths - 1]
    scores = np.maximum(blank[-1][ends, lengths], last.max(1))
    shape = int(scores.argmax())
    place, number = int(lengths[shape]), BLANK
    if last[shape].max() > blank[-1, shape, place]:
        number = int(last[shape].argmax())
    text = [number] if number != BLANK else []
    for t in range(len(blank) - 2, -1, -1):
        # Which state before column t led to the state after it.
        if number == BLANK:
            if place and character[t, shape, place - 1].max() > blank[t, shape, place]:
                number = int(character[t, shape, place - 1].argmax())
                text.append(number)
            continue
        stays = character[t, shape, place - 1, number]
        others = character[t, shape, place - 2].copy() if place > 1 else np.full(1, _NEVER)
        if place > 1:
            others[number] = _NEVER
        fresh = blank[t, shape, place - 1]
        if stays >= max(fresh, others.max()):
            continue
        place -= 1
        number = BLANK if fresh >= others.max() else int(others.argmax())
        if number != BLANK:
            text.append(number)
    return tuple(reversed(text)), float(scores[shape])


def character_confidences(probabilities: Floats, text: Text) -> list[float]:
    """How sure each character of a text is: its largest probability on its columns.

    Its columns are those of the likeliest path that writes the text.

    Args:
        probabilities: float [columns, classes], of one plate.
        text: at most as many characters, with blanks between equal ones, as there are columns.
    """
    states = [BLANK]
    for number in text:
        states += [number, BLANK]
    path = _align(np.log(np.maximum(probabilities[:, states], _TINY)), states)
    return [
        float(probabilities[path == 2 * place + 1, number].max(initial=0.0))
        for place, number in enumerate(text)
    ]


def _align(scores: Floats, states: Sequence[int]) -> npt.NDArray[np.int64]:
    """The best path through the states of one text: int64 [columns]."""
    count = len(states)
    # A state follows itself, the one before, or, between unequal characters, the one before that.
    skips = np.array(
        [i > 1 and states[i] not in (BLANK, states[i - 2]) for i in range(count)], bool
    )
    best = np.full(count, _NEVER)
    best[:2] = scores[0, :2]
    steps = np.zeros((len(scores), count), np.int64)
    for t in range(1, len(scores)):
        one = np.concatenate([[_NEVER], best[:-1]])
        two = np.where(skips, np.concatenate([[_NEVER, _NEVER], best[:-2]])[:count], _NEVER)
        choices = np.stack([best, one, two])
        steps[t] = choices.argmax(0)
        best = choices.max(0) + scores[t]
    path = np.zeros(len(scores), np.int64)
    state = count - 1 if count == 1 or best[-1] >= best[-2] else count - 2
    for t in range(len(scores) - 1, -1, -1):
        path[t] = state
        state -= steps[t, state]
    return path


def length_probabilities(probabilities: Floats, longest: int) -> npt.NDArray[np.float64]:
    """How probable it is that n characters are written: float64 [batch, longest + 1].

    The sum over all paths that write as many, whichever they are; what is missing to 1 writes more.

    Args:
        probabilities: float [batch, columns, classes].
        longest: the largest n.
    """
    probabilities = np.asarray(probabilities, np.float64)
    batch, columns, classes = probabilities.shape
    blank = np.zeros((batch, longest + 1))
    blank[:, 0] = 1.0
    ends = np.zeros((batch, longest + 1, classes))
    for t in range(columns):
        column = probabilities[:, t]
        total = ends.sum(2)
        fresh = (blank[:, :-1] + total[:, :-1])[:, :, None] - ends[:, :-1]
        ends[:, 1:] += fresh
        ends *= column[:, None, :]
        ends[:, :, BLANK] = 0.0
        blank = (blank + total) * column[:, BLANK, None]
    return blank + ends.sum(2)

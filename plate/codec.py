"""From a plate's text to labels, and from labels or softmax outputs back to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..errors import InputError, quoted
from .schema import NO_PLATE, Head, LabelSchema, Role

MASKED = -1
UNKNOWN = "?"  # stands in a text for a character that nobody could read
_TINY = 1e-30  # keeps the logarithm of an impossible class finite


class DecodedPlate(NamedTuple):
    """One reading: `confidence` is the smallest of the characters' and the length's softmax.

    `raw_valid` tells whether the likeliest character of each place makes a plate of the schema's
    kinds.
    """

    text: str
    confidence: float
    characters: tuple[tuple[str, float], ...]
    colour: str | None
    rows: int | None
    raw_valid: bool


class PlateLabel(NamedTuple):
    """What a label says; `text` holds `?` for masked characters within the plate."""

    text: str
    colour: str | None
    rows: int | None


def encode(
    schema: LabelSchema, text: str, colour: str | None = None, rows: int | None = None
) -> np.ndarray:
    """The label of a plate: int32 [heads], -1 where a head is absent or unknown.

    A `?` in `text` masks that character. The empty text is a picture without a readable plate:
    its characters are masked and its length is the class `none`.

    Raises:
        InputError: the schema lacks the length, a character (named with its position), the
            colour or the number of rows.
    """
    labels = np.full(len(schema.heads), MASKED, np.int32)
    if text and len(text) not in schema.lengths:
        lengths = ", ".join(map(str, schema.lengths))
        raise InputError(
            f"plate {quoted(text)} has {len(text)} characters; "
            f"the schema {schema.name} has {lengths}"
        )
    position = 0
    for i, head in enumerate(schema.heads):
        if head.role == "character":
            position += 1
            if position <= len(text):
                labels[i] = _character_class(schema, head, text, position)
        elif head.role == "length":
            labels[i] = _length_class(schema, head, text)
        else:
            value = colour if head.role == "colour" else rows
            labels[i] = _named_class(schema, head, value)
    return labels


def _character_class(schema: LabelSchema, head: Head, text: str, position: int) -> int:
    character = text[position - 1]
    index = head.indices.get(character)
    if index is None and character == UNKNOWN:
        return MASKED
    if index is None:
        raise InputError(
            f"plate {quoted(text)}: the schema {schema.name} has no {character!r} "
            f"at position {position}"
        )
    return index


def _length_class(schema: LabelSchema, head: Head, text: str) -> int:
    name = str(len(text)) if text else NO_PLATE
    if name not in head.indices:
        raise InputError(f"the schema {schema.name} has no class for pictures without a plate")
    return head.indices[name]


def _named_class(schema: LabelSchema, head: Head, value: str | int | None) -> int:
    if value is None:
        return MASKED
    if str(value) not in head.indices:
        known = ", ".join(head.indices)
        raise InputError(f"the schema {schema.name} has no {head.role} {value!r}; it has {known}")
    return head.indices[str(value)]


def describe(schema: LabelSchema, labels: np.ndarray | Sequence[int]) -> PlateLabel:
    """What int labels [heads] say; the reverse of `encode`.

    A masked or spare class within the plate gives `?`. With a masked length the text ends at
    the last character that is known; a plate of length `none` has an empty text.

    Raises:
        InputError: a wrong number of labels, or one outside its head, named.
    """
    if len(labels) != len(schema.heads):
        raise InputError(
            f"{len(labels)} labels; the schema {schema.name} has {len(schema.heads)} heads"
        )
    names: dict[str, str | None] = {}
    characters = []
    for label, head in zip(labels, schema.heads, strict=True):
        if not MASKED <= label < head.width:
            raise InputError(
                f"class {label} of the head {head.name} is out of range: 0 to {head.width - 1}, "
                "or -1 for unknown"
            )
        name = None if label == MASKED else head.classes[label]
        if head.role == "character":
            characters.append(name or UNKNOWN)
        else:
            names[head.role] = name
    text = _cut("".join(characters), names.get("length"), schema)
    rows = names.get("rows")
    return PlateLabel(text, names.get("colour"), None if rows is None else int(rows))


def _cut(text: str, length: str | None, schema: LabelSchema) -> str:
    if length == NO_PLATE:
        return ""
    if length is not None:
        return text[: int(length)]
    return text if schema.head_of("length") is None else text.rstrip(UNKNOWN)


def decode(
    schema: LabelSchema, probabilities: Mapping[str, np.ndarray], constrain: bool = True
) -> list[DecodedPlate]:
    """Reads softmax outputs.

    The length head says how many characters are read; it may be sure that there is no plate,
    and then the best real length is taken with the little confidence that it has.

    Args:
        schema: what the outputs mean.
        probabilities: head name -> float [batch, width]; heads beyond the schema are ignored.
        constrain: take, among the texts that the schema's kinds allow, the one of the highest
            probability (product over characters and length). Confidences stay the softmax's.

    Raises:
        InputError: an output is missing or has another width than its head.
    """
    tables = _tables(schema)
    padded = tables.pad(schema, probabilities)
    length_scores = tables.length_scores(probabilities, len(padded))
    classes, length_choice = tables.read_freely(padded, length_scores)
    valid = tables.are_kinds(classes, length_choice)
    # A raw reading that is valid is the likeliest of the valid ones too: few plates need more.
    if constrain and not valid.all():
        corrected = tables.read_kinds(padded[~valid], length_scores[~valid])
        classes[~valid], length_choice[~valid] = corrected
    plates = np.arange(len(padded))
    return _plates(
        tables.characters[tables.positions, classes].tolist(),
        padded[plates[:, None], tables.positions, classes].tolist(),
        [schema.lengths[choice] for choice in length_choice.tolist()],
        length_scores[plates, length_choice].tolist(),
        best_names(schema, "colour", probabilities, len(padded)),
        best_names(schema, "rows", probabilities, len(padded)),
        valid.tolist(),
    )


def _plates(
    characters: list[list[str]],
    confidences: list[list[float]],
    lengths: list[int],
    length_confidences: list[float],
    colours: list[str | None],
    rows: list[str | None],
    valid: list[bool],
) -> list[DecodedPlate]:
    plates = []
    for names, values, length, sure, colour, row, raw_valid in zip(
        characters, confidences, lengths, length_confidences, colours, rows, valid, strict=True
    ):
        read = tuple(zip(names[:length], values[:length], strict=True))
        confidence = min(sure, *values[:length])
        number = None if row is None else int(row)
        text = "".join(names[:length])
        plates.append(DecodedPlate(text, confidence, read, colour, number, raw_valid))
    return plates


def best_names(
    schema: LabelSchema, role: Role, probabilities: Mapping[str, np.ndarray], batch: int
) -> list[str | None]:
    """The likeliest class of a role's head for each plate; None where there is no such head."""
    head = schema.head_of(role)
    if head is None:
        return [None] * batch
    values = _output(probabilities, head)
    if len(head.indices) < head.width:  # spare classes are never read
        values = np.where([name is not None for name in head.classes], values, -1.0)
    return [head.classes[index] for index in values.argmax(1).tolist()]


def real_numbers(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities as they are; what is no number is 0, so that nothing is read surely by it.

    A network whose half precision overflows, or whose weights are damaged, answers so.
    """
    if np.isfinite(probabilities.sum()):
        return probabilities
    return np.nan_to_num(probabilities, nan=0.0, posinf=0.0, neginf=0.0)


def _output(probabilities: Mapping[str, np.ndarray], head: Head) -> np.ndarray:
    values = probabilities.get(head.name)
    if values is None or values.ndim != 2 or values.shape[1] != head.width:
        got = "nothing" if values is None else f"shape {values.shape}"
        raise InputError(
            f"the output {head.name!r} should have the shape [batch, {head.width}]; received {got}"
        )
    return values


class _Tables:
    """A schema's classes and kinds as arrays: what `decode` needs, built once a schema.

    A slot is one distinct set of characters at one position; kinds share slots, so that the
    best character of each slot is sought once.
    """

    def __init__(self, schema: LabelSchema) -> None:
        heads = schema.characters
        self.width = max(head.width for head in heads)
        self.positions = np.arange(len(heads))
        self.characters = np.full((len(heads), self.width), UNKNOWN, object)
        for position, head in enumerate(heads):
            for name, index in head.indices.items():
                self.characters[position, index] = name
        self.real = self.characters != UNKNOWN
        self.has_spare = any(None in head.classes for head in heads)
        self.length_head = schema.head_of("length")
        if self.length_head is not None:
            names = [str(length) for length in schema.lengths]
            self.length_columns = [self.length_head.indices[name] for name in names]
        self._build_kinds(schema)

    def _build_kinds(self, schema: LabelSchema) -> None:
        shapes = dict.fromkeys(kind.positions for kind in schema.kinds)
        slots: dict[tuple[int, frozenset[str]], int] = {}
        for shape in shapes:
            for place in enumerate(shape):
                slots.setdefault(place, len(slots))
        ordered = sorted(slots, key=lambda slot: slots[slot])
        self.allowed = np.zeros((len(slots) + 1, self.width), bool)
        self.allowed[-1, 0] = True  # beyond a shape's end any class will do: it is cut off
        for slot, (position, names) in enumerate(ordered):
            indices = schema.characters[position].indices
            self.allowed[slot, [indices[name] for name in names]] = True
        columns = [
            position * self.width + np.flatnonzero(self.allowed[slot])
            for slot, (position, _) in enumerate(ordered)
        ]
        self.slot_columns = np.concatenate(columns) if columns else np.zeros(0, int)
        self.slot_starts = np.cumsum([0] + [len(part) for part in columns[:-1]])
        self.kind_slots = np.full((len(shapes), schema.max_length), len(slots))
        self.uses = np.zeros((len(slots), len(shapes)), np.float32)
        for kind, shape in enumerate(shapes):
            for place in enumerate(shape):
                self.kind_slots[kind, place[0]] = slots[place]
                self.uses[slots[place], kind] = 1
        self.kind_lengths = np.array([schema.lengths.index(len(shape)) for shape in shapes], int)
        self._build_fits(schema, list(shapes))

    def _build_fits(self, schema: LabelSchema, shapes: list[tuple[frozenset[str], ...]]) -> None:
        """Which kinds a class at a place, and a length, leave possible."""
        self.fits = self.allowed[self.kind_slots].transpose(1, 2, 0).copy()
        for kind, shape in enumerate(shapes):
            self.fits[len(shape) :, :, kind] = True
        self.length_fits = np.arange(len(schema.lengths))[:, None] == self.kind_lengths

    def pad(self, schema: LabelSchema, probabilities: Mapping[str, np.ndarray]) -> np.ndarray:
        """The character outputs side by side: float32 [batch, positions, width], 0 beyond."""
        outputs = [_output(probabilities, head) for head in schema.characters]
        padded = np.zeros((len(outputs[0]), len(outputs), self.width), np.float32)
        for position, values in enumerate(outputs):
            padded[:, position, : values.shape[1]] = values
        return real_numbers(padded)

    def length_scores(self, probabilities: Mapping[str, np.ndarray], batch: int) -> np.ndarray:
        """The probability of every real length: float [batch, lengths]; 1 without a head."""
        if self.length_head is None:
            return np.ones((batch, 1), np.float32)
        return real_numbers(_output(probabilities, self.length_head)[:, self.length_columns])

    def read_freely(
        self, padded: np.ndarray, length_scores: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The likeliest class of each place [batch, positions] and the length [batch]."""
        masked = np.where(self.real, padded, -1.0) if self.has_spare else padded
        return masked.argmax(2), length_scores.argmax(1)

    def are_kinds(self, classes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Whether classes [batch, positions] of these lengths [batch] are a kind: bool [batch]."""
        if not self.kind_lengths.size:
            return np.ones(len(classes), bool)
        possible = self.fits[self.positions, classes].all(1)
        return (possible & self.length_fits[lengths]).any(1)

    def read_kinds(
        self, padded: np.ndarray, length_scores: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The classes [batch, positions] and the length [batch] of the likeliest allowed text."""
        flat = padded.reshape(len(padded), -1)
        best = np.maximum.reduceat(flat[:, self.slot_columns], self.slot_starts, axis=1)
        scores = np.log(np.maximum(best, _TINY)) @ self.uses
        scores += np.log(np.maximum(length_scores, _TINY))[:, self.kind_lengths]
        kinds = scores.argmax(1)
        allowed = self.allowed[self.kind_slots[kinds]]
        return np.where(allowed, padded, -1.0).argmax(2), self.kind_lengths[kinds]


@lru_cache(maxsize=16)
def _tables(schema: LabelSchema) -> _Tables:
    return _Tables(schema)

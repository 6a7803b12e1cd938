"""The figures of an evaluation, one small function each; plain Python values in and out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import sqrt

from ..plate.provinces import PROVINCES


def share(count: int, total: int) -> float | None:
    """`count / total`, or None of nothing.

    >>> share(3, 4), share(0, 0)
    (0.75, None)
    """
    return count / total if total else None


def wilson_interval(correct: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of a share, 95 % by default; (0, 1) of nothing.

    Unlike the normal interval it stays inside 0 to 1 and is right for small samples and for
    shares near 1 (Wilson 1927; Brown, Cai and DasGupta 2001).

    >>> [round(bound, 4) for bound in wilson_interval(9, 10)]
    [0.5958, 0.9821]
    """
    if not total:
        return 0.0, 1.0
    centre = (correct + z * z / 2) / (total + z * z)
    half = z / (total + z * z) * sqrt(correct * (total - correct) / total + z * z / 4)
    return max(0.0, centre - half), min(1.0, centre + half)


def align(truth: str, read: str) -> list[tuple[str, str]]:
    """Pairs (truth character, read character) with the fewest differences; "" where one lacks.

    A dropped character therefore costs one character and not all that follow it.

    >>> align("京A12345", "京A1345")
    [('京', '京'), ('A', 'A'), ('1', '1'), ('2', ''), ('3', '3'), ('4', '4'), ('5', '5')]
    >>> align("A8", "AB")
    [('A', 'A'), ('8', 'B')]
    """
    costs = _edit_costs(truth, read)
    pairs = []
    i, j = len(truth), len(read)
    while i or j:
        if i and j and costs[i][j] == costs[i - 1][j - 1] + (truth[i - 1] != read[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((truth[i], read[j]))
        elif i and costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
            pairs.append((truth[i], ""))
        else:
            j -= 1
            pairs.append(("", read[j]))
    return pairs[::-1]


def _edit_costs(truth: str, read: str) -> list[list[int]]:
    """`costs[i][j]`: the Levenshtein distance of the first i and the first j characters."""
    costs = [list(range(len(read) + 1))]
    for i, wanted in enumerate(truth, 1):
        row = [i]
        for j, got in enumerate(read, 1):
            replaced = costs[i - 1][j - 1] + (wanted != got)
            row.append(min(replaced, costs[i - 1][j] + 1, row[j - 1] + 1))
        costs.append(row)
    return costs


def char_accuracy(pairs: Iterable[tuple[str, str]]) -> float | None:
    """The share of right characters among (truth, read) texts; superfluous ones count as wrong.

    Of the 14 characters here one is misread; a 15th is superfluous:

    >>> char_accuracy([("京A12345", "京A12346"), ("京A12345", "京A123455")])
    0.8666666666666667
    """
    right = total = 0
    for truth, read in pairs:
        aligned = align(truth, read)
        right += sum(wanted == got for wanted, got in aligned)
        total += len(aligned)
    return share(right, total)


def confusions(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """(truth character, read character, count), most frequent first; "" for none.

    >>> confusions([("A08", "AD8"), ("A0", "AD"), ("A12", "A2")])
    [('0', 'D', 2), ('1', '', 1)]
    """
    counts: dict[tuple[str, str], int] = {}
    for truth, read in pairs:
        if truth == read:
            continue
        for pair in align(truth, read):
            if pair[0] != pair[1]:
                counts[pair] = counts.get(pair, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(truth, read, count) for (truth, read), count in ordered]


def without_province(text: str) -> str:
    """The text behind its province; plates that begin with none (Macau, 使, WJ) stay whole.

    >>> without_province("京A12345"), without_province("MA1234")
    ('A12345', 'MA1234')
    """
    return text[1:] if text[:1] and text[0] in PROVINCES else text


def same_without_province(truth: str, read: str) -> bool:
    """Whether all is right behind the truth's province, whatever was read in its place.

    >>> same_without_province("京A12345", "津A12345"), same_without_province("MA1234", "京A1234")
    (True, False)
    """
    behind = without_province(truth)
    return read[len(truth) - len(behind) :] == behind


def precision_curve(
    confidences: Sequence[float], correct: Sequence[bool]
) -> list[tuple[float, int, float]]:
    """(threshold, readings that reach it, their precision), from the highest threshold down.

    Readings of equal confidence are accepted together, as a threshold does.

    >>> precision_curve([0.9, 0.8, 0.8, 0.7], [True, True, False, True])
    [(0.9, 1, 1.0), (0.8, 3, 0.6666666666666666), (0.7, 4, 0.75)]
    """
    ordered = sorted(zip(confidences, correct, strict=True), reverse=True)
    accepted = right = 0
    points = []
    for threshold, ties in groupby(ordered, key=lambda item: item[0]):
        results = [is_right for _, is_right in ties]
        accepted += len(results)
        right += sum(results)
        points.append((threshold, accepted, right / accepted))
    return points


def most_accepted(curve: Iterable[tuple[float, int, float]], precision: float) -> int:
    """How many readings can be accepted at most with at least `precision` of them right.

    >>> curve = precision_curve([0.9, 0.8, 0.7, 0.6], [True, False, True, True])
    >>> most_accepted(curve, 0.75), most_accepted(curve, 0.99)
    (4, 1)
    """
    return max((accepted for _, accepted, reached in curve if reached >= precision), default=0)

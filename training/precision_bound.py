"""How precise accepted readings surely are: an exact bound, and thresholds tested by it in order.

Readings are ordered by their confidence. Accepting those down to a threshold, e of k are wrong.
If their precision were below the promise p, so few errors would have at most the probability
P(Binomial(k, 1 - p) <= e); where that is at most 1 - certainty, the threshold passes. This is the
one-sided Clopper-Pearson bound (1934).

Several thresholds are tested on the same plates, which would use the certainty up several times.
It does not here, because their order is fixed beforehand and the first failure ends it
(fixed-sequence testing: Maurer, Hothorn and Lehmacher 1995; Bauer 1991; for thresholds of models
Angelopoulos et al. 2021, "Learn then Test"): a wrong promise needs the first threshold below the
promise to pass, and this one test errs with at most 1 - certainty. Which thresholds are tested
follows from how many readings they accept, never from which of these are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
import numpy.typing as npt

# Beyond so many errors an estimate of how many plates are needed says: too many to wait for.
_MOST_ERRORS = 200


@dataclass(frozen=True)
class ThresholdTest:
    """One threshold and what it accepts.

    Attributes:
        threshold: a reading's confidence that is just accepted.
        accepted, wrong: readings that reach it, and how many of these are wrong.
        precision_bound: what the precision is at least, with the certainty wanted.
        passed: whether that reaches the promise.
    """

    threshold: float
    accepted: int
    wrong: int
    precision_bound: float
    passed: bool


def binomial_tail(most: int, trials: int, probability: float) -> float:
    """P(X <= most) of a Binomial(trials, probability).

    >>> round(binomial_tail(1, 4, 0.5), 4)  # (1 + 4) / 16
    0.3125
    """
    if most >= trials or probability <= 0.0:
        return 1.0
    if most < 0 or probability >= 1.0:
        return 0.0
    counts = np.arange(most)
    # In logarithms, each term from the one before: the terms themselves may underflow.
    ratios = np.log((trials - counts) / (counts + 1)) + np.log(probability) - np.log1p(-probability)
    logs = trials * np.log1p(-probability) + np.concatenate([[0.0], np.cumsum(ratios)])
    largest = float(logs.max())
    return min(1.0, float(np.exp(largest) * np.exp(logs - largest).sum()))


@lru_cache(maxsize=100_000)
def precision_bound(accepted: int, wrong: int, certainty: float) -> float:
    """The lower Clopper-Pearson bound of the share of right readings, one-sided.

    >>> round(precision_bound(10, 0, 0.95), 6) == round(0.05**0.1, 6)
    True
    """
    if wrong >= accepted:
        return 0.0
    low, high = 0.0, 1.0
    # The tail grows with the precision; float64 is exhausted after 60 halvings.
    for _ in range(60):
        middle = (low + high) / 2
        if binomial_tail(wrong, accepted, 1 - middle) <= 1 - certainty:
            low = middle
        else:
            high = middle
    return low


@lru_cache(maxsize=100_000)
def plates_for(wrong: int, precision: float, certainty: float) -> int:
    """How many accepted readings the promise takes if `wrong` of them are wrong.

    >>> [plates_for(0, precision, 0.95) for precision in (0.99, 0.995, 0.999)]
    [299, 598, 2995]
    """
    low, high = wrong, wrong + 1
    while not _passes(high, wrong, precision, certainty):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _passes(middle, wrong, precision, certainty):
            high = middle
        else:
            low = middle
    return high


def _passes(accepted: int, wrong: int, precision: float, certainty: float) -> bool:
    return binomial_tail(wrong, accepted, 1 - precision) <= 1 - certainty


def counts_to_test(readings: int, precision: float, certainty: float) -> list[int]:
    """How many readings each tested threshold is to accept, the highest threshold first.

    The least number that can pass, then each that can pass with one more error, at last all.
    Between two of them no more errors are affordable than at the first, so a test there could
    only end the sequence sooner. Empty where not even all readings are enough.

    >>> counts_to_test(1000, 0.99, 0.95)
    [299, 473, 628, 773, 913, 1000]
    """
    counts = []
    wrong = 0
    while (needed := plates_for(wrong, precision, certainty)) <= readings:
        counts.append(needed)
        # Beyond 50 errors steps of a fiftieth are fine enough; a million plates take a second.
        wrong += max(1, wrong // 50)
    return [*counts, readings] if counts and counts[-1] < readings else counts


def run_tests(
    confidences: npt.ArrayLike, right: npt.ArrayLike, precision: float, certainty: float
) -> list[ThresholdTest]:
    """Tests thresholds from the highest down; the first failure is the last entry.

    Args:
        confidences: float [readings], of independent readings.
        right: bool [readings], whether each text is right.
        precision: the promise, 0 to 1.
        certainty: with which it is to hold, 0 to 1.

    Returns:
        The last entry that passed is the threshold to take; empty where no number of right
        readings would have been enough.
    """
    values = np.asarray(confidences, np.float64)
    order = np.argsort(-values, kind="stable")
    ordered = values[order]
    errors = np.concatenate([[0], np.cumsum(~np.asarray(right, bool)[order])])
    tests: list[ThresholdTest] = []
    for count in counts_to_test(len(ordered), precision, certainty):
        threshold = float(ordered[count - 1])
        # A threshold accepts all readings of equal confidence.
        accepted = int(np.searchsorted(-ordered, -threshold, side="right"))
        if tests and accepted == tests[-1].accepted:
            continue
        wrong = int(errors[accepted])
        bound = precision_bound(accepted, wrong, certainty)
        passed = _passes(accepted, wrong, precision, certainty)
        tests.append(ThresholdTest(threshold, accepted, wrong, bound, passed))
        if not passed:
            break
    return tests


def chosen(tests: Sequence[ThresholdTest]) -> ThresholdTest | None:
    """The lowest threshold that the sequence proved, or None."""
    passed = [test for test in tests if test.passed]
    return passed[-1] if passed else None


def plates_wanted(
    confidences: npt.ArrayLike,
    right: npt.ArrayLike,
    precision: float,
    certainty: float,
    doubt: int = 0,
) -> int | None:
    """How many plates to test would likely prove some threshold, if all goes on as here.

    An estimate for whoever gathers plates: it looks at which readings are right, so it chooses
    no threshold.

    Args:
        confidences, right, precision, certainty: as of `run_tests`.
        doubt: so many errors more than were seen. Among many thresholds one looks good by
            chance; with 1 a run of right readings says only as much as its length allows.

    Returns:
        At least `plates_for(0, …)`; None where too many of even the surest readings are wrong.
    """
    values = np.asarray(confidences, np.float64)
    wrong = ~np.asarray(right, bool)[np.argsort(-values, kind="stable")]
    # The best counts are those just before one more error, and all.
    ends = np.unique([*np.flatnonzero(wrong), len(wrong)])
    estimates = [
        _scaled(int(end), int(wrong[:end].sum()) + doubt, len(wrong), precision, certainty)
        for end in ends
        if end
    ]
    return min((estimate for estimate in estimates if estimate is not None), default=None)


def _scaled(
    accepted: int, wrong: int, plates: int, precision: float, certainty: float
) -> int | None:
    """Plates until the promise holds, if of every `plates` so many are accepted and wrong."""
    if not wrong:
        return ceil(plates_for(0, precision, certainty) * plates / accepted)
    if wrong >= accepted * (1 - precision):
        return None
    for errors in range(wrong, max(wrong, _MOST_ERRORS) + 1):
        reached = errors * accepted / wrong
        if reached >= plates_for(errors, precision, certainty):
            return ceil(errors * plates / wrong)
    return None

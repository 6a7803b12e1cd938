"""The bound against published and rational values; the promise against a world that is known."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from chepai.training.precision_bound import (
    binomial_tail,
    chosen,
    counts_to_test,
    plates_for,
    plates_wanted,
    precision_bound,
    run_tests,
)


@pytest.mark.parametrize(
    ("most", "trials", "share"), [(0, 7, 3), (2, 10, 1), (30, 90, 4), (5, 5, 9)]
)
def test_the_tail_is_the_sum_of_its_terms(most: int, trials: int, share: int):
    p = Fraction(share, 10)
    wanted = sum(comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(most + 1))
    assert binomial_tail(most, trials, share / 10) == pytest.approx(float(wanted), rel=1e-12)


def test_the_tail_of_many_trials_neither_underflows_nor_leaves_0_to_1():
    assert binomial_tail(1_000_000, 2_000_000, 0.5) == pytest.approx(0.5, abs=1e-3)
    assert binomial_tail(0, 10_000_000, 0.5) == 0.0
    assert binomial_tail(400, 500, 0.01) == pytest.approx(1.0)


# Clopper and Pearson's two-sided 95 % limits, as tables print them: the upper limit of the share
# of errors is one-sided at 97.5 %.
@pytest.mark.parametrize(
    ("wrong", "readings", "upper"),
    [
        (0, 10, 0.3085), (1, 10, 0.4450), (5, 10, 0.8129),
        (2, 20, 0.3170), (0, 100, 0.0362), (10, 100, 0.1762),
    ],
)  # fmt: skip
def test_the_bound_is_the_published_one(wrong: int, readings: int, upper: float):
    assert precision_bound(readings, wrong, 0.975) == pytest.approx(1 - upper, abs=6e-5)


def test_without_an_error_the_bound_is_a_root():
    assert precision_bound(628, 0, 0.95) == pytest.approx(0.05 ** (1 / 628), rel=1e-12)
    assert precision_bound(3, 3, 0.95) == 0.0


def test_99_9_per_cent_at_95_takes_2995_right_readings():
    assert plates_for(0, 0.999, 0.95) == 2995
    assert 0.999**2995 <= 0.05 < 0.999**2994
    right = np.ones(2995, bool)
    confidences = np.linspace(0.5, 1, 2995)
    (test,) = run_tests(confidences, right, 0.999, 0.95)
    assert test.passed and test.accepted == 2995 and test.threshold == 0.5
    assert run_tests(confidences[1:], right[1:], 0.999, 0.95) == []
    right[100] = False
    (test,) = run_tests(confidences, right, 0.999, 0.95)
    assert not test.passed and chosen([test]) is None


@pytest.mark.parametrize("wrong", [0, 1, 7, 60])
def test_the_number_of_plates_is_the_least_that_passes(wrong: int):
    least = plates_for(wrong, 0.99, 0.95)
    assert precision_bound(least, wrong, 0.95) >= 0.99 - 1e-12
    assert precision_bound(least - 1, wrong, 0.95) < 0.99


def test_thresholds_are_tested_from_the_highest_down_until_one_fails():
    right = np.ones(1000, bool)
    right[[310, 400, 480]] = False  # of the readings in order: the second test allows one error
    tests = run_tests(np.linspace(1, 0.001, 1000), right, 0.99, 0.95)
    assert [(test.accepted, test.wrong, test.passed) for test in tests] == [
        (299, 0, True),
        (473, 2, False),
    ]
    assert chosen(tests) is tests[0]


def test_which_thresholds_are_tested_does_not_depend_on_what_is_right():
    rng = np.random.default_rng(1)
    confidences = rng.random(2000)
    every = [test.threshold for test in run_tests(confidences, np.ones(2000), 0.99, 0.95)]
    for _ in range(20):
        some = run_tests(confidences, rng.random(2000) < 0.99, 0.99, 0.95)
        assert [test.threshold for test in some] == every[: len(some)]


def test_readings_of_equal_confidence_are_accepted_together():
    confidences = np.r_[np.ones(500), np.full(500, 0.9)]
    tests = run_tests(confidences, np.ones(1000), 0.99, 0.95)
    assert [(test.threshold, test.accepted) for test in tests] == [(1.0, 500), (0.9, 1000)]


def test_the_steps_stay_few_however_many_plates_there_are():
    counts = counts_to_test(200_000, 0.99, 0.95)
    assert len(counts) < 300
    assert counts == sorted(set(counts)) and counts[-1] == 200_000
    assert np.diff(counts[-20:]).max() < 0.03 * 200_000


Errors = Callable[[np.ndarray], np.ndarray]


def true_precision(errors: Errors, threshold: float) -> float:
    """Of all readings at `threshold` or above, confidences being uniform from 0 to 1."""
    return 1 - float(errors(np.linspace(threshold, 1, 2001)).mean())


def broken_promises(errors: Errors, precision: float, runs: int) -> tuple[float, float]:
    """How often the threshold that was found breaks the promise, and the mean coverage."""
    rng = np.random.default_rng(2019)
    broken, coverage = 0, 0.0
    for _ in range(runs):
        confidences = rng.random(1500)
        right = rng.random(1500) >= errors(confidences)
        found = chosen(run_tests(confidences, right, precision, 0.95))
        if found is not None:
            broken += true_precision(errors, found.threshold) < precision
            coverage += (1 - found.threshold) / runs
    return broken / runs, coverage


@pytest.mark.parametrize(
    ("errors", "least_coverage"),
    [
        # The worst world: every threshold is just below the promise.
        (lambda c: np.full_like(c, 0.0101), 0.0),
        # The promise holds down to 0.5 and from there on less and less.
        (lambda c: np.where(c > 0.5, 0.008, 0.03), 0.02),
        (lambda c: 0.06 * (1 - c) ** 2, 0.3),
        # The surest are not the best ones.
        (lambda c: np.where(c > 0.9, 0.012, 0.01 * (1 - c)), 0.0),
        (lambda c: np.where(c > 0.8, 0.0101, np.where(c > 0.6, 0.009, 0.05)), 0.0),
    ],
)
def test_at_most_one_promise_in_twenty_is_broken(errors: Errors, least_coverage: float):
    broken, coverage = broken_promises(errors, 0.99, 1500)
    # Three standard deviations of a share of 5 % in 1500 runs.
    assert broken <= 0.05 + 3 * (0.05 * 0.95 / 1500) ** 0.5
    assert coverage >= least_coverage


def test_such_worlds_would_catch_a_search_for_the_best_threshold():
    """Taking the lowest threshold whose readings were precise enough breaks half the promises."""
    rng = np.random.default_rng(2019)
    broken = 0
    for _ in range(200):
        confidences = np.sort(rng.random(1500))[::-1]
        wrong = rng.random(1500) < 0.06 * (1 - confidences) ** 2
        precise = 1 - np.cumsum(wrong) / np.arange(1, 1501) >= 0.99
        threshold = confidences[np.flatnonzero(precise)[-1]]
        broken += true_precision(lambda c: 0.06 * (1 - c) ** 2, threshold) < 0.99
    assert broken > 60


def test_how_many_plates_are_wanted():
    confidences = np.linspace(1, 0.1, 1000)
    right = np.ones(1000, bool)
    assert plates_wanted(confidences, right, 0.999, 0.95) == 2995
    right[500:] = False
    assert plates_wanted(confidences, right, 0.999, 0.95) == 2 * 2995
    right[:] = True
    right[499] = False  # 499 right ones, or two in a thousand wrong
    assert plates_wanted(confidences, right, 0.999, 0.95) == -(-2995 * 1000 // 499)
    # One error in 1000 where 5 in 1000 may be: 2 of 2000 pass, as 1 of 1000 does.
    assert plates_wanted(confidences, right, 0.995, 0.95) == 1000
    assert plates_wanted(confidences, np.zeros(1000), 0.99, 0.95) is None
    # 499 right ones are no sign of more than 998 in a thousand.
    assert plates_wanted(confidences, right, 0.999, 0.95, doubt=1) is None


def test_the_estimate_is_enough_if_all_goes_on_as_before():
    rng = np.random.default_rng(3)
    confidences = rng.random(900)
    right = rng.random(900) >= 0.02 * (1 - confidences)
    wanted = plates_wanted(confidences, right, 0.995, 0.95)
    assert wanted is not None and wanted > 900
    times = -(-wanted // 900)
    repeated = run_tests(np.tile(confidences, times), np.tile(right, times), 0.995, 0.95)
    assert chosen(repeated) is not None

"""The figures of an evaluation against numbers worked by hand and against brute force."""

from __future__ import annotations

import doctest
import itertools
import random

import pytest
from chepai.training import scores


def test_the_worked_examples_hold():
    result = doctest.testmod(scores)
    assert result.attempted >= 10 and result.failed == 0


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_those_of_newcombe(correct: int, total: int, low: float, high: float):
    assert scores.wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_an_alignment_spells_both_texts_and_has_the_fewest_edits():
    def distance(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        rest = (distance(a[1:], b) + 1, distance(a, b[1:]) + 1)
        return min(*rest, distance(a[1:], b[1:]) + (a[0] != b[0]))

    texts = ["".join(letters) for n in range(4) for letters in itertools.product("AB", repeat=n)]
    for truth, read in itertools.product(texts, texts):
        pairs = scores.align(truth, read)
        assert "".join(wanted for wanted, _ in pairs) == truth
        assert "".join(got for _, got in pairs) == read
        assert sum(wanted != got for wanted, got in pairs) == distance(truth, read)


def test_a_dropped_character_costs_one_character_only():
    assert scores.char_accuracy([("皖AD12345", "皖A12345")]) == pytest.approx(7 / 8)
    assert scores.char_accuracy([("皖A12345", "")]) == 0.0
    assert scores.char_accuracy([]) is None


def test_equal_confidences_are_accepted_together_whatever_their_order():
    for correct in ([True, False, True], [False, True, True]):
        curve = scores.precision_curve([0.8, 0.8, 0.9], correct)
        assert curve[-1] == (0.8, 3, 2 / 3)
        assert len(curve) == 2


def test_most_accepted_is_what_trying_every_threshold_finds():
    generator = random.Random(1)
    for _ in range(50):
        confidences = [generator.randint(0, 9) / 10 for _ in range(25)]
        correct = [generator.random() < confidence for confidence in confidences]
        curve = scores.precision_curve(confidences, correct)
        for wanted in (0.5, 0.8, 0.99):
            tried = [
                [right for value, right in zip(confidences, correct, strict=True) if value >= step]
                for step in {*confidences, 2.0}
            ]
            best = max(len(kept) for kept in tried if not kept or sum(kept) / len(kept) >= wanted)
            assert scores.most_accepted(curve, wanted) == best

"""From outputs on held-out plates to a verdict, in a world whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest
from chepai.errors import InputError
from chepai.plate.schema import Head, LabelSchema
from chepai.training.calibrating import HeldOut, Promise, calibrate

DIGITS = tuple("0123456789")
SCHEMA = LabelSchema("five", tuple(Head(f"char_{i}", "character", DIGITS) for i in range(1, 6)))


def held_out(plates: int, wrong: float, sharper: float = 1.0) -> HeldOut:
    """Plates 00000, 00001, …; a share `wrong` of them, the least sure ones, is misread."""
    rng = np.random.default_rng(7)
    texts = [f"{number:05}" for number in range(plates)]
    labels = np.array([[int(char) for char in text] for text in texts], np.int32)
    sure = np.clip(rng.beta(9, 1, plates), 0.55, 0.999)
    read = labels.copy()
    misread = np.argsort(sure)[: round(wrong * plates)]
    read[misread, 3] = (read[misread, 3] + 1) % 10
    probabilities = {}
    for place, head in enumerate(SCHEMA.heads):
        values = np.repeat((1 - sure[:, None]) / 9, 10, axis=1)
        values[np.arange(plates), read[:, place]] = sure
        values = values**sharper
        probabilities[head.name] = values / values.sum(axis=1, keepdims=True)
    return HeldOut(tuple(texts), labels, probabilities)


def test_a_good_model_gets_a_threshold_and_the_coverage_that_it_gives():
    verdict = calibrate(held_out(2000, 0.1), SCHEMA, Promise(0.99, 0.95), True, seed=0)
    assert (verdict.fitted, verdict.tested, verdict.plates) == (500, 1500, 1500)
    assert verdict.found is not None and verdict.wanted == 0
    # The last test that can pass: one more error is affordable every 150 plates or so.
    assert 0.8 < verdict.coverage < 0.95
    assert verdict.found.accepted == round(verdict.coverage * 1500)
    assert verdict.found.precision_bound >= 0.99
    assert verdict.tests[-1].passed is False and verdict.tests[-2] is verdict.found


def test_the_threshold_does_not_depend_on_how_sharp_the_model_was_trained():
    """Temperatures bring both models to the same confidences, so the same plates are accepted."""
    plain, sharp = (
        calibrate(held_out(2000, 0.1, by), SCHEMA, Promise(0.99, 0.95), True, seed=0)
        for by in (1.0, 2.0)
    )
    assert sharp.found.threshold == pytest.approx(plain.found.threshold, abs=0.03)
    assert sharp.coverage == plain.coverage
    for one, other in zip(sharp.temperatures.values(), plain.temperatures.values(), strict=True):
        assert one == pytest.approx(2 * other, rel=0.15)


def test_too_few_plates_say_how_many_more():
    verdict = calibrate(held_out(1000, 0.0), SCHEMA, Promise(0.999, 0.95), True, seed=0)
    assert verdict.found is None and verdict.tests == () and verdict.coverage == 0
    # 2,995 to be tested are three quarters of 3,993.
    assert verdict.wanted == 3993 - 1000
    enough = calibrate(held_out(3993, 0.0), SCHEMA, Promise(0.999, 0.95), True, seed=0)
    assert enough.found is not None and enough.coverage == 1.0


def test_where_the_surest_are_wrong_more_plates_do_not_help():
    plates = held_out(2000, 0.0)
    # Every twentieth plate shows something else than is read, however surely.
    texts = tuple(
        f"9{text[1:]}" if number % 20 == 0 else text for number, text in enumerate(plates.texts)
    )
    verdict = calibrate(
        HeldOut(texts, plates.labels, plates.probabilities),
        SCHEMA, Promise(0.99, 0.95), True, seed=0,
    )  # fmt: skip
    assert verdict.found is None and verdict.wanted is None
    assert len(verdict.tests) == 1 and not verdict.tests[0].passed


def test_a_picture_without_a_plate_is_wrong_where_it_is_accepted():
    plates = held_out(2000, 0.0)
    texts = tuple("" if number % 10 == 0 else text for number, text in enumerate(plates.texts))
    labels = plates.labels.copy()
    labels[::10] = -1
    verdict = calibrate(
        HeldOut(texts, labels, plates.probabilities), SCHEMA, Promise(0.99, 0.95), True, seed=0
    )
    assert verdict.found is None
    assert verdict.plates < verdict.tested == 1500
    assert verdict.tests[0].wrong > 10


def test_one_plate_is_not_enough():
    plates = held_out(3, 0.0)
    same = HeldOut(("00000",) * 3, plates.labels, plates.probabilities)
    with pytest.raises(InputError, match="at least two different plates"):
        calibrate(same, SCHEMA, Promise(0.99, 0.95), True, seed=0)

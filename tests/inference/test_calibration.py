"""A calibrated model's reader: its temperatures, and the threshold that they were tested with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from chepai import Reader
from chepai.errors import InputError
from made_calibration import CALIBRATION

GREY = np.full((20, 60, 3), 42, np.uint8)


@pytest.fixture
def calibrated(grey_runtime) -> Reader:
    grey_runtime.card = replace(grey_runtime.card, calibration=CALIBRATION)
    return Reader("any.onnx")


def test_temperatures_move_confidences_and_no_text(grey_runtime):
    (before,) = Reader("any.onnx").read(GREY, constrain=False)
    grey_runtime.card = replace(grey_runtime.card, calibration=CALIBRATION)
    (after,) = Reader("any.onnx").read(GREY, constrain=False)
    assert after.text == before.text == "042"
    # Nine classes share what is left of 0.9: p ** (1 / T), scaled to the sum 1.
    for (_, confidence), temperature in zip(after.characters, (1.5, 0.8, 2.0), strict=True):
        top, rest = 0.9 ** (1 / temperature), (0.1 / 9) ** (1 / temperature)
        assert confidence == pytest.approx(top / (top + 9 * rest), abs=1e-6)
    assert after.confidence == min(value for _, value in after.characters)


def test_auto_accepts_from_the_calibrated_threshold_on(grey_runtime):
    (reading,) = Reader("any.onnx").read(GREY)
    for threshold, accepted in ((reading.confidence, True), (reading.confidence + 1e-6, False)):
        found = replace(CALIBRATION, temperatures={}, min_confidence=threshold)
        grey_runtime.card = replace(grey_runtime.card, calibration=found)
        assert Reader("any.onnx").read(GREY, "auto")[0].accepted is accepted


@pytest.mark.usefixtures("grey_runtime")
def test_auto_without_a_calibration_says_what_to_do():
    with pytest.raises(InputError, match=r"no calibrated threshold: give it one with `chepai cal"):
        Reader("any.onnx").read(GREY, min_confidence="auto")


def test_a_threshold_holds_for_the_way_of_reading_that_it_was_tested_with(calibrated: Reader):
    assert calibrated.min_confidence("auto") == CALIBRATION.min_confidence
    with pytest.raises(InputError, match="for reading valid plates, not any text"):
        calibrated.read(GREY, "auto", constrain=False)


def test_other_words_are_no_threshold(calibrated: Reader):
    with pytest.raises(InputError, match="from 0 to 1, or auto; received 'high'"):
        calibrated.read(GREY, "high")  # type: ignore[arg-type]


def test_the_models_own_outputs_are_not_calibrated(calibrated: Reader):
    ((pictures, outputs),) = calibrated.outputs([GREY, b"", GREY])
    assert [picture.error is None for picture in pictures] == [True, False, True]
    assert outputs["char_1"].shape == (2, 10)
    assert outputs["char_1"].max() == pytest.approx(0.9)

"""A second look: sure answers stay, unsure ones are averages over what the altered copies give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from chepai import Reader
from chepai.errors import InputError
from chepai.inference.model_card import ModelCard
from chepai.inference.second_look import UNSURE, SecondLook
from chepai.plate.schema import Head, LabelSchema
from made_calibration import CALIBRATION

DIGITS = tuple("0123456789")
HEADS = tuple(Head(f"char_{place}", "character", DIGITS) for place in (1, 2))
CARD = ModelCard("fake", LabelSchema("fake", HEADS), 24, 36)


class FakeNetwork:
    """As sure of its first character as a picture's first value says, of the second as it ends."""

    def __init__(self, card: ModelCard = CARD) -> None:
        self.card = card
        self.received: list[np.ndarray] = []

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        self.received.append(images)
        places = {"char_1": images[:, 0, 0, 0], "char_2": images[:, -1, -1, 2]}
        return {name: answers(values / 255) for name, values in places.items()}


def answers(sure: np.ndarray) -> np.ndarray:
    values = np.repeat((1 - sure[:, None]) / 9, 10, axis=1).astype(np.float32)
    values[:, 3] = sure
    return values


def pictures(*sure: float) -> np.ndarray:
    images = np.full((len(sure), 24, 36, 3), 255, np.uint8)
    images[:, 0, 0, 0] = np.round(255 * np.array(sure))
    return images


def test_sure_answers_stay_and_cost_no_second_run():
    network = FakeNetwork()
    images = pictures(0.95, 1.0)
    found = SecondLook(network).run(images)
    assert len(network.received) == 1
    np.testing.assert_array_equal(found["char_1"], answers(images[:, 0, 0, 0] / 255))


def test_unsure_answers_are_averaged_over_the_picture_and_its_altered_copies():
    network = FakeNetwork()
    images = pictures(0.95, UNSURE - 0.1, 1.0, 0.5)
    found = SecondLook(network).run(images)
    first, *others = network.received
    np.testing.assert_array_equal(first, images)
    # One picture's copies a run: four pictures are what a run had.
    assert [len(part) for part in others] == [5, 5]
    copies = np.concatenate(others)
    once, again = FakeNetwork().run(images), FakeNetwork().run(copies)
    for head in once:
        np.testing.assert_array_equal(found[head][[0, 2]], once[head][[0, 2]])
        for place, part in ((1, slice(0, 5)), (3, slice(5, 10))):
            wanted = (once[head][place] + again[head][part].sum(0)) / 6
            np.testing.assert_allclose(found[head][place], wanted, rtol=1e-6)
            assert found[head][place].sum() == pytest.approx(1, abs=1e-6)


def test_copies_are_enlarged_about_the_centre_or_moved():
    image = np.zeros((48, 144, 3), np.uint8)
    image[16:32, 52:92] = 200
    network = FakeNetwork()
    SecondLook(network).run(image[None])
    bright = [(copy[:, :, 0] > 100).astype(np.uint8) for copy in network.received[1]]
    large, less_large, further_right, lower, higher = map(cv2.boundingRect, bright)
    left, top, wide, high = large
    assert (wide, high) == (46, 18)
    assert less_large[2] == 44
    assert further_right == (52 + 3, 16, 40, 16)
    assert higher == (52, 16 - 2, 40, 16)
    assert abs(left + wide / 2 - 72) <= 0.5 and abs(top + high / 2 - 24) <= 0.5
    assert lower == (52, 16 + 2, 40, 16)


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_readings_are_the_same_however_pictures_are_divided(tiny_onnx: Path, batch_size: int):
    plates = list(np.random.default_rng(3).integers(0, 256, (30, 30, 90, 3), dtype=np.uint8))
    plain = Reader(tiny_onnx, threads=1).read(plates)
    together = Reader(tiny_onnx, threads=1, second_look=True)
    found = Reader(tiny_onnx, threads=2, batch_size=batch_size, second_look=True).read(plates)
    wanted = together.read(plates)
    for one, other in zip(found, wanted, strict=True):
        assert one.text == other.text
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)
    pairs = zip(plain, wanted, strict=True)
    assert any(one.confidence != other.confidence for one, other in pairs)
    pixels = np.stack([cv2.resize(plate, together.input_size[::-1]) for plate in plates])
    assert {r.text for r in together.read_pixels(pixels)} == {r.text for r in together.read(pixels)}


def test_columns_are_not_averaged():
    with pytest.raises(InputError, match="a model of family ctc has columns instead"):
        SecondLook(FakeNetwork(replace(CARD, family="ctc")))


def test_a_threshold_holds_for_the_looks_that_it_was_tested_with(grey_runtime: SimpleNamespace):
    grey_runtime.card = replace(grey_runtime.card, calibration=CALIBRATION)
    with pytest.raises(InputError, match="was calibrated without a second look: read so"):
        Reader("any.onnx", second_look=True).min_confidence("auto")
    looked = replace(CALIBRATION, second_look=True)
    assert type(looked).from_dict(looked.to_dict()) == looked
    grey_runtime.card = replace(grey_runtime.card, calibration=looked)
    assert Reader("any.onnx", second_look=True).min_confidence("auto") == looked.min_confidence
    with pytest.raises(InputError, match="was calibrated with a second look: read so"):
        Reader("any.onnx", second_look=False).min_confidence("auto")


def test_a_calibrated_model_looks_as_it_was_calibrated(grey_runtime: SimpleNamespace):
    for second_look in (True, False):
        calibration = replace(CALIBRATION, second_look=second_look)
        grey_runtime.card = replace(grey_runtime.card, calibration=calibration)
        reader = Reader("any.onnx")
        assert reader.second_look is second_look
        assert reader.min_confidence("auto") == calibration.min_confidence


@pytest.mark.usefixtures("grey_runtime")
@pytest.mark.parametrize(
    ("model", "second_model", "looks_twice"),
    [
        ("default", None, True),
        ("fast", None, False),
        ("fast", "default", True),
        ("any.onnx", None, False),
    ],
)
def test_default_looks_twice_unless_told_otherwise(
    model: str, second_model: str | None, looks_twice: bool
):
    assert Reader(model, second_model=second_model).second_look is looks_twice
    assert not Reader(model, second_model=second_model, second_look=False).second_look

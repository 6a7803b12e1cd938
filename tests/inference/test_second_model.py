"""A second model: it reads what the first is unsure of, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chepai import Reader
from chepai.errors import InputError
from chepai.inference.model_card import ModelCard
from chepai.inference.second_model import UNSURE, SecondModel
from chepai.plate.schema import Head, LabelSchema
from made_calibration import CALIBRATION

DIGITS = tuple("0123456789")
HEADS = tuple(Head(f"char_{place}", "character", DIGITS) for place in (1, 2))
CARD = ModelCard("fake", LabelSchema("fake", HEADS), 8, 12)


class FakeNetwork:
    """Reads its own digit twice, as sure as a picture's first value says."""

    def __init__(self, digit: int, card: ModelCard = CARD) -> None:
        self.card = card
        self.digit = digit
        self.received: list[np.ndarray] = []

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        self.received.append(images)
        sure = images[:, 0, 0, 0] / 255
        values = np.repeat((1 - sure[:, None]) / 9, 10, axis=1).astype(np.float32)
        values[:, self.digit] = sure
        return {"char_1": values, "char_2": values}


def pictures(*sure: float) -> np.ndarray:
    images = np.zeros((len(sure), 8, 12, 3), np.uint8)
    images[:, 0, 0, 0] = np.round(255 * np.array(sure))
    return images


def test_what_the_first_is_sure_of_the_second_never_sees():
    first, second = FakeNetwork(3), FakeNetwork(7)
    found = SecondModel(first, second).run(pictures(1.0, UNSURE + 0.02))
    assert not second.received
    assert found["char_1"].argmax(1).tolist() == [3, 3]


def test_what_the_first_is_unsure_of_is_the_seconds_answer():
    first, second = FakeNetwork(3), FakeNetwork(7)
    images = pictures(UNSURE - 0.02, 1.0, 0.4)
    found = SecondModel(first, second).run(images)
    np.testing.assert_array_equal(second.received[0], images[[0, 2]])
    assert found["char_1"].argmax(1).tolist() == [7, 3, 7]
    alone = FakeNetwork(7).run(images[[0, 2]])
    np.testing.assert_array_equal(found["char_2"][[0, 2]], alone["char_2"])


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (replace(CARD, height=9), "has another input size than fake"),
        (replace(CARD, schema=LabelSchema("one", HEADS[:1])), "has another schema than fake"),
        (replace(CARD, family="ctc"), "not ctc"),
        (replace(CARD, calibration=CALIBRATION), "a calibrated model reads alone"),
    ],
)
def test_models_that_do_not_fit_together_are_refused(second: ModelCard, said: str):
    with pytest.raises(InputError, match=said):
        SecondModel(FakeNetwork(3), FakeNetwork(7, second))


@pytest.mark.parametrize("second_look", [False, True])
@pytest.mark.parametrize("batch_size", [1, 64])
def test_an_unsure_first_model_leaves_everything_to_the_second(
    tiny_onnx: Path, batch_size: int, second_look: bool
):
    plates = list(np.random.default_rng(3).integers(0, 256, (20, 30, 90, 3), dtype=np.uint8))
    wanted = Reader(tiny_onnx, threads=1, second_look=second_look).read(plates)
    both = Reader(
        tiny_onnx, threads=2, batch_size=batch_size, second_look=second_look, second_model=tiny_onnx
    )
    assert max(reading.confidence for reading in wanted) < UNSURE
    for one, other in zip(both.read(plates), wanted, strict=True):
        assert one.text == other.text
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)
    assert both.parallel


@pytest.mark.parametrize("batch_size", [1, 64])
def test_a_picture_that_is_read_alone_goes_through_the_second_once(
    monkeypatch: pytest.MonkeyPatch, batch_size: int
):
    networks = iter([FakeNetwork(3), second := FakeNetwork(7)])
    monkeypatch.setattr("chepai.inference.reader.open_runtime", lambda *_: next(networks))
    reader = Reader("a.onnx", second_model="b.onnx", batch_size=batch_size)
    assert reader.read(pictures(0.5))[0].text == "77"
    assert [len(images) for images in second.received] == [1]

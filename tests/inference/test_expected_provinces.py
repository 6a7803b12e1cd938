"""A reader that is told which provinces' plates come: what it reads, and which threshold holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from chepai import Reader
from chepai.errors import InputError
from chepai.inference.calibration import Calibration
from chepai.inference.model_card import ModelCard
from chepai.plate.codec import encode
from chepai.plate.provinces import ProvinceShares
from chepai.plate.schema import load_schema
from made_calibration import CALIBRATION

CN = load_schema("cn")
PICTURE = np.zeros((8, 24, 3), np.uint8)
ANHUI = {"皖": 0.9}


class Undecided:
    """Reads 京A12345, of which it takes the province with 0.55; for 皖 speaks 0.4."""

    def __init__(self) -> None:
        self.card = ModelCard("undecided", CN, 8, 24)

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        outputs = {}
        labels = encode(CN, "京A12345", "blue", 1)
        for head, label in zip(CN.heads, labels.tolist(), strict=True):
            one = np.full(head.width, 0.01 / (head.width - 1), np.float32)
            one[max(label, 0)] = 0.99
            outputs[head.name] = np.repeat(one[None], len(images), 0)
        first, places = outputs["char_1"], CN.heads[0].indices
        first[:] = 0.05 / (first.shape[1] - 2)
        first[:, places["京"]], first[:, places["皖"]] = 0.55, 0.4
        return outputs


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> Undecided:
    runtime = Undecided()
    monkeypatch.setattr("chepai.inference.reader.open_runtime", lambda *_: runtime)
    return runtime


@pytest.mark.usefixtures("undecided")
def test_what_is_expected_decides_between_provinces():
    assert Reader("any.onnx").read(PICTURE)[0].text == "京A12345"
    reader = Reader("any.onnx", provinces=ANHUI)
    reading = reader.read(PICTURE)[0]
    assert reading.text == "皖A12345"
    # 0.4 * 0.9 of 31 for 皖, 0.55 and 29 small ones of 0.1 / 30 of 31, the rest as it was.
    small = 0.05 / (CN.heads[0].width - 2)
    home, guests = 0.4 * 0.9 * 31, (0.55 + 29 * small) * 0.1 / 30 * 31
    others = (CN.heads[0].width - 31) * small
    wanted = home / (home + guests + others)
    assert reading.characters[0] == ("皖", pytest.approx(wanted, abs=1e-6))
    assert reader.read_pixels(PICTURE[None])[0].text == "皖A12345"
    ((_, outputs),) = reader.outputs([PICTURE])
    assert outputs["char_1"].max() == pytest.approx(0.55)


@pytest.mark.usefixtures("undecided")
def test_provinces_weigh_what_temperatures_leave(undecided: Undecided):
    undecided.card = replace(undecided.card, calibration=CALIBRATION)
    softened = CALIBRATION.apply(undecided.run(PICTURE[None]))
    weighed = ProvinceShares.of(ANHUI).weigh(CN, softened)["char_1"]
    reading = Reader("any.onnx", provinces=ANHUI).read(PICTURE)[0]
    assert reading.characters[0] == ("皖", pytest.approx(weighed.max(), abs=1e-6))


def test_a_threshold_holds_for_the_provinces_that_it_was_tested_with(undecided: Undecided):
    undecided.card = replace(undecided.card, calibration=CALIBRATION)
    with pytest.raises(InputError, match=r"any.onnx: the threshold was calibrated without provin"):
        Reader("any.onnx", provinces=ANHUI).min_confidence("auto")
    expecting = replace(CALIBRATION, provinces=ProvinceShares.of(ANHUI))
    stored = Calibration.from_dict(expecting.to_dict())
    undecided.card = replace(undecided.card, calibration=stored)
    reader = Reader("any.onnx", provinces=ANHUI)
    assert reader.min_confidence("auto") == CALIBRATION.min_confidence
    for others in ({"皖": 0.8}, None):
        with pytest.raises(InputError, match=r"calibrated for other provinces \(皖 90.0%, 京 0.3%"):
            Reader("any.onnx", provinces=others).min_confidence("auto")


def test_columns_and_other_plates_have_no_province_to_expect(undecided: Undecided, grey_runtime):
    with pytest.raises(InputError, match="the schema grey do not begin with a province"):
        Reader("any.onnx", provinces=ANHUI)
    grey_runtime.card = replace(undecided.card, family="ctc")
    with pytest.raises(InputError, match="a model of family ctc has columns instead"):
        Reader("any.onnx", provinces=ANHUI)


@pytest.mark.usefixtures("undecided")
def test_provinces_may_be_told_as_on_the_command_line():
    assert Reader("any.onnx", provinces="皖=0.9").provinces == ProvinceShares.of(ANHUI)

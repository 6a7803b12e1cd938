"""The pictures of a report: that they are drawn, show Chinese characters and show the data."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chepai.plate.schema import load_schema
from chepai.utils import calibration_plots, plots


def picture(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    assert image is not None and image.std() > 1, f"{path} is blank"
    return image


def test_the_font_has_every_character_that_plates_use():
    font = plots.chinese_font()
    if font is None:
        pytest.skip("no font with Chinese characters is installed")
    from matplotlib.ft2font import FT2Font

    face = FT2Font(font.get_file())
    text = "".join(load_schema("cn").alphabet)
    assert [char for char in text if not face.get_char_index(ord(char))] == []


def test_without_such_a_font_code_points_are_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plots, "chinese_font", lambda: None)
    assert plots.shown("京A1") == "<4EAC>A1"


@pytest.mark.parametrize("confusions", [[], [("京", "津", 3), ("8", "B", 9), ("1", "", 1)]])
def test_confusions(confusions: list[tuple[str, str, int]], tmp_path: Path):
    plots.plot_confusions(confusions, tmp_path / "confusions.png")
    picture(tmp_path / "confusions.png")


@pytest.mark.parametrize("curve", [[], [(0.9, 0.5, 1.0), (0.5, 1.0, 0.8)]])
def test_coverage(curve: list[tuple[float, float, float]], tmp_path: Path):
    plots.plot_coverage(curve, 0.83, tmp_path / "coverage.png")
    picture(tmp_path / "coverage.png")


def test_accuracies_of_groups(tmp_path: Path):
    groups = {
        "京": (10, 0.9, (0.6, 0.98)),
        "皖": (1, 1.0, (0.2, 1.0)),
        "green-small": (3, 0.0, (0, 0.5)),
    }
    plots.plot_accuracies(groups, "Kinds", tmp_path / "groups.png")
    plots.plot_accuracies({}, "Kinds", tmp_path / "none.png")
    assert picture(tmp_path / "groups.png").shape[1] > 300


def test_the_sheet_of_errors_shows_each_picture(tmp_path: Path):
    red = np.zeros((20, 60, 3), np.uint8)
    red[..., 0] = 255
    plots.plot_errors([(red, "京A12345", "津A12345", 0.91)] * 5, tmp_path / "errors.png")
    blue, green, red_channel = (picture(tmp_path / "errors.png")[..., i] for i in range(3))
    is_red = ((red_channel > 240) & (green < 15) & (blue < 15)).astype(np.uint8)
    assert cv2.connectedComponents(is_red)[0] - 1 == 5


def test_a_sheet_without_errors_says_so(tmp_path: Path):
    plots.plot_errors([], tmp_path / "errors.png")
    picture(tmp_path / "errors.png")


class _Bin(NamedTuple):
    confidence: float
    right: float
    count: int


class _Threshold(NamedTuple):
    accepted: int
    wrong: int
    precision_bound: float
    passed: bool


@pytest.mark.parametrize(
    "tests", [[], [_Threshold(299, 0, 0.99, True), _Threshold(473, 3, 0.98, False)]]
)
def test_a_calibration(tests: list[_Threshold], tmp_path: Path):
    bins = [_Bin(0.5, 0.4, 1), _Bin(0.97, 0.98, 1000)]
    path = tmp_path / "calibration.png"
    calibration_plots.plot_calibration((bins, bins), (bins, []), tests, 0.99, path)
    assert picture(path).shape[1] > 1000

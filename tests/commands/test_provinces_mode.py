"""Mode `provinces`: from a folder of pictures to shares that `predict` reads with."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from chepai import run
from chepai.inference.model_card import ModelCard
from chepai.plate.schema import load_schema

CN = load_schema("cn")


class RedRuntime:
    """Reads A12345 of 皖, the surer the redder; what is left speaks for 京."""

    card = ModelCard("red", CN, 8, 24)

    def __init__(self, *_: object) -> None:
        pass

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        outputs = {h.name: np.zeros((len(images), h.width), np.float32) for h in CN.heads}
        for head, name in zip(CN.heads[1:7], "A12345", strict=False):
            outputs[head.name][:, head.indices[name]] = 1
        for name, value in (("length", "7"), ("colour", "blue"), ("rows", "1")):
            outputs[name][:, next(h for h in CN.heads if h.name == name).indices[value]] = 1
        outputs["char_8"][:, 0] = 1
        red = images[:, 4, 12, 0] / 255
        outputs["char_1"][:, CN.heads[0].indices["皖"]] = red
        outputs["char_1"][:, CN.heads[0].indices["京"]] = 1 - red
        return outputs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nineteen plates that are surely of 皖, and one that looks more like 京."""
    monkeypatch.setattr("chepai.inference.reader.open_runtime", RedRuntime)
    (tmp_path / "pictures").mkdir()
    for number in range(20):
        picture = np.full((8, 24, 3), 255 if number else 100, np.uint8)
        assert cv2.imwrite(str(tmp_path / "pictures" / f"{number:02}.png"), picture)
    return tmp_path


def chepai(*arguments: object) -> int:
    return run.main([*map(str, arguments), "--model", "red.onnx"])


def texts(file: Path) -> list[str]:
    with file.open(encoding="utf-8-sig") as stream:
        return [row["text"] for row in csv.DictReader(stream)]


def test_estimated_shares_are_what_predict_expects(folder: Path, capsys):
    shares, plain, expecting = (folder / name for name in ("shares.yaml", "a.csv", "b.csv"))
    assert chepai("provinces", folder / "pictures", "--output", shares) == 0
    output = capsys.readouterr()
    assert "皖   87.0%\n" in output.out and "others together" in output.out
    assert "from 20 pictures" in output.err
    written = yaml.safe_load(shares.read_text(encoding="utf-8"))
    assert next(iter(written)) == "皖" and len(written) == 31
    # 20 plates of 皖, and a tenth of one of each province before any was seen.
    assert written["皖"] == pytest.approx(20.1 / 23.1, abs=0.005)
    assert sum(written.values()) == pytest.approx(1, abs=1e-4)
    assert chepai("predict", folder / "pictures", "--output", plain) == 0
    assert chepai("predict", folder / "pictures", "--output", expecting, "--provinces", shares) == 0
    assert texts(plain) == ["京A12345", *["皖A12345"] * 19]
    assert texts(expecting) == ["皖A12345"] * 20


def test_pictures_that_cannot_be_read_are_told(folder: Path, capsys):
    (folder / "pictures" / "99.png").write_bytes(b"no picture")
    assert chepai("provinces", folder / "pictures") == 0
    assert (
        "from 20 pictures; some hundred say more; 1 could not be read, the first is "
        in capsys.readouterr().err
    )
    assert chepai("provinces", folder / "pictures" / "99.png") == 2
    assert "no picture can be read; the first is" in capsys.readouterr().err


def test_an_empty_list_and_a_folder_as_output_are_told(folder: Path, capsys):
    (folder / "empty.txt").write_text("")
    assert chepai("provinces", "--list", folder / "empty.txt") == 2
    assert "no picture can be read; there is none" in capsys.readouterr().err
    assert chepai("provinces", folder / "pictures", "--output", folder / "pictures") == 2
    assert "pictures: it is a folder; give the name of a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["provinces"], "name the pictures, folders or lists of one place's plates"),
        (["predict", "--provinces", "皖=2"], "--provinces: the share of 皖 is above 0 and below 1"),
        (["predict", "--provinces", "absent"], "'absent' is neither a province with its share"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_missing_is_told(capsys, arguments: list[str], sentence: str):
    assert chepai(*arguments) == 2
    assert sentence in capsys.readouterr().err

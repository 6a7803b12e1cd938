"""Mode `predict` as a user runs it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from chepai.inference.model_card import METADATA_KEY
from chepai.plate.grammar import is_possible
from chepai.plate.schema import load_schema
from chepai.run import main
from made_calibration import CALIBRATION
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def odd_folder(tmp_path: Path) -> Path:
    """One file of every kind that folders of pictures hold; one good picture after each."""
    folder = tmp_path / "odd"
    folder.mkdir()
    rng = np.random.default_rng(1)
    plate = Image.fromarray(rng.integers(0, 256, (40, 120, 3), dtype=np.uint8))
    plate.save(folder / "a.jpg")
    jpeg = (folder / "a.jpg").read_bytes()
    (folder / "b_text.txt").write_text("not a picture")
    (folder / "c_empty.jpg").touch()
    (folder / "d_truncated.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    plate.resize((1, 1)).save(folder / "e_pixel.png")
    deep = rng.integers(0, 65536, (40, 120), dtype=np.uint16)
    Image.fromarray(deep).save(folder / "f_16bit.png")
    plate.convert("CMYK").save(folder / "g_cmyk.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    plate.rotate(90, expand=True).save(folder / "h_rotated.jpg", exif=exif)
    plate.convert("P").save(folder / "i.gif")
    return folder


def test_a_folder_of_odd_files_gives_a_row_each(odd_folder: Path, tiny_onnx: Path, tmp_path: Path):
    output = tmp_path / "x.csv"
    command = [sys.executable, str(ROOT / "run.py"), "--mode", "predict", str(odd_folder)]
    options = ["--model", str(tiny_onnx), "--output", str(output), "--threads", "1"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    rows = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    files = sorted(odd_folder.iterdir())
    assert [row["file"] for row in rows] == [str(file) for file in files]
    reasons = {Path(row["file"]).name: row["error"] for row in rows}
    unread = {name for name, reason in reasons.items() if reason}
    assert unread == {"b_text.txt", "c_empty.jpg", "d_truncated.jpg", "e_pixel.png"}
    assert "empty" in reasons["c_empty.jpg"] and "cut off" in reasons["d_truncated.jpg"]
    assert all(bool(row["text"]) != bool(row["error"]) for row in rows)
    for row in rows:
        values = [float(value) for value in row["char_confidences"].split()]
        assert len(values) == len(row["text"])
    assert "9 pictures: 5 read" in done.stderr and "4 could not be read" in done.stderr
    assert "Traceback" not in done.stderr


def predict(tiny_onnx: Path, *arguments: object) -> int:
    return main(["--mode", "predict", "--model", str(tiny_onnx), *map(str, arguments)])


def test_good_pictures_end_with_status_0(odd_folder: Path, tiny_onnx: Path, capsys):
    assert predict(tiny_onnx, odd_folder / "a.jpg", odd_folder / "i.gif") == 0
    captured = capsys.readouterr()
    header, *rows = captured.out.splitlines()
    assert header.split() == ["text", "confidence", "accepted", "colour", "rows", "file"]
    assert [row.split()[-1] for row in rows] == [
        str(odd_folder / "a.jpg"),
        str(odd_folder / "i.gif"),
    ]
    assert "2 pictures: 2 read" in captured.err


def test_without_pictures_the_sample_plates_are_read_and_said_to_be(
    tiny_onnx: Path, tmp_path: Path, capsys
):
    output = tmp_path / "x.csv"
    assert main(["predict", "--model", str(tiny_onnx), "--output", str(output)]) == 0
    with output.open(encoding="utf-8", newline="") as file:
        names = [Path(row["file"]).stem for row in csv.DictReader(file)]
    assert len(names) >= 12
    assert "民航G0530" in names
    assert "no pictures were named: these are chepai's own" in capsys.readouterr().err


def test_a_dash_writes_nothing_but_csv_to_standard_output(
    odd_folder: Path, tiny_onnx: Path, capsys
):
    assert predict(tiny_onnx, odd_folder / "a.jpg", "--output", "-") == 0
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert row["file"] == str(odd_folder / "a.jpg") and row["error"] == ""


def test_min_confidence_decides_what_is_accepted(odd_folder: Path, tiny_onnx: Path, tmp_path: Path):
    output = tmp_path / "x.json"
    for threshold, accepted in (("0", True), ("1", False)):
        arguments = (odd_folder / "a.jpg", "--min-confidence", threshold, "--output", output)
        assert predict(tiny_onnx, *arguments) == 0
        assert [entry["accepted"] for entry in json.loads(output.read_bytes())] == [accepted]


def test_auto_takes_the_models_calibrated_threshold(
    odd_folder: Path, tiny_onnx: Path, tmp_path: Path, capsys
):
    arguments = (odd_folder / "a.jpg", "--min-confidence", "auto")
    predict(tiny_onnx, *arguments)
    assert "no calibrated threshold; taking 0.83" in capsys.readouterr().err
    model = onnx.load(tiny_onnx)
    card = json.loads(model.metadata_props[0].value) | {"calibration": CALIBRATION.to_dict()}
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(card)})
    onnx.save(model, tmp_path / "calibrated.onnx")
    predict(tmp_path / "calibrated.onnx", *arguments)
    assert f"accepted at confidence {CALIBRATION.min_confidence:g}" in capsys.readouterr().err
    assert predict(tmp_path / "calibrated.onnx", *arguments, "--any-text") == 2
    assert "calibrated for reading valid plates, not any text" in capsys.readouterr().err


def test_any_text_reads_what_no_plate_can_show(odd_folder: Path, tiny_onnx: Path, tmp_path: Path):
    """The untrained model reads nonsense, so that its raw readings are no plates."""
    entries = []
    for number, options in enumerate(((), ("--any-text",))):
        output = tmp_path / f"{number}.json"
        assert predict(tiny_onnx, odd_folder / "a.jpg", "--output", output, *options) == 0
        entries += json.loads(output.read_bytes())
    valid, raw = entries
    schema = load_schema("cn")
    assert is_possible(valid["text"], schema) and not is_possible(raw["text"], schema)
    assert valid["raw_valid"] is False and raw["raw_valid"] is False


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--output", "x.xlsx", "."], "--output ends in"),
        (["--min-confidence", "2", "."], "from 0 to 1"),
        (["--runtime", "abacus", "."], "there are: onnx, keras"),
        (["--threads", "0", "."], "at least 1"),
    ],
)
def test_bad_options_are_one_sentence_and_status_2(
    tiny_onnx: Path, odd_folder: Path, monkeypatch, capsys, arguments: list[str], sentence: str
):
    monkeypatch.chdir(odd_folder)
    assert predict(tiny_onnx, *arguments) == 2
    captured = capsys.readouterr().err
    assert sentence in captured and len(captured.splitlines()) == 1

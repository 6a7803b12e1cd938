"""Mode `calibrate` from labelled pictures to a model that keeps its promise."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from chepai import Reader, run
from chepai.export.onnx_export import export_onnx
from chepai.inference.pretrained import FOLDER, file_checksum, shipped_models
from tiny_classifier import tiny_classifier

pytest.importorskip("matplotlib")
PICTURES = 200


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one network in two files, another one, and pictures labelled as it reads them."""
    folder = tmp_path_factory.mktemp("calibrate")
    model = tiny_classifier()
    model.save(folder / "tiny.keras")
    export_onnx(model, folder / "tiny.onnx")
    other = onnx.load(folder / "tiny.onnx")
    weights = max(other.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    negated = onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(weights), weights.name)
    weights.CopyFrom(negated)
    onnx.save(other, folder / "other.onnx")
    rng = np.random.default_rng(6)
    for number in range(PICTURES):
        coarse = rng.integers(0, 256, (4, 12, 3), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(coarse, (96, 32)))
    paths = [folder / f"{number}.png" for number in range(PICTURES)]
    texts = [reading.text for reading in Reader(folder / "tiny.onnx", threads=1).read(paths)]
    assert len(set(texts)) > 150
    rows = [f"{path.name}\t{text}" for path, text in zip(paths, texts, strict=True)]
    (folder / "labels.tsv").write_text("\n".join(["file\ttext", *rows, ""]), encoding="utf-8")
    return folder


def calibrate(files: Path, *arguments: object, model: str = "tiny.onnx") -> int:
    model = str(files / model) if "." in model else model
    given = ["calibrate", "--model", model, "--data", str(files / "labels.tsv"), "--threads", "1"]
    return run.main([*given, *map(str, arguments)])


def test_a_calibrated_copy_reads_at_its_own_threshold(files: Path, tmp_path: Path, capsys):
    # 69 right plates are enough for 99 % at the certainty of a coin.
    output, figures = tmp_path / "calibrated.onnx", tmp_path / "figures.json"
    options = ("--precision", "0.99", "--certainty", "0.5", "--output", output, "--json", figures)
    before = (files / "tiny.onnx").read_bytes()
    assert calibrate(files, *options) == 0
    out = capsys.readouterr().out
    assert "99.0% right at 50% certainty: confidence" in out and "accepts 100.0% of the" in out
    assert (files / "tiny.onnx").read_bytes() == before
    found = json.loads(figures.read_text(encoding="utf-8"))
    reader = Reader(output, threads=1)
    assert reader.min_confidence("auto") == found["min_confidence"]
    assert reader.card.calibration.temperatures == pytest.approx(found["temperatures"])
    assert cv2.imread(str(tmp_path / "calibrated-calibration.png")).std() > 1
    readings = reader.read([files / f"{number}.png" for number in range(PICTURES)], "auto")
    assert sum(reading.accepted for reading in readings) > 100


def test_the_same_network_in_another_file_is_calibrated_too(files: Path, tmp_path: Path, capsys):
    output, second = tmp_path / "one.onnx", tmp_path / "two.keras"
    second.write_bytes((files / "tiny.keras").read_bytes())
    options = ("--precision", "0.99", "--certainty", "0.5", "--output", output)
    assert calibrate(files, *options, "--also", second) == 0
    assert Reader(second).card.calibration == Reader(output).card.calibration is not None
    assert calibrate(files, *options, "--also", files / "other.onnx") == 2
    assert "other.onnx is another network than" in capsys.readouterr().err


def test_too_few_plates_store_nothing_and_say_how_many_are_missing(
    files: Path, tmp_path: Path, capsys
):
    output = tmp_path / "calibrated.onnx"
    assert calibrate(files, "--output", output) == 1
    out = capsys.readouterr().out
    assert "99.9% right at 95% certainty takes 2,995 accepted plates without an error" in out
    assert "more plates are needed" in out and "nothing was stored" in out
    assert not output.exists()


def test_a_shipped_model_stays_as_it_is(files: Path, monkeypatch, capsys):
    shipped = shipped_models()["default"].file
    assert calibrate(files, model="default") == 2
    assert "the shipped model default stays as it is: give --output" in capsys.readouterr().err
    monkeypatch.chdir(FOLDER)
    assert calibrate(files, "--output", "./default.onnx") == 2
    assert "is a shipped model and stays" in capsys.readouterr().err
    assert run.main(["calibrate", "--model", "default.onnx", "--data", "labels.tsv"]) == 2
    assert file_checksum(shipped.path) == shipped.sha256


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--precision", "0.5"), "choose from 0.99, 0.995, 0.999"),
        (("--certainty", "95"), "a number from 0.5 to below 1, not '95'"),
        (("--output", "x.keras"), "--output has to end in .onnx"),
        (("--plot", "x.jpg"), "ends in .png"),
        (("--also", "absent.keras"), "there is no model file absent.keras"),
    ],
)
def test_bad_options_are_one_sentence(files: Path, options: tuple[str, ...], sentence: str, capsys):
    assert calibrate(files, *options) == 2
    err = capsys.readouterr().err
    assert sentence in err and len(err.splitlines()) == 1


def test_a_picture_named_twice_is_refused(files: Path, capsys):
    assert calibrate(files, "--data", files / "labels.tsv", "--output", "x.onnx") == 2
    assert "0.png twice; it would count as two plates" in capsys.readouterr().err

"""A recogniser of columns by the commands that users have: training, export, reading."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

import pytest
from chepai.run import main
from chepai.training.run_folder import RunFolder

SAMPLES = Path(__file__).resolve().parents[2] / "inference" / "samples"
TRAINED = Path(__file__).resolve().parents[2] / "pretrained" / "lprnet.keras"
NARROW = (
    "model.backbone_options={widths: [16, 16, 32, 32]}",
    "render.plates_per_epoch=16",
    "data.validation_plates=8",
    "data.workers=0",
    "train.batch_size=8",
    "train.log_batches=1",
)


def options(*values: str) -> list[str]:
    return [part for value in (*NARROW, *values) for part in ("--set", value)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """One epoch of two."""
    place = tmp_path_factory.mktemp("runs")
    command = ["train", "--preset", "lprnet", "--no-report", "--output", str(place)]
    assert main([*command, *options("train.epochs=1")]) == 0
    return RunFolder(place / "lprnet-001")


def test_a_resumed_run_goes_on_where_it_stopped(run: RunFolder):
    command = ["train", "--resume", str(run.path), "--no-report", "--set", "train.epochs=2"]
    assert main(command) == 0
    with run.metrics.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"val_plate_accuracy", "val_char_accuracy", "val_acc_colour"} <= rows[0].keys()


def test_a_rectifier_is_put_in_front_and_trained_alone(run: RunFolder, tmp_path: Path):
    import keras
    import numpy as np

    command = ["train", "--preset", "stn-lprnet", "--no-report", "--output", str(tmp_path)]
    command += ["--init", str(run.best)]
    frozen = 'train.freeze=["!rectifier_*"]'
    assert main([*command, *options("train.epochs=1", frozen)]) == 0
    before = keras.models.load_model(run.best, compile=False)
    after = keras.models.load_model(tmp_path / "stn-lprnet-001" / "final.keras", compile=False)
    for layer in before.layers:
        for old, new in zip(layer.weights, after.get_layer(layer.name).weights, strict=True):
            np.testing.assert_array_equal(old, new, err_msg=layer.name)
    assert np.abs(after.get_layer("rectifier_theta").kernel).max() > 0


def test_a_rectifier_has_its_lessons_before_the_training(
    run: RunFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, logger="chepai")
    command = ["train", "--preset", "stn-lprnet", "--no-report", "--output", str(tmp_path)]
    command += ["--init", str(run.best)]
    assert main([*command, *options("train.epochs=1", "train.straighten_steps=1")]) == 0
    assert "the rectifier's error went from" in caplog.text
    caplog.clear()
    # A resumed run has had them.
    resumed = ["train", "--resume", str(tmp_path / "stn-lprnet-001"), "--no-report"]
    assert main([*resumed, "--set", "train.epochs=2"]) == 0
    assert "the rectifier's error" not in caplog.text


def test_what_is_exported_reads_as_what_was_trained(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["export", "--model", str(run.best), "--output", str(run.onnx)]) == 0
    readings = []
    for model in (run.best, run.onnx):
        output = tmp_path / f"{model.suffix}.csv"
        assert main(["predict", "--model", str(model), "--output", str(output)]) == 0
        with output.open(encoding="utf-8") as file:
            readings.append(
                [(row["file"], row["text"], row["colour"]) for row in csv.DictReader(file)]
            )
    assert readings[0] == readings[1] and len(readings[0]) > 10
    assert main(["calibrate", "--model", str(run.onnx), "--data", str(SAMPLES)]) == 2
    assert "calibrate works with a softmax for each character" in capsys.readouterr().err


def test_a_trained_recogniser_is_tested_in_half_precision(capsys: pytest.CaptureFixture[str]):
    assert main(["test", "--half", "--model", str(TRAINED), "--data", str(SAMPLES)]) == 0
    told = capsys.readouterr()
    assert "fp16; on 128 plates" in told.err and ", 0 readings changed" in told.err


def test_only_classifiers_are_taught(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = ["distill", "--preset", "lprnet", "--teacher", "default", "--output", str(tmp_path)]
    assert main([*command, *options()]) == 2
    assert "only classifiers learn from teachers" in capsys.readouterr().err

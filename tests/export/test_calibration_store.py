"""A calibration inside the two kinds of model files, and on its way from one to the other."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from chepai import Reader
from chepai.errors import InputError
from chepai.export.calibration_store import store_calibration
from chepai.export.onnx_export import ExportResult, export_onnx
from chepai.inference.runtimes import open_runtime
from chepai.inference.runtimes.keras_model import load_keras_model
from made_calibration import CALIBRATION

PICTURES = list(np.random.default_rng(8).integers(0, 256, (9, 40, 120, 3), dtype=np.uint8))


def test_both_files_give_the_same_calibrated_readings(
    trained_file: Path, exported: ExportResult, tmp_path: Path
):
    plain = Reader(exported.path).read(PICTURES)
    files = [trained_file, exported.path]
    stored = [store_calibration(file, CALIBRATION, tmp_path / f"c{file.suffix}") for file in files]
    readers = [Reader(file) for file in stored]
    for reader in readers:
        assert reader.card.calibration == CALIBRATION
        assert reader.min_confidence("auto") == CALIBRATION.min_confidence
    one, other = (reader.read(PICTURES) for reader in readers)
    for first, second, before in zip(one, other, plain, strict=True):
        assert first.text == second.text
        assert first.confidence == pytest.approx(second.confidence, abs=1e-4)
        assert first.confidence != before.confidence


def test_an_onnx_file_keeps_everything_else(exported: ExportResult, tmp_path: Path):
    before = onnx.load(exported.path)
    path = store_calibration(exported.path, CALIBRATION, tmp_path / "calibrated.onnx")
    after = onnx.load(path)
    assert after.graph == before.graph
    cards = [json.loads(model.metadata_props[0].value) for model in (before, after)]
    assert cards[0].pop("calibration") is None
    assert cards[1].pop("calibration") == CALIBRATION.to_dict()
    assert cards[0] == cards[1]


def test_a_keras_file_keeps_its_weights_and_its_optimizer(trained_file: Path, tmp_path: Path):
    with zipfile.ZipFile(trained_file) as before:
        held = {name: before.read(name) for name in before.namelist()}
    path = store_calibration(trained_file, CALIBRATION, tmp_path / "calibrated.keras")
    with zipfile.ZipFile(path) as after:
        assert {name: after.read(name) for name in held if name != "config.json"} == {
            name: content for name, content in held.items() if name != "config.json"
        }
    assert keras.models.load_model(path).calibration == CALIBRATION.to_dict()


def test_an_export_carries_the_calibration_over(trained_file: Path, tmp_path: Path):
    store_calibration(trained_file, CALIBRATION)
    export_onnx(load_keras_model(trained_file), tmp_path / "exported.onnx")
    assert open_runtime(tmp_path / "exported.onnx").card.calibration == CALIBRATION


def test_trained_further_a_model_is_no_longer_calibrated(trained_file: Path, tmp_path: Path):
    from chepai.multi_label.head_loss import MaskedCrossEntropy

    store_calibration(trained_file, CALIBRATION)
    model = load_keras_model(trained_file)
    assert model.calibration is not None
    model.compile("sgd", loss=MaskedCrossEntropy(), run_eagerly=True)
    labels = np.zeros((2, len(model.outputs)), np.int32)
    model.fit(np.zeros((2, *model.input_shape[1:]), np.uint8), labels, verbose=0)
    model.save(tmp_path / "further.keras")
    assert open_runtime(tmp_path / "further.keras").card.calibration is None


@pytest.mark.parametrize("name", ["damaged.onnx", "damaged.keras"])
def test_a_file_that_cannot_be_changed_stays(tmp_path: Path, name: str):
    file = tmp_path / name
    file.write_bytes(b"no model")
    with pytest.raises(InputError, match=name):
        store_calibration(file, CALIBRATION)
    assert file.read_bytes() == b"no model" and list(tmp_path.iterdir()) == [file]


def test_other_suffixes_are_refused(exported: ExportResult, tmp_path: Path):
    with pytest.raises(InputError, match=r"copied to a \.onnx file"):
        store_calibration(exported.path, CALIBRATION, tmp_path / "x.keras")
    with pytest.raises(InputError, match=r"stored in \.onnx and \.keras files"):
        store_calibration(tmp_path / "x.tflite", CALIBRATION)

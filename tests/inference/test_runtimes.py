"""Runtimes: the same answers from every file, and clear refusals of files that are not ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from chepai import Reader
from chepai.errors import InputError
from chepai.inference.model_card import METADATA_KEY, PREPROCESSING
from chepai.inference.runtimes import open_runtime
from made_calibration import CALIBRATION


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Seven pictures: more than one fixed batch of three, and not a multiple of it."""
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (40 + i, 110 + 9 * i, 3), dtype=np.uint8) for i in range(7)]


def test_keras_and_onnx_files_read_the_same(tiny_files: Path, pictures: list[np.ndarray]):
    trained = Reader(tiny_files / "tiny.keras").read(pictures)
    exported = Reader(tiny_files / "tiny.onnx").read(pictures)
    assert [reading.text for reading in exported] == [reading.text for reading in trained]
    assert len({reading.text for reading in trained}) > 1
    for one, other in zip(trained, exported, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
        assert (one.colour, one.rows) == (other.colour, other.rows)


def test_a_file_of_fixed_batch_reads_any_number(tiny_files: Path, pictures: list[np.ndarray]):
    fixed = Reader(tiny_files / "fixed.onnx").read(pictures)
    free = Reader(tiny_files / "tiny.onnx").read(pictures)
    assert [reading.text for reading in fixed] == [reading.text for reading in free]
    assert [r.confidence for r in fixed] == pytest.approx([r.confidence for r in free], abs=1e-5)


def test_neighbours_in_a_batch_do_not_change_a_reading(tiny_onnx: Path, pictures: list[np.ndarray]):
    reader = Reader(tiny_onnx, threads=1)
    together = reader.read(pictures)
    alone = [reader.read(picture)[0] for picture in pictures]
    assert [reading.text for reading in together] == [reading.text for reading in alone]


def test_a_keras_model_becomes_one_graph_for_any_number_of_pictures(
    tiny_files: Path, pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
):
    built: list[str] = []
    build = keras.layers.Dense.call

    def noted(layer, *inputs, **options):
        built.append(layer.name)
        return build(layer, *inputs, **options)

    monkeypatch.setattr(keras.layers.Dense, "call", noted)
    reader = Reader(tiny_files / "tiny.keras")
    for count in (3, 1, 7, 2):
        reader.read(pictures[:count])
    assert built and len(built) == len(set(built))


def test_reading_an_onnx_file_loads_no_framework(tiny_onnx: Path):
    code = (
        "import sys, numpy as np; from chepai import Reader\n"
        f"r = Reader({str(tiny_onnx)!r}, threads=1).read(np.zeros((20, 60, 3), np.uint8))[0]\n"
        "assert r.error is None and r.text, r\n"
        "print({'tensorflow', 'keras', 'torch', 'jax', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def changed(source: Path, target: Path, edit) -> Path:
    """A copy of an exported file after `edit(model)`."""
    model = onnx.load(source)
    edit(model)
    onnx.save(model, target)
    return target


def with_card(**values):
    def edit(model):
        (entry,) = [entry for entry in model.metadata_props if entry.key == METADATA_KEY]
        entry.value = json.dumps(json.loads(entry.value) | values)

    return edit


def rename_input(model):
    model.graph.input[0].name = "pixels"
    for node in model.graph.node:
        node.input[:] = ["pixels" if name == "image" else name for name in node.input]


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda model: model.ClearField("metadata_props"), "is no model of chepai"),
        (with_card(preprocessing=PREPROCESSING + 1), "prepares version"),
        (with_card(schema={"name": "x"}), "metadata is damaged"),
        (with_card(height=48), "not what its metadata says"),
        (rename_input, "not what its metadata says"),
    ],
)
def test_a_file_that_is_not_ours_is_refused(tiny_onnx: Path, tmp_path: Path, edit, sentence: str):
    file = changed(tiny_onnx, tmp_path / "other.onnx", edit)
    with pytest.raises(InputError, match=sentence):
        open_runtime(file)


def test_keys_that_a_later_version_adds_are_ignored(tiny_onnx: Path, tmp_path: Path):
    file = changed(tiny_onnx, tmp_path / "later.onnx", with_card(weather="fine"))
    assert open_runtime(file).card.height == 32


def test_calibration_travels_in_the_card(tiny_onnx: Path, tmp_path: Path):
    assert open_runtime(tiny_onnx).card.calibration is None
    edit = with_card(calibration=CALIBRATION.to_dict() | {"weather": "fine"})
    file = changed(tiny_onnx, tmp_path / "calibrated.onnx", edit)
    assert open_runtime(file).card.calibration == CALIBRATION


@pytest.mark.parametrize(
    "wrong",
    [{"min_confidence": 1.5}, {"temperatures": {"char_1": 0.0}}, {"precision": "high"}],
)
def test_a_calibration_out_of_range_is_refused(tiny_onnx: Path, tmp_path: Path, wrong: dict):
    edit = with_card(calibration=CALIBRATION.to_dict() | wrong)
    file = changed(tiny_onnx, tmp_path / "wrong.onnx", edit)
    with pytest.raises(InputError, match="metadata is damaged"):
        open_runtime(file)


@pytest.mark.parametrize("name", ["damaged.onnx", "damaged.keras"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"not a model at all")
    with pytest.raises(InputError, match=f"cannot load .*{name}"):
        open_runtime(tmp_path / name)


def test_wrong_choices_say_what_there_is(tiny_onnx: Path, tmp_path: Path):
    with pytest.raises(InputError, match="no model file"):
        open_runtime(tmp_path / "absent.onnx")
    with pytest.raises(InputError, match="there are: onnx, keras"):
        open_runtime(tiny_onnx, "abacus")
    with pytest.raises(InputError, match=r"'keras' runs \.keras files"):
        open_runtime(tiny_onnx, "keras")
    (tmp_path / "model.bin").touch()
    with pytest.raises(
        InputError, match=r"models end in \.onnx \.keras .* or are a SavedModel's folder"
    ):
        open_runtime(tmp_path / "model.bin")


def test_a_missing_keras_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "model.keras").touch()
    monkeypatch.setattr("chepai.frameworks.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r'pip install "chepai\[train\]"'):
        open_runtime(tmp_path / "model.keras")

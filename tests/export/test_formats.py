"""Every format: written, read back by its own library and by a Reader, and refused when wrong."""

from __future__ import annotations

import importlib.util
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from chepai import Reader
from chepai.errors import InputError
from chepai.export.exporting import ExportResult, export
from chepai.export.formats import FORMATS, ExportOptions, find_format
from chepai.export.source import KerasSource, OnnxSource
from chepai.inference.runtimes import open_runtime
from chepai.plate.schema import load_schema
from made_calibration import CALIBRATION
from tiny_classifier import tiny_classifier

HERE = {
    "onnx": "onnx",
    "saved-model": "tensorflow",
    "frozen-graph": "tensorflow",
    "litert": "tensorflow",
    "openvino": "openvino",
}
WRITTEN = [(name, precision) for name in HERE for precision in FORMATS[name].precisions]
PLACES = {"saved-model": "serving/1"}


def needs(name: str) -> None:
    if importlib.util.find_spec(HERE[name]) is None:
        pytest.skip(f"{HERE[name]} is not installed")


@pytest.fixture(scope="module")
def written(
    source: KerasSource,
    exported: ExportResult,
    pictures: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
):
    """A function: the export of a format and precision, and the file; each is made once.

    Formats that are made of ONNX start from an ONNX file, which is quicker.
    """
    made: dict[tuple[str, str], tuple] = {}

    def write(name: str, precision: str = "fp32"):
        needs(name)
        if (name, precision) not in made:
            folder = tmp_path_factory.mktemp(f"{name}-{precision}")
            path = folder / PLACES.get(name, f"m{FORMATS[name].suffix}")
            options = ExportOptions(precision, pictures=pictures[16:])
            start = OnnxSource(exported.path) if name in ("onnx", "openvino") else source
            made[name, precision] = (
                export(start, find_format(name, precision), path, options, pictures[:16]),
                path,
            )
        return made[name, precision]

    return write


@pytest.mark.parametrize(("name", "precision"), WRITTEN)
def test_every_format_reads_as_its_source_does(written, source, pictures, name, precision):
    result, path = written(name, precision)
    reader = Reader(path)
    assert reader.card.precision == precision and reader.schema == load_schema("cn")
    assert reader.card.name == "tiny" and reader.input_size == (32, 96)
    wanted = source.runtime.run(pictures)
    received = open_runtime(path).run(pictures)
    largest = max(float(np.abs(received[head] - wanted[head]).max()) for head in wanted)
    assert largest < {"fp32": 1e-4, "fp16": 0.05, "int8": 1.0}[precision]
    assert result.agreement.difference <= largest + 1e-3
    best = [np.mean(received[h].argmax(1) == wanted[h].argmax(1)) for h in wanted]
    assert np.mean(best) > {"fp32": 0.999, "fp16": 0.99, "int8": 0.9}[precision]
    assert result.size == sum(f.stat().st_size for f in path.parent.rglob("*") if f.is_file())


@pytest.mark.parametrize(
    ("name", "precision"),
    [("onnx", "fp16"), ("openvino", "fp16"), ("litert", "fp16"), ("litert", "int8")],
)
def test_fewer_bits_make_smaller_files(written, name: str, precision: str):
    few, many = (weights(written(name, each)[1]) for each in (precision, "fp32"))
    assert few < 0.85 * many


def weights(path: Path) -> int:
    """Bytes of the file that holds them: OpenVINO's graph stands in one of its own."""
    return (path.with_suffix(".bin") if path.suffix == ".xml" else path).stat().st_size


def test_the_saved_model_has_the_signatures_of_servers_and_of_the_original(written, pictures):
    _, path = written("saved-model")
    signatures = tf.saved_model.load(str(path)).signatures
    assert set(signatures) == {"serving_default", "predict"}
    images = tf.constant(pictures[:3])
    named = signatures["serving_default"](image=images)
    numbered = signatures["predict"](images=images)
    heads = load_schema("cn").head_names
    assert set(named) == set(heads) and len(numbered) == len(heads)
    for index, head in enumerate(heads):
        np.testing.assert_array_equal(named[head], numbered[f"class_{index}"])
    # A folder of versions is read by its newest, as TensorFlow Serving does.
    assert Reader(path.parent).card == Reader(path).card


def test_the_frozen_graph_has_no_variables(written):
    _, path = written("frozen-graph")
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(path.read_bytes())
    operators = Counter(node.op for node in graph.node)
    assert not [name for name in operators if "Var" in name]
    names = {node.name for node in graph.node}
    assert {"image", *load_schema("cn").head_names} <= names


def test_int8_of_litert_convolves_in_int8_and_takes_pixels(written):
    _, path = written("litert", "int8")
    runtime = open_runtime(path)
    kinds = Counter(details["dtype"] for details in runtime._interpreter.get_tensor_details())
    assert kinds[np.int8] > 10
    assert runtime._function.get_input_details()["image"]["dtype"] == np.uint8


@pytest.mark.parametrize("name", ["frozen-graph", "litert", "openvino", "saved-model"])
def test_a_file_without_its_card_or_with_another_s_is_refused(written, tmp_path: Path, name: str):
    _, path = written(name)
    copy = tmp_path / path.name
    if path.is_dir():
        shutil.copytree(path, copy)
        card = copy / "assets.extra" / "chepai.json"
    else:
        for file in path.parent.iterdir():
            shutil.copy(file, tmp_path)
        card = tmp_path / f"{path.name}.json"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace('"height": 32', '"height": 48'), encoding="utf-8")
    with pytest.raises(InputError, match="not what its metadata says"):
        open_runtime(copy)
    card.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="metadata is damaged"):
        open_runtime(copy)
    card.unlink()
    with pytest.raises(InputError, match="is no model of chepai: there is no"):
        open_runtime(copy)


@pytest.mark.parametrize("name", ["m.tflite", "m.pb", "m.xml"])
def test_damaged_files_are_one_sentence(tmp_path: Path, source: KerasSource, name: str):
    if name == "m.xml":
        needs("openvino")
    (tmp_path / name).write_bytes(b"\x00damaged")
    (tmp_path / f"{name}.json").write_text(source.card.to_json(), encoding="utf-8")
    with pytest.raises(InputError, match=f"cannot load .*{name}"):
        open_runtime(tmp_path / name)


def test_an_empty_folder_is_no_saved_model(tmp_path: Path):
    with pytest.raises(InputError, match="holds no SavedModel"):
        open_runtime(tmp_path)


@pytest.mark.parametrize("name", ["onnx", "frozen-graph"])
def test_an_export_that_reads_otherwise_leaves_nothing(
    tiny_model, pictures: np.ndarray, tmp_path: Path, name: str
):
    wrong = KerasSource(tiny_model, "tiny")
    wrong.runtime = KerasSource(tiny_classifier(seed=4), "other").runtime
    path = tmp_path / f"m{FORMATS[name].suffix}"
    path.write_bytes(b"the one before")
    with pytest.raises(InputError, match=r"the exported m\..* differs from its source"):
        export(wrong, FORMATS[name], path, ExportOptions(), pictures[:8])
    assert path.read_bytes() == b"the one before" and list(tmp_path.iterdir()) == [path]


def test_other_formats_are_made_of_an_onnx_file_without_keras(
    written, pictures: np.ndarray, tmp_path: Path
):
    _, path = written("onnx")
    source = OnnxSource(path)
    result = export(source, FORMATS["onnx"], tmp_path / "x.onnx", ExportOptions("fp16"), pictures)
    assert result.agreement.difference < 0.05
    with pytest.raises(InputError, match=r"is made of a trained \.keras file"):
        export(source, FORMATS["litert"], tmp_path / "x.tflite", ExportOptions(), pictures)
    with pytest.raises(InputError, match=r"is of opset 17: another --opset starts"):
        source.onnx(11, None)
    with pytest.raises(InputError, match="computes in fp16: export starts from float32"):
        OnnxSource(tmp_path / "x.onnx")
    fixed = tmp_path / "fixed.onnx"
    export(source, FORMATS["onnx"], fixed, ExportOptions(batch=2), pictures)
    with pytest.raises(InputError, match="runs 2 pictures at a time"):
        OnnxSource(fixed).onnx(None, None)


def test_a_threshold_proven_in_float32_is_not_carried_into_int8(
    exported: ExportResult, pictures: np.ndarray, tmp_path: Path
):
    source = OnnxSource(exported.path)
    source.card = replace(source.card, calibration=CALIBRATION)
    for precision, kept in (("fp32", True), ("int8", False)):
        path = tmp_path / f"{precision}.onnx"
        options = ExportOptions(precision, pictures=pictures[8:])
        result = export(source, FORMATS["onnx"], path, options, pictures[:8])
        assert result.lost_calibration is not kept
        assert (Reader(path).card.calibration == CALIBRATION) is kept


@pytest.mark.parametrize(
    ("name", "precision", "sentence"),
    [
        ("coreml", "fp32", "unknown format 'coreml'; there are: onnx, "),
        ("tensorrt", "int8", "tensorrt is written in fp32 or fp16, not int8"),
        ("saved_model", "fp16", "saved-model is written in fp32, not fp16"),
    ],
)
def test_what_cannot_be_written_is_said(name: str, precision: str, sentence: str):
    with pytest.raises(InputError, match=sentence):
        find_format(name, precision)

"""The ONNX export: what the file looks like to other programs, and that wrong files never stay."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from chepai.errors import InputError
from chepai.export import onnx_graph
from chepai.export.exporting import ExportResult
from chepai.export.onnx_export import export_onnx
from chepai.plate.schema import LabelSchema, load_schema
from tiny_classifier import tiny_classifier


def shapes(values) -> dict[str, list[int | str]]:
    return {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in values
    }


def test_inputs_and_outputs_are_named_and_the_batch_is_free(exported: ExportResult):
    model = onnx.load(exported.path)
    schema = load_schema("cn")
    assert shapes(model.graph.input) == {"image": ["batch", 32, 96, 3]}
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert list(shapes(model.graph.output).items()) == [
        (head.name, ["batch", head.width]) for head in schema.heads
    ]
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == 17


def test_the_card_in_the_file_rebuilds_the_schema(exported: ExportResult):
    session = onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
    card = json.loads(session.get_modelmeta().custom_metadata_map["chepai"])
    assert LabelSchema.from_dict(card["schema"]) == load_schema("cn")
    assert (card["name"], card["height"], card["width"]) == ("tiny", 32, 96)
    assert card["versions"]["keras"] == keras.__version__


@pytest.mark.parametrize("count", [1, 2, 5])
def test_onnx_runtime_answers_as_keras_does(tiny_model, exported: ExportResult, count: int):
    images = np.random.default_rng(count).integers(0, 256, (count, 32, 96, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    received = dict(zip(names, session.run(None, {"image": images}), strict=True))
    wanted = tiny_model(images, training=False)
    assert float(max(values.numpy().max() for values in wanted.values())) > 0.9  # it has decided
    for head, values in wanted.items():
        np.testing.assert_allclose(received[head], values, atol=1e-4)


def test_the_difference_is_reported(exported: ExportResult):
    assert 0 <= exported.agreement.difference < 1e-4 and exported.agreement.pictures == 16
    assert exported.size == exported.path.stat().st_size


def test_a_model_of_mixed_precision_is_exported_in_float32(tmp_path: Path):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = tiny_classifier()
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    assert export_onnx(model, tmp_path / "mixed.onnx").agreement.difference < 1e-4
    types = {tensor.data_type for tensor in onnx.load(tmp_path / "mixed.onnx").graph.initializer}
    assert onnx.TensorProto.BFLOAT16 not in types


def test_a_file_that_answers_otherwise_is_not_kept(tiny_model, tmp_path: Path, monkeypatch):
    """A converter that drops an operator in silence is what the comparison is there for."""
    convert = onnx_graph._convert

    def careless(*args):
        graph = convert(*args)
        weights = max(graph.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
        values = onnx.numpy_helper.to_array(weights)
        weights.CopyFrom(onnx.numpy_helper.from_array(-values, weights.name))
        return graph

    monkeypatch.setattr(onnx_graph, "_convert", careless)
    path = tmp_path / "wrong.onnx"
    path.write_bytes(b"the one before")
    with pytest.raises(InputError, match="differs from its source"):
        export_onnx(tiny_model, path)
    assert path.read_bytes() == b"the one before" and list(tmp_path.iterdir()) == [path]


def test_an_invalid_file_is_not_kept(tiny_model, tmp_path: Path, monkeypatch):
    convert = onnx_graph._convert

    def unknown_operator(*args):
        graph = convert(*args)
        graph.graph.node[3].op_type = "Erfc"
        return graph

    monkeypatch.setattr(onnx_graph, "_convert", unknown_operator)
    with pytest.raises(InputError, match="no valid ONNX file"):
        export_onnx(tiny_model, tmp_path / "wrong.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"opset": 21}, "--opset is 10 to 18"),
        ({"batch": 0}, "--batch is dynamic or"),
        ({"batch": "many"}, "--batch is dynamic or"),
    ],
)
def test_wrong_options_are_refused(tiny_model, tmp_path: Path, options, sentence: str):
    with pytest.raises(InputError, match=sentence):
        export_onnx(tiny_model, tmp_path / "x.onnx", **options)


def test_another_suffix_is_refused(tiny_model, tmp_path: Path):
    with pytest.raises(InputError, match=r"end in \.onnx"):
        export_onnx(tiny_model, tmp_path / "x.pb")


@pytest.mark.parametrize("opset", [10, 18])
def test_opsets_of_older_and_newer_engines_hold(tiny_model, tmp_path: Path, opset: int):
    result = export_onnx(tiny_model, tmp_path / "x.onnx", opset)
    held = {entry.domain: entry.version for entry in onnx.load(result.path).opset_import}
    assert held[""] == opset and result.agreement.difference < 1e-4

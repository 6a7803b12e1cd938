"""int8: which values become it, and that what it ruins is found and left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from chepai.errors import InputError
from chepai.export import quantising
from chepai.export.agreement import agreement, answers_of
from chepai.export.exporting import ExportResult
from chepai.export.formats import ExportOptions, onnx_graph
from chepai.export.int8 import Quantiser
from chepai.export.quantising import graph_runtime
from chepai.export.sensitivity import choose_nodes
from chepai.export.source import OnnxSource


@pytest.fixture(scope="module")
def source(exported: ExportResult) -> OnnxSource:
    return OnnxSource(exported.path)


@pytest.fixture(scope="module")
def graph(source: OnnxSource):
    return source.onnx(None, None)


def constants(graph) -> dict[str, np.ndarray]:
    return {each.name: onnx.numpy_helper.to_array(each) for each in graph.graph.initializer}


def test_activations_are_unsigned_and_weights_signed_per_channel(graph, pictures: np.ndarray):
    quantiser = Quantiser(graph, pictures[:16])
    result = quantiser.quantised(quantiser.nodes)
    values = constants(result)
    producers = {node.output[0]: node for node in result.graph.node}
    convolutions = [node for node in result.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == sum(node.op_type == "Conv" for node in graph.graph.node)
    for node in convolutions:
        activation, weights = (producers[name] for name in node.input[:2])
        assert (activation.op_type, weights.op_type) == ("DequantizeLinear",) * 2
        assert values[activation.input[2]].dtype == np.uint8
        assert values[weights.input[0]].dtype == np.int8
        # Older x86 processors add two products in 16 bits: none of them may overflow.
        assert 2 * 255 * np.abs(values[weights.input[0]].astype(int)).max() < 2**15
        scales = values[weights.input[1]]
        assert scales.shape == values[weights.input[0]].shape[:1] and len(set(scales)) > 1


def test_whitening_attention_and_softmaxes_stay_in_float32(graph, pictures: np.ndarray):
    quantiser = Quantiser(graph, pictures[:16])
    result = quantiser.quantised(quantiser.nodes)
    producers = {node.output[0]: node.op_type for node in result.graph.node}
    for node in result.graph.node:
        if node.op_type in ("Softmax", "ReduceMean", "Sqrt", "Div", "MatMul"):
            given = {producers.get(name) for name in node.input}
            assert "DequantizeLinear" not in given or node.name not in quantiser.nodes


def test_nodes_that_are_left_out_are_as_they_were(graph, pictures: np.ndarray):
    quantiser = Quantiser(graph, pictures[:16])
    wanted = {node.name: list(node.input) for node in graph.graph.node}
    for node in quantiser.quantised([]).graph.node:
        assert list(node.input) == wanted[node.name]


def additive(losses: dict[str, float]):
    """A measure whose losses add up, and the sets that it was asked about."""
    asked: list[tuple[str, ...]] = []

    def measure(nodes: Sequence[str]) -> float:
        asked.append(tuple(nodes))
        return sum(losses[node] for node in nodes)

    return measure, asked


def test_nothing_is_left_out_where_all_together_meet_the_bar():
    measure, asked = additive({"a": 0.001, "b": 0.001})
    choice = choose_nodes(["a", "b"], measure, bar=0.005)
    assert (choice.quantised, choice.left_out) == (("a", "b"), ()) and len(asked) == 1


def test_the_most_sensitive_are_left_out_and_no_more_than_needed():
    measure, _ = additive({"a": 0.001, "b": 0.03, "c": 0.002, "d": 0.004})
    choice = choose_nodes(["a", "b", "c", "d"], measure, bar=0.004)
    # Without b 0.007 remains, without b and d 0.003.
    assert choice.left_out == ("b", "d") and choice.quantised == ("a", "c")
    assert choice.loss == pytest.approx(0.003) and choice.loss_of_all == pytest.approx(0.037)


def test_what_was_left_out_in_vain_is_taken_back():
    def measure(nodes: Sequence[str]) -> float:
        # a alone looks worst, but all of the loss is b's beside another node.
        if len(nodes) == 1:
            return {"a": 0.9, "b": 0.5, "c": 0.1}[nodes[0]]
        return 1.0 if "b" in nodes else 0.0

    assert choose_nodes(["a", "b", "c"], measure, bar=0.2).left_out == ("b",)


def neighbours(graph) -> tuple:
    """A convolution without bias and the only one that reads it, behind a ReLU."""
    readers = Counter(name for node in graph.graph.node for name in node.input)
    nodes = {node.input[0]: node for node in graph.graph.node if node.input}
    for node in graph.graph.node:
        relu = nodes.get(node.output[0])
        if node.op_type == "Conv" and len(node.input) == 2 and relu and relu.op_type == "Relu":
            behind = nodes.get(relu.output[0])
            if behind and behind.op_type == "Conv" and readers[relu.output[0]] == 1:
                return node, behind
    raise AssertionError("the tiny model has no such pair")


def test_a_map_that_int8_ruins_is_float_at_both_ends(
    graph, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    """A channel of an inner map that nobody reads, at 1e4, takes all the levels of the others."""
    poisoned = onnx.ModelProto()
    poisoned.CopyFrom(graph)
    first, second = neighbours(poisoned)
    (kernel,) = [each for each in poisoned.graph.initializer if each.name == second.input[1]]
    values = onnx.numpy_helper.to_array(kernel).copy()
    values[:, 0] = 0.0
    kernel.CopyFrom(onnx.numpy_helper.from_array(values, kernel.name))
    bias = np.zeros(values.shape[1], np.float32)
    bias[0] = 1e4
    poisoned.graph.initializer.append(onnx.numpy_helper.from_array(bias, "bias"))
    first.input.append("bias")
    # The tiny model is far more easily upset than a trained one.
    monkeypatch.setattr(quantising, "LOSS_BAR", loss_of_all(graph, pictures) + 0.02)
    runtime = graph_runtime(poisoned)
    result, left_out = quantising.quantised_graph(poisoned, runtime.card, runtime, pictures[:32])
    assert {first.name, second.name} <= set(left_out) and len(left_out) <= 4
    answers = (answers_of(each, pictures[32:]) for each in (runtime, graph_runtime(result)))
    assert agreement(runtime.card, *answers).loss < loss_of_all(poisoned, pictures) / 3


def test_pictures_that_the_source_cannot_read_choose_no_nodes(
    graph, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    judged = []

    def seen(runtime, images: np.ndarray) -> dict[str, np.ndarray]:
        judged.append(len(images))
        return answers_of(runtime, images)

    sure = np.arange(16) % 2 == 0
    monkeypatch.setattr(quantising, "answers_of", seen)
    monkeypatch.setattr(quantising, "surely_read", lambda _card, _answers: sure)
    monkeypatch.setattr(quantising, "LOSS_BAR", 1.0)
    runtime = graph_runtime(graph)
    for fewest, wanted in ((8, [16, 8]), (9, [16, 16])):
        judged.clear()
        monkeypatch.setattr(quantising, "_FEWEST_SURE", fewest)
        quantising.quantised_graph(graph, runtime.card, runtime, pictures[:32])
        assert judged == wanted


def loss_of_all(graph, pictures: np.ndarray) -> float:
    """With every node in int8."""
    quantiser = Quantiser(graph, pictures[:16])
    runtimes = [graph_runtime(each) for each in (graph, quantiser.quantised(quantiser.nodes))]
    answers = (answers_of(runtime, pictures[16:]) for runtime in runtimes)
    return agreement(runtimes[0].card, *answers).loss


def test_int8_of_an_older_opset_is_refused(source: OnnxSource, pictures: np.ndarray):
    with pytest.raises(InputError, match="int8 per channel needs --opset 13"):
        onnx_graph(source, ExportOptions("int8", opset=11, pictures=pictures))


def test_float16_keeps_input_outputs_and_what_is_not_features(source: OnnxSource):
    graph, written = onnx_graph(source, ExportOptions("fp16"))
    onnx.checker.check_model(graph, full_check=True)
    assert written.card.precision == "fp16"
    inferred = onnx.shape_inference.infer_shapes(graph).graph
    types = {each.name: each.type.tensor_type.elem_type for each in inferred.value_info}
    for node in graph.graph.node:
        if node.op_type == "Conv":
            assert types[node.output[0]] == onnx.TensorProto.FLOAT16
        if node.op_type in ("ReduceMean", "Sqrt") and node.output[0] in types:
            assert types[node.output[0]] == onnx.TensorProto.FLOAT
    for output in graph.graph.output:
        assert output.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    names = [node.name for node in graph.graph.node]
    assert len(names) == len(set(names))

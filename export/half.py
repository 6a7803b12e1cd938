"""An ONNX graph in float16, for accelerators: half the file, and their faster arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from .int8 import body_of


def in_float16(graph: Any) -> Any:
    """A copy of an onnx.ModelProto with its features in float16.

    Input and outputs stay as they are, and so do whitening, attention and the softmaxes: sums over
    thousands of pixels and exponentials want more than float16 has, and they cost little. (The
    converter of ONNX Runtime casts at every node that is kept, and names the casts alike.)
    """
    copy = type(graph)()
    copy.CopyFrom(graph)
    body = body_of(copy)
    halved = {node.name for node in body}
    border = _Border(copy, {name for node in body for name in node.output})
    nodes = []
    for node in copy.graph.node:
        half = node.name in halved
        node.input[:] = [border.crossed(name, half) for name in node.input]
        nodes += [*border.new_casts(), node]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    _drop_unused_weights(copy)
    del copy.graph.value_info[:]
    return copy


class _Border:
    """Between the values in float16 and all others: casts each that crosses it, once.

    Args:
        graph: takes the weights in float16 as they are asked for.
        halved: names of the values in float16.
    """

    def __init__(self, graph: Any, halved: set[str]) -> None:
        self._graph = graph
        self._halved = halved
        self._weights = {tensor.name: tensor for tensor in graph.graph.initializer}
        self._done: dict[tuple[str, bool], str] = {}
        self._casts: list[Any] = []

    def crossed(self, name: str, half: bool) -> str:
        """The name under which a value is read by a node that computes in float16, or not."""
        if not name or half == (name in self._halved):
            return name
        if (name, half) not in self._done:
            weights = self._weights.get(name)
            new = self._cast(name, half) if weights is None else self._half_weights(weights)
            self._done[name, half] = new
        return self._done[name, half]

    def new_casts(self) -> list[Any]:
        """The nodes that the last answers need; each is given once."""
        casts, self._casts = self._casts, []
        return casts

    def _cast(self, name: str, half: bool) -> str:
        from onnx import TensorProto, helper

        new = f"{name}/{'half' if half else 'float'}"
        to = TensorProto.FLOAT16 if half else TensorProto.FLOAT
        self._casts.append(helper.make_node("Cast", [name], [new], name=f"{new}/cast", to=to))
        return new

    def _half_weights(self, tensor: Any) -> str:
        from onnx import TensorProto, numpy_helper

        if tensor.data_type != TensorProto.FLOAT:
            return str(tensor.name)
        most = np.finfo(np.float16).max
        values = np.clip(numpy_helper.to_array(tensor), -most, most).astype(np.float16)
        new = f"{tensor.name}/half"
        self._graph.graph.initializer.append(numpy_helper.from_array(values, new))
        return new


def _drop_unused_weights(graph: Any) -> None:
    used = {name for node in graph.graph.node for name in node.input}
    kept = [tensor for tensor in graph.graph.initializer if tensor.name in used]
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)

"""Static int8 quantisation of an ONNX graph: QDQ, unsigned activations, signed weights of 7 bits.

x86 processors without VNNI add two products in 16 bits, which saturate with weights of 8 bits:
`fast` of 2026-11-27 read 83.64 % of parking on one with VNNI and 82.54 % on one without.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# What ONNX Runtime computes in int8. Pixels' whitening, attention and the softmaxes are none of
# it: they cost little, and a softmax of 256 levels would be a coarse confidence.
_COUNTED = ("Conv", "Gemm", "MatMul", "Add", "Mul", "Concat", "GlobalAveragePool", "Sigmoid")
# These are in int8 where what they take is.
_FOLLOWING = ("Relu", "Clip", "MaxPool", "AveragePool")
_BODY = (*_COUNTED, *_FOLLOWING)
# Of an activation's values, the share that its 256 levels reach: on rendered and on real plates
# the least is lost at 99.99, against 99.9, 99.999 and all of them.
_PERCENTILE = 99.99
# A calibrator keeps every activation of the pictures that it is given at a time.
_CALIBRATION_BATCH = 16


class Quantiser:
    """Quantises one graph, with any of its nodes left in float32.

    Args:
        graph: an onnx.ModelProto of opset 13 or higher in float32.
        pictures: uint8 [n, height, width, 3], from which the activations' ranges are taken.

    Attributes:
        nodes: names of the nodes that can be left out, in the graph's order: convolutions, and
            additions and products of maps between them.
    """

    def __init__(self, graph: Any, pictures: npt.NDArray[np.uint8]) -> None:
        from onnxruntime.quantization.quant_utils import save_and_reload_model_with_shape_infer

        with _quiet():
            self._graph = save_and_reload_model_with_shape_infer(graph)
        body = body_of(self._graph)
        self.nodes = tuple(node.name for node in body if node.op_type in _COUNTED)
        self._following = tuple(node.name for node in body if node.op_type in _FOLLOWING)
        self._ranges = _activation_ranges(self._graph, pictures)

    def quantised(self, nodes: Iterable[str]) -> Any:
        """An onnx.ModelProto with `nodes` in int8, per channel, and all others in float32."""
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

        with _quiet():
            quantiser = QDQQuantizer(
                copy.deepcopy(self._graph),
                per_channel=True,
                reduce_range=True,
                weight_qType=QuantType.QInt8,
                activation_qType=QuantType.QUInt8,
                tensors_range=self._ranges,
                nodes_to_quantize=[*nodes, *self._following],
                nodes_to_exclude=[],
                op_types_to_quantize=list(_BODY),
                extra_options={},
            )
            quantiser.quantize_model()
            quantiser.model.topological_sort()
        return quantiser.model.model


def body_of(graph: Any) -> list[Any]:
    """The nodes from the first convolution on that only maps of features flow through."""
    wanted: set[str] = set()
    found = []
    for node in graph.graph.node:  # sorted: inputs stand before what takes them
        if node.op_type == "Conv" or (node.op_type in _BODY and wanted & set(node.input)):
            found.append(node)
            wanted.update(node.output)
    return found


def _activation_ranges(graph: Any, pictures: npt.NDArray[np.uint8]) -> Any:
    import onnx
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator

    with tempfile.TemporaryDirectory() as folder, _quiet():
        source = Path(folder) / "float.onnx"
        onnx.save(graph, source)
        calibrator = create_calibrator(
            source,
            list(_BODY),
            str(Path(folder) / "augmented.onnx"),
            CalibrationMethod.Percentile,
            extra_options={"percentile": _PERCENTILE, "symmetric": False},
        )
        for start in range(0, len(pictures), _CALIBRATION_BATCH):
            calibrator.collect_data(_Batch(pictures[start : start + _CALIBRATION_BATCH]))
        return calibrator.compute_data()


class _Batch:
    """One batch, as ONNX Runtime's calibrators read them."""

    def __init__(self, images: npt.NDArray[np.uint8]) -> None:
        self._left = [{"image": images}]

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        """The batch, and then None."""
        return self._left.pop() if self._left else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences ONNX Runtime's quantiser, which prints and logs what it is about."""
    logger = logging.getLogger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(before)

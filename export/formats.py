"""The formats that a model can be exported to, each with what writes it.

A new format is a writer and a line in `FORMATS`; a runtime of `inference` must be able to run it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..inference.model_card import ModelCard
from .half import in_float16
from .onnx_graph import DEFAULT_OPSET, set_batch, set_card
from .quantising import QUANTISED_OPSET, quantised_graph
from .source import Source

PRECISIONS = ("fp32", "fp16", "int8")
_FLOAT = ("fp32", "fp16")


@dataclass(frozen=True)
class ExportOptions:
    """How a file shall be.

    Attributes:
        precision: one of `PRECISIONS`.
        opset: of the ONNX operators; None: 17.
        batch: pictures in every run; None: any number.
        pictures: for int8, uint8 [n, height, width, 3]: plates like those that will be read.
    """

    precision: str = "fp32"
    opset: int | None = None
    batch: int | None = None
    pictures: npt.NDArray[np.uint8] | None = None


class Written(NamedTuple):
    """What a writer tells: the file's card, and which nodes of an int8 model are float32."""

    card: ModelCard
    left_out: tuple[str, ...] = ()


class Format(NamedTuple):
    """One format; `runtime` runs its files, `sidecar` says whether their card lies beside them."""

    suffix: str
    precisions: tuple[str, ...]
    runtime: str
    write: Callable[[Source, Path, ExportOptions], Written]
    sidecar: bool = True


def find_format(name: str, precision: str) -> Format:
    """The format of that name, which can be written in that precision.

    Raises:
        InputError: there is none, or it cannot.
    """
    wanted = name.replace("_", "-")
    if wanted not in FORMATS:
        raise InputError(f"unknown format {name!r}; there are: {', '.join(FORMATS)}")
    found = FORMATS[wanted]
    if precision not in found.precisions:
        raise InputError(f"{wanted} is written in {' or '.join(found.precisions)}, not {precision}")
    return found


def onnx_graph(source: Source, options: ExportOptions) -> tuple[Any, Written]:
    """The source in ONNX in the wanted precision, as an onnx.ModelProto with its card."""
    card = card_in(source.card, options.precision)
    if options.precision == "int8":
        if (options.opset or DEFAULT_OPSET) < QUANTISED_OPSET:
            raise InputError(f"int8 per channel needs --opset {QUANTISED_OPSET} or higher")
        assert options.pictures is not None
        # Ranges are taken of as many pictures at a time as are good for that.
        graph, left_out = quantised_graph(
            source.onnx(options.opset, None), card, source.runtime, options.pictures
        )
        set_batch(graph, options.batch)
    else:
        graph, left_out = source.onnx(options.opset, options.batch), ()
        if options.precision == "fp16":
            graph = in_float16(graph)
    set_card(graph, card)
    return graph, Written(card, left_out)


def card_in(card: ModelCard, precision: str) -> ModelCard:
    """The card of an export: a threshold that was proven in float32 is none in int8."""
    calibration = None if precision == "int8" else card.calibration
    return replace(card, precision=precision, calibration=calibration)


def _onnx(source: Source, path: Path, options: ExportOptions) -> Written:
    import onnx

    graph, written = onnx_graph(source, options)
    path.write_bytes(graph.SerializeToString())
    try:
        onnx.checker.check_model(str(path), full_check=True)
    # The checker and the shape inference have exceptions without a common base.
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"the exported {path.name} is no valid ONNX file: {reason}") from error
    return written


def _openvino(source: Source, path: Path, options: ExportOptions) -> Written:
    from .openvino_ir import write_openvino

    # OpenVINO itself stores the weights of a float32 graph in float16.
    plain = replace(options, precision="fp32") if options.precision == "fp16" else options
    graph, written = onnx_graph(source, plain)
    write_openvino(graph, path, half=options.precision == "fp16")
    return written._replace(card=replace(written.card, precision=options.precision))


def _tensorrt(source: Source, path: Path, options: ExportOptions) -> Written:
    from .tensorrt_engine import write_engine

    graph, written = onnx_graph(source, options)
    write_engine(graph, path, written.card, options.batch)
    return written


def _migraphx(source: Source, path: Path, options: ExportOptions) -> Written:
    from ..inference.runtimes.migraphx_runtime import BATCH, compile_onnx

    graph, written = onnx_graph(source, options)
    with tempfile.TemporaryDirectory() as folder:
        onnx_file = Path(folder) / "model.onnx"
        onnx_file.write_bytes(graph.SerializeToString())
        compile_onnx(onnx_file, path, written.card, options.batch or BATCH)
    return written


def _saved_model(source: Source, path: Path, options: ExportOptions) -> Written:
    from .tensorflow_graph import write_saved_model

    write_saved_model(source.keras(), path, source.card.output_sizes, options.batch)
    return Written(source.card)


def _frozen_graph(source: Source, path: Path, options: ExportOptions) -> Written:
    from .tensorflow_graph import write_frozen_graph

    write_frozen_graph(source.keras(), path, source.card.output_sizes, options.batch)
    return Written(source.card)


def _litert(source: Source, path: Path, options: ExportOptions) -> Written:
    from .litert import write_litert

    model, names = source.keras(), source.card.output_sizes
    write_litert(model, path, names, options.batch, options.precision, options.pictures)
    return Written(card_in(source.card, options.precision))


FORMATS = {
    "onnx": Format(".onnx", PRECISIONS, "onnx", _onnx, sidecar=False),
    "saved-model": Format("", ("fp32",), "saved-model", _saved_model),
    "frozen-graph": Format(".pb", ("fp32",), "frozen-graph", _frozen_graph),
    "litert": Format(".tflite", PRECISIONS, "litert", _litert),
    "openvino": Format(".xml", PRECISIONS, "openvino", _openvino),
    "tensorrt": Format(".engine", _FLOAT, "tensorrt", _tensorrt),
    "migraphx": Format(".mxr", _FLOAT, "migraphx", _migraphx),
}

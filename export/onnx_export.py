"""A trained Keras model as a float32 ONNX file, proven on a few pictures: what programs call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import InputError
from .exporting import ExportResult, export
from .formats import FORMATS, ExportOptions
from .onnx_graph import DEFAULT_OPSET
from .pictures import sample_pictures
from .source import KerasSource


def export_onnx(
    model: Any,
    path: str | Path,
    opset: int = DEFAULT_OPSET,
    batch: int | str = "dynamic",
    name: str | None = None,
) -> ExportResult:
    """Writes `model` to `path` as ONNX: input `image` uint8 [batch, h, w, 3], a head an output.

    The file carries the model's card. It stands at `path` only after onnx.checker and a run in
    ONNX Runtime on random and rendered pictures found it right.

    Args:
        model: a Keras model of chepai, on the TensorFlow backend.
        opset: of the ONNX operators, one of `onnx_graph.OPSETS`.
        batch: `dynamic`, or the number of pictures that every run will have.
        name: the model's name in its card; None takes the file's.

    Raises:
        InputError: a wrong option, a missing package, or a file that differs from its source.
    """
    if batch != "dynamic" and (not isinstance(batch, int) or batch < 1):
        raise InputError(f"--batch is dynamic or a whole number of at least 1; received {batch!r}")
    path = Path(path)
    source = KerasSource(model, name or path.stem)
    options = ExportOptions(opset=opset, batch=None if isinstance(batch, str) else batch)
    pictures = sample_pictures(source.card.height, source.card.width)
    return export(source, FORMATS["onnx"], path, options, pictures)

"""OpenVINO's own files: `.xml` with a `.bin` of weights beside it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ..frameworks import import_package
from ..inference.runtimes.openvino_runtime import REMEDY


def write_openvino(graph: Any, path: Path, half: bool) -> None:
    """Writes an ONNX graph as OpenVINO's; a quantised one stays quantised.

    Args:
        graph: an onnx.ModelProto.
        path: of the `.xml`; the `.bin` is written beside it.
        half: whether weights are stored in float16.
    """
    openvino = import_package("openvino", REMEDY)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model.onnx"
        source.write_bytes(graph.SerializeToString())
        model = openvino.Core().read_model(str(source))
        openvino.save_model(model, str(path), compress_to_fp16=half)

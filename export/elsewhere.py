"""What can be made here for engines that only another machine can build."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..inference.runtimes import migraphx_runtime, tensorrt_runtime
from ..inference.sidecar import write_sidecar
from .exporting import ExportResult, check_path, export
from .formats import FORMATS, ExportOptions, card_in
from .source import Source
from .tensorrt_engine import trtexec_line

# The formats whose files are built for one machine by a package that only it has.
_REMEDIES = {"tensorrt": tensorrt_runtime.REMEDY, "migraphx": migraphx_runtime.REMEDY}


@dataclass(frozen=True)
class Prepared:
    """An ONNX file that is proven, and the command that builds the engine of it.

    Attributes:
        onnx: the file.
        sidecar: the card that the engine will need beside it.
        command: for a shell on the machine that has the tool.
        remedy: what brings the package that would have built it here.
    """

    onnx: ExportResult
    sidecar: Path
    command: str
    remedy: str


def is_missing(name: str) -> bool:
    """Whether what builds files of this format has to be sought on another machine."""
    return name in _REMEDIES and importlib.util.find_spec(name) is None


def prepare(
    name: str,
    source: Source,
    target: Path,
    options: ExportOptions,
    pictures: npt.NDArray[np.uint8],
) -> Prepared:
    """Makes all of an export to `target` but the engine; otherwise as `exporting.export`."""
    check_path(FORMATS[name], target)
    file = target.with_name(f"{target.stem}-{name}.onnx")
    result = export(source, FORMATS["onnx"], file, options, pictures)
    card = card_in(source.card, options.precision)
    if name == "tensorrt":
        command = trtexec_line(file, target, card, options.batch)
    else:
        batch = options.batch or migraphx_runtime.BATCH
        command = migraphx_runtime.driver_line(file, target, card, batch)
    return Prepared(result, write_sidecar(target, card), command, _REMEDIES[name])

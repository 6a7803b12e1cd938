"""MIGraphX, for AMD's GPUs: runs a compiled program, and compiles an ONNX file once."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ...files import atomic_path
from ...frameworks import import_package
from ..model_card import ModelCard
from ..sidecar import read_sidecar, sidecar_path, write_sidecar
from .base import cannot_load, check_interface
from .batches import in_batches
from .onnx_runtime import onnx_card

REMEDY = "it comes with ROCm; put its folder, as /opt/rocm/lib, on PYTHONPATH"
# Pictures in one run: programs are compiled for one size, the last run is filled up.
BATCH = 64


class MiGraphXRuntime:
    """Runs a `.mxr` file, or an `.onnx` file, whose compiled program is kept beside it."""

    card: ModelCard

    def __init__(self, path: Path, threads: int | None = None) -> None:
        del threads  # the processor only waits
        self._program, self.card = _load(path) if path.suffix.lower() == ".mxr" else _cached(path)
        shapes = {n: s.lens() for n, s in self._program.get_parameter_shapes().items()}
        outputs = [shape.lens()[-1] for shape in self._program.get_output_shapes()]
        widths = dict(zip(self.card.output_sizes, outputs, strict=False))
        check_interface(path, self.card, shapes.get("image"), widths)
        self._batch = int(shapes["image"][0])
        # A program holds the pictures and the answers of one run.
        self._lock = Lock()

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """As `Runtime.run`."""
        return in_batches(self._run_once, images, self._batch)

    def _run_once(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        with self._lock:
            answers = self._program.run({"image": np.ascontiguousarray(images)})
            # Outputs come in the ONNX file's order, which is the schema's.
            values = [np.array(answer, np.float32) for answer in answers]
        return dict(zip(self.card.output_sizes, values, strict=True))


def compile_onnx(source: Path, target: Path, card: ModelCard, batch: int) -> None:
    """Compiles an ONNX file for the GPU of this machine, as `.mxr` with its card beside it.

    Args:
        card: of the ONNX file.
        batch: pictures in every run.

    Raises:
        InputError: MIGraphX is missing, or cannot compile the file.
    """
    migraphx = import_package("migraphx", REMEDY)
    size = [batch, card.height, card.width, 3]
    try:
        program = migraphx.parse_onnx(str(source), map_input_dims={"image": size})
        program.compile(migraphx.get_target("gpu"))
        with atomic_path(target) as temporary:
            migraphx.save(program, str(temporary))
    # MIGraphX raises RuntimeError for what it cannot parse, compile or find a device for.
    except RuntimeError as error:
        raise cannot_load("MIGraphX", source, error) from error
    write_sidecar(target, card)


def driver_line(onnx: Path, target: Path, card: ModelCard, batch: int) -> str:
    """The command of MIGraphX's own tool that compiles the same program."""
    size = f"@image {batch} {card.height} {card.width} 3"
    return (
        f"migraphx-driver compile {quote(str(onnx))} --onnx --input-dim {size} --gpu "
        f"--enable-offload-copy --binary --output {quote(str(target))}"
    )


def _load(path: Path) -> tuple[Any, ModelCard]:
    card = read_sidecar(path)
    migraphx = import_package("migraphx", REMEDY)
    try:
        return migraphx.load(str(path)), card
    except RuntimeError as error:
        raise cannot_load("MIGraphX", path, error) from error


def _cached(path: Path) -> tuple[Any, ModelCard]:
    """The program of an ONNX file: the one beside it while it is of this file, else a new one."""
    card = onnx_card(path)
    compiled = path.with_suffix(".mxr")
    if not _is_of(compiled, path, card):
        compile_onnx(path, compiled, card, BATCH)
    return _load(compiled)


def _is_of(compiled: Path, source: Path, card: ModelCard) -> bool:
    if not (compiled.is_file() and sidecar_path(compiled).is_file()):
        return False
    try:
        same = read_sidecar(compiled) == card
    except InputError:
        return False
    return same and compiled.stat().st_mtime >= source.stat().st_mtime

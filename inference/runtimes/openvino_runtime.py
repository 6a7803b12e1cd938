"""OpenVINO, for Intel's and other x86 and ARM processors."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from ...frameworks import import_package
from ..model_card import ModelCard
from ..sidecar import read_sidecar
from .base import cannot_load, check_interface
from .batches import in_batches

REMEDY = 'pip install "chepai[openvino]"'
DEVICE = "CPU"


class OpenVinoRuntime:
    """Runs an exported `.xml` with its `.bin`, or an `.onnx` file as it is, on the processor."""

    card: ModelCard

    def __init__(self, path: Path, threads: int | None = None) -> None:
        openvino = import_package("openvino", REMEDY)
        self.card = _card_of(path)
        try:
            model = openvino.Core().read_model(str(path))
            self._compiled = openvino.compile_model(model, DEVICE, _options(threads))
        # OpenVINO raises RuntimeError, and of its own from release to release.
        except Exception as error:
            raise cannot_load("OpenVINO", path, error) from error
        shapes = {_name(port): port.partial_shape for port in self._compiled.inputs}
        image = shapes.get("image")
        shape = None if image is None else [_size(size) for size in image]
        widths = {
            _name(port): _size(port.partial_shape[len(port.partial_shape) - 1])
            for port in self._compiled.outputs
        }
        check_interface(path, self.card, shape, widths)
        self._batch = shape[0] if shape else None
        # The compiled model holds the pictures and the answers of one run.
        self._lock = Lock()

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """As `Runtime.run`."""
        return in_batches(self._run_once, images, self._batch)

    def _run_once(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        with self._lock:
            answers = self._compiled({"image": images})
            return {head: np.array(answers[head]) for head in self.card.output_sizes}


def _card_of(path: Path) -> ModelCard:
    if path.suffix.lower() != ".onnx":
        return read_sidecar(path)
    from .onnx_runtime import onnx_card

    return onnx_card(path)


def _options(threads: int | None) -> dict[str, Any]:
    # Left alone, it computes in bfloat16 where the processor has it: probabilities differ by 0.03.
    options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    return options


def _name(port: Any) -> str:
    """The name that the export gave; converters add their own beside it."""
    return str(port.any_name)


def _size(dimension: Any) -> int | None:
    return None if dimension.is_dynamic else int(dimension.get_length())

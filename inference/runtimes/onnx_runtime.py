"""ONNX Runtime on the CPU: the runtime that reading is built for."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

# Since 1.31 it notes each session in a data base in the user's cache folder and sends it to its
# makers. Read when it is imported; who wants it can set 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from ...errors import InputError
from ..model_card import METADATA_KEY, ModelCard


class OnnxRuntime:
    """Runs an exported `.onnx` file that carries chepai's metadata."""

    card: ModelCard

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._path, self._threads = path, threads
        self._session = _open_session(path, threads)
        metadata = self._session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise InputError(
                f"{path} is no model of chepai: it lacks the metadata that names its characters; "
                "make one with `chepai export --model YOURS.keras --output YOURS.onnx`"
            )
        self.card = ModelCard.from_json(metadata[METADATA_KEY], str(path))
        self._heads = [output.name for output in self._session.get_outputs()]
        self._batch = _checked_batch(self._session, self.card, path)

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """As `Runtime.run`; a file of fixed batch is run as often as needed, its last padded."""
        if self._batch is None:
            return self._run_once(images)
        parts = [
            self._run_once(_padded(images[start : start + self._batch], self._batch))
            for start in range(0, len(images), self._batch)
        ]
        return {
            head: np.concatenate([part[head] for part in parts])[: len(images)]
            for head in self._heads
        }

    def on_one_thread(self) -> OnnxRuntime:
        """As `SingleThreaded.on_one_thread`."""
        return self if self._threads == 1 else OnnxRuntime(self._path, 1)

    def _run_once(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        return dict(zip(self._heads, self._session.run(None, {"image": images}), strict=True))


def _open_session(path: Path, threads: int | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    # ONNX Runtime's exceptions share no base class of their own.
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"ONNX Runtime cannot load {path}: {reason}") from error


def _checked_batch(
    session: onnxruntime.InferenceSession, card: ModelCard, path: Path
) -> int | None:
    """The batch size that the file is fixed to, None where it is free."""
    inputs = {entry.name: entry for entry in session.get_inputs()}
    widths = {output.name: output.shape[-1] for output in session.get_outputs()}
    image = inputs.get("image")
    size = [card.height, card.width, 3]
    fits = image is not None and image.type == "tensor(uint8)" and image.shape[1:] == size
    if not fits or widths != card.output_sizes:
        raise InputError(f"{path}: its inputs and outputs are not what its metadata says")
    batch = inputs["image"].shape[0]
    return batch if isinstance(batch, int) else None


def _padded(images: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.uint8]:
    missing = count - len(images)
    return images if missing == 0 else np.concatenate([images, np.repeat(images[-1:], missing, 0)])

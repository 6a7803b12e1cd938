"""ONNX Runtime: what reading is built for, on the processor or an accelerator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from ...errors import InputError
from ..model_card import METADATA_KEY, ModelCard
from .base import cannot_load, check_interface
from .batches import in_batches
from .onnx_providers import check_provider, session_providers


class OnnxRuntime:
    """Runs an exported `.onnx` file that carries chepai's metadata.

    Args:
        provider: what computes, a key of `onnx_providers.PROVIDERS`.
    """

    card: ModelCard

    def __init__(self, path: Path, threads: int | None = None, provider: str = "cpu") -> None:
        self._path, self._threads, self._provider = path, threads, provider
        self._session = _open_session(path, threads, provider)
        self.card = _card_of(self._session, path)
        self._heads = [output.name for output in self._session.get_outputs()]
        self._batch = _checked_batch(self._session, self.card, path)

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """As `Runtime.run`; a file of fixed batch is run as often as needed, its last filled up."""
        return in_batches(self._run_once, images, self._batch)

    def on_one_thread(self) -> OnnxRuntime | None:
        """As `SingleThreaded.on_one_thread`."""
        if self._provider != "cpu" or self._batch is not None:
            return None
        return self if self._threads == 1 else OnnxRuntime(self._path, 1)

    def _run_once(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        return dict(zip(self._heads, self._session.run(None, {"image": images}), strict=True))


def onnx_card(path: Path) -> ModelCard:
    """The card that an `.onnx` file carries, for runtimes that do not show it.

    Raises:
        InputError: no ONNX file, or not one of chepai.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    # ONNX Runtime's exceptions share no base class of their own.
    except Exception as error:
        raise cannot_load("ONNX Runtime", path, error) from error
    card = _card_of(session, path)
    _checked_batch(session, card, path)
    return card


def _open_session(path: Path, threads: int | None, provider: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    providers = session_providers(provider, path, threads)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    # ONNX Runtime's exceptions share no base class of their own.
    except Exception as error:
        raise cannot_load("ONNX Runtime", path, error) from error
    check_provider(session, provider, path)
    return session


def _card_of(session: onnxruntime.InferenceSession, path: Path) -> ModelCard:
    metadata = session.get_modelmeta().custom_metadata_map
    if METADATA_KEY not in metadata:
        raise InputError(
            f"{path} is no model of chepai: it lacks the metadata that names its characters; "
            "make one with `chepai export --model YOURS.keras --output YOURS.onnx`"
        )
    return ModelCard.from_json(metadata[METADATA_KEY], str(path))


def _checked_batch(
    session: onnxruntime.InferenceSession, card: ModelCard, path: Path
) -> int | None:
    """The batch size that the file is fixed to, None where it is free."""
    inputs = {entry.name: entry for entry in session.get_inputs()}
    image = inputs.get("image")
    shape = image.shape if image is not None and image.type == "tensor(uint8)" else None
    widths = {output.name: output.shape[-1] for output in session.get_outputs()}
    check_interface(path, card, shape, widths)
    batch = inputs["image"].shape[0]
    return batch if isinstance(batch, int) else None

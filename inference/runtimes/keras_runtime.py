"""Keras, for models that were just trained. Loaded only when a `.keras` file is read."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ...plate.schema import LabelSchema
from ..model_card import ModelCard

_BACKENDS = ("tensorflow", "jax", "torch")


class KerasRuntime:
    """Runs a trained `.keras` file."""

    card: ModelCard

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._model = load_keras_model(path, threads)
        self.card = card_of(self._model, path.stem)

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """As `Runtime.run`."""
        outputs = self._model.predict_on_batch(images)
        return {head: np.asarray(values, np.float32) for head, values in outputs.items()}


def load_keras_model(path: Path, threads: int | None = None) -> Any:
    """Loads a `.keras` file of chepai as a Keras model, without its optimizer.

    Args:
        threads: TensorFlow's, where it has not started yet; None leaves its own choice.

    Raises:
        InputError: Keras or its backend is not installed, or the file is not a model of chepai.
    """
    keras = import_keras(threads)
    # Loading needs the model's classes to be registered.
    from ... import multi_label  # noqa: F401

    try:
        model = keras.models.load_model(path, compile=False)
    # Keras raises whatever the damaged part raised: zip, JSON, key or type errors.
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"cannot load {path}: {reason}") from error
    if getattr(model, "label_schema_config", None) is None:
        raise InputError(f"{path} is no model of chepai: it names no characters")
    return model


def card_of(model: Any, name: str) -> ModelCard:
    """The card of a Keras model of chepai; `name` where the model's preset gives none."""
    config = model.chepai_config or {}
    _, height, width, _ = model.input_shape
    return ModelCard(
        name=name,
        schema=LabelSchema.from_dict(model.label_schema_config),
        height=height,
        width=width,
        preset=config.get("preset"),
        family=config.get("family", "multi_label"),
        calibration=getattr(model, "calibration", None),
    )


def import_keras(threads: int | None = None) -> Any:
    """Imports Keras on the first installed backend, quietly.

    Raises:
        InputError: Keras or every backend is missing; it names the extra that installs them.
    """
    backend = next((name for name in _BACKENDS if find_spec(name)), None)
    if find_spec("keras") is None or backend is None:
        raise InputError('this needs Keras and TensorFlow: pip install "chepai[train]"')
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", backend)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if threads is not None and os.environ.get("KERAS_BACKEND") == "tensorflow":
        _limit_tensorflow(threads)
    import keras

    return keras


def _limit_tensorflow(threads: int) -> None:
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        # TensorFlow has started with other numbers of threads and keeps them.
        return

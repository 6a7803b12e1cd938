"""Keras, for models that were just trained. Loaded only when a `.keras` file is read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..model_card import ModelCard
from .batches import in_batches
from .keras_model import card_of, load_keras_model


class LoadedKeras:
    """Runs a Keras model of chepai that is at hand; `name` goes into its card."""

    card: ModelCard

    def __init__(self, model: Any, name: str) -> None:
        self._model = model
        self.card = card_of(model, name)

    @cached_property
    def _answers(self) -> Callable[[npt.NDArray[np.uint8]], Any]:
        return _for_any_batch(self._model)

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """As `Runtime.run`."""
        return in_batches(self._predict, images, _batch_size(len(images)))

    def _predict(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        outputs = self._answers(images)
        return {head: np.asarray(values, np.float32) for head, values in outputs.items()}


def _for_any_batch(model: Any) -> Callable[[npt.NDArray[np.uint8]], Any]:
    """The model as a function of any number of pictures.

    On TensorFlow it is traced once: Keras's `predict_on_batch` traces for the first number of
    pictures, and again for the second.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return model.predict_on_batch
    import tensorflow as tf

    pictures = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8)
    traced = tf.function(lambda images: model(images, training=False), input_signature=[pictures])
    # The graph itself: calls of `traced` would warn of retracing where many models are read.
    graph = traced.get_concrete_function()
    return lambda images: graph(tf.constant(images))


def _batch_size(count: int) -> int | None:
    """The next power of two where JAX compiles anew for every size; None: any size."""
    import keras

    return 1 << (count - 1).bit_length() if keras.backend.backend() == "jax" else None


class KerasRuntime(LoadedKeras):
    """Runs a trained `.keras` file."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        super().__init__(load_keras_model(path, threads), path.stem)

"""What a student learns from its teachers: how they divide their belief among all classes.

Reference: Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015,
https://arxiv.org/abs/1503.02531
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops

from ..plate.schema import LabelSchema
from .cross_entropy import SMALLEST
from .devices import sum_over_devices

Size = tuple[int, int]
"""(height, width) of a model's input, pixels."""


def softened(probabilities: keras.KerasTensor, temperature: float) -> keras.KerasTensor:
    """log softmax(logits / temperature) of what a softmax made of the logits.

    log p is the logits less one number for the whole row, and a softmax takes no notice of what
    is added to all its logits: so the logarithms of the probabilities do in their place.

    Args:
        probabilities: `[..., classes]`, each row with the sum 1.
        temperature: above 0; 1 leaves the probabilities as they are.

    Returns:
        Log-probabilities, float32 `[..., classes]`.
    """
    logs = ops.log(ops.maximum(ops.cast(probabilities, "float32"), SMALLEST))
    return ops.log_softmax(logs / temperature, axis=-1)


def soft_losses(
    taught: keras.KerasTensor, answered: keras.KerasTensor, temperature: float
) -> keras.KerasTensor:
    """T^2 KL(teacher at T || student at T) of each row, float32 `[batch]`, in nats.

    Its gradient by the logits shrinks with 1 / T^2; the factor lets the soft loss weigh the same
    beside the labels' whatever the temperature.

    Args:
        taught, answered: probabilities of teacher and student, `[batch, classes]`.
        temperature: T, above 0.
    """
    wanted, given = softened(taught, temperature), softened(answered, temperature)
    return temperature**2 * ops.sum(ops.exp(wanted) * (wanted - given), axis=-1)


def soft_loss(
    taught: keras.KerasTensor,
    answered: keras.KerasTensor,
    temperature: float,
    row_weights: keras.KerasTensor,
) -> keras.KerasTensor:
    """A scalar: the weighted sum of `soft_losses` / the sum of the weights, or / 1 if that is less.

    On several devices, this device's share of it.

    Args:
        taught, answered, temperature: as of `soft_losses`.
        row_weights: float32 `[batch]`, 0 to 1.
    """
    losses = soft_losses(taught, answered, temperature) * row_weights
    count = sum_over_devices(ops.sum(row_weights))
    return ops.sum(losses) / ops.maximum(count, 1.0)


def characters_by_length(schema: LabelSchema) -> np.ndarray | None:
    """1 where a plate of a length has a character: float32 [classes of length, characters].

    None where the schema has no length head: then every plate has all characters.
    """
    head = schema.head_of("length")
    if head is None:
        return None
    lengths = [int(name) if name is not None and name.isdigit() else 0 for name in head.classes]
    places = np.arange(schema.max_length)
    return (np.array(lengths)[:, None] > places).astype(np.float32)


class Teachers:
    """Trained models that answer together, in inference mode: the mean of their probabilities.

    No Keras layer, so that a student that holds them does not take their weights for its own.

    Args:
        models: at least one, all with the same heads; their input sizes may differ.
    """

    def __init__(self, models: Sequence[keras.Model]) -> None:
        self._models = tuple(models)
        for model in self._models:
            model.trainable = False

    @property
    def models(self) -> tuple[keras.Model, ...]:
        """They themselves."""
        return self._models

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The input size of each."""
        return tuple(model.input_shape[1:3] for model in self._models)

    @property
    def weights(self) -> list[np.ndarray]:
        """Of all of them, which no training changes."""
        return [weight for model in self._models for weight in model.get_weights()]

    def __call__(self, pictures: Mapping[Size, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        """Probabilities float32 `[batch, classes]` by head, through which no gradient flows.

        Whatever else the models put out is averaged like them.

        Args:
            pictures: the same ones for each size of `sizes`: uint8 RGB `[batch, *size, 3]`.
        """
        answers = [
            model(pictures[size], training=False)
            for model, size in zip(self._models, self.sizes, strict=True)
        ]
        return {
            name: ops.stop_gradient(
                sum(ops.cast(answer[name], "float32") for answer in answers) / len(answers)
            )
            for name in answers[0]
        }

    def predict(self, pictures: Mapping[Size, np.ndarray]) -> dict[str, np.ndarray]:
        """The same outside of a training step, as arrays; maps as float16, since they are many."""
        answers = [
            model.predict_on_batch(pictures[size])
            for model, size in zip(self._models, self.sizes, strict=True)
        ]
        # On several devices Keras gives the answers of each of them, which all have the batch.
        count = len(pictures[self.sizes[0]])
        means = {
            name: np.stack([answer[name][:count] for answer in answers]).mean(0, dtype=np.float32)
            for name in answers[0]
        }
        return {name: _narrow(mean) if mean.ndim > 2 else mean for name, mean in means.items()}


def _narrow(array: np.ndarray) -> np.ndarray:
    limits = np.finfo(np.float16)
    return np.clip(array, limits.min, limits.max).astype(np.float16)

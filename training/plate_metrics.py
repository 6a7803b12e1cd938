"""What is shown while a classifier trains: whole plates, characters and each head."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from ..plate.schema import NO_PLATE, LabelSchema


class PlateMetrics(keras.metrics.Metric):
    """Shares of right answers among valid labels (those that are not negative), since a reset.

    `plate_accuracy`: plates with every valid character and the length right; a picture that is
    labelled as no whole readable plate is not counted. `char_accuracy`: characters.
    `acc_<head>`: each head. One state for all of them keeps a training step cheap.

    Args:
        schema: whose heads the labels' columns are.
    """

    def __init__(self, schema: LabelSchema, name: str = "plates") -> None:
        super().__init__(name=name)
        self.head_names = schema.head_names
        roles = [head.role for head in schema.heads]
        self._characters = [role == "character" for role in roles]
        self._counted = [role in ("character", "length") for role in roles]
        self._length = roles.index("length") if "length" in roles else None
        length = schema.head_of("length")
        self._no_plate = length.indices.get(NO_PLATE, -1) if length else -1
        self.right = self.add_variable((len(roles),), "zeros", name="right")
        self.labels = self.add_variable((len(roles),), "zeros", name="labels")
        self.plates_right = self.add_variable((), "zeros", name="plates_right")
        self.plates = self.add_variable((), "zeros", name="plates")

    def update_state(
        self,
        y_true: keras.KerasTensor,
        y_pred: dict[str, keras.KerasTensor],
        sample_weight: Any = None,
    ) -> None:
        """Counts a batch.

        Args:
            y_true: int32 `[batch, heads]`, negative where masked.
            y_pred: probabilities `[batch, width]` by head name.
            sample_weight: not used; every label counts once.
        """
        del sample_weight
        y_true = ops.cast(y_true, "int32")
        predicted = ops.stack(
            [ops.argmax(y_pred[name], axis=-1) for name in self.head_names], axis=1
        )
        valid = y_true >= 0
        right = ops.logical_and(valid, ops.cast(predicted, "int32") == y_true)
        self.right.assign_add(self._count(right))
        self.labels.assign_add(self._count(valid))

        counted = ops.logical_and(valid, ops.convert_to_tensor(self._counted))
        is_plate = ops.any(counted, axis=1)
        if self._length is not None:
            is_plate = ops.logical_and(is_plate, self._names_a_length(y_true[:, self._length]))
        wrong = ops.any(ops.logical_and(counted, ops.logical_not(right)), axis=1)
        read = ops.logical_and(is_plate, ops.logical_not(wrong))
        self.plates_right.assign_add(self._count(read))
        self.plates.assign_add(self._count(is_plate))

    def result(self) -> dict[str, keras.KerasTensor]:
        """The shares by name, 0 where nothing was counted."""
        characters = ops.convert_to_tensor(self._characters, dtype=self.dtype)
        accuracies = _share(self.right, self.labels)
        results = {
            "plate_accuracy": _share(self.plates_right, self.plates),
            "char_accuracy": _share(
                ops.sum(self.right * characters), ops.sum(self.labels * characters)
            ),
        }
        for index, name in enumerate(self.head_names):
            results[f"acc_{name}"] = accuracies[index]
        return results

    def _names_a_length(self, labels: keras.KerasTensor) -> keras.KerasTensor:
        # An unknown length (negative) does not say that there is no plate.
        return ops.logical_or(labels != self._no_plate, labels < 0)

    def _count(self, flags: keras.KerasTensor) -> keras.KerasTensor:
        return ops.sum(ops.cast(flags, self.dtype), axis=0)


def _share(part: keras.KerasTensor, whole: keras.KerasTensor) -> keras.KerasTensor:
    return part / ops.maximum(whole, 1.0)

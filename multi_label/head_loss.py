"""What every loss of a head shares: masking, smoothing, weights of rows, the average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ..training.cross_entropy import cross_entropy
from ..training.devices import sum_over_devices
from .class_balance import ClassBalance
from .loss_memory import LossMemory


class HeadLoss(keras.losses.Loss):
    """A loss of one head, averaged over its valid labels; negative labels are left out.

    The original averages over all rows, so a head that is mostly absent (the eighth character)
    counts for little; here it counts as much as the others. A subclass says what one row costs.

    Args:
        label_smoothing: e in 0..1: a row's targets are (1 - e) y + e / K; the original's is 0.005.
        class_balance: beta in 0..1 of `class_balance.ClassBalance`, for rare classes; 0: none.
        plates: in one pass of the training data; only `class_balance` wants it.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        class_balance: float = 0.0,
        plates: int = 0,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if class_balance and plates < 1:
            raise ValueError(f"class_balance wants the number of plates. Received: {plates!r}")
        self.label_smoothing = label_smoothing
        self.class_balance = class_balance
        self.plates = plates

    def row_losses(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor
    ) -> keras.KerasTensor:
        """float32 `[batch]` of int32 labels `[batch]`, all of them in 0..width - 1, and float32
        probabilities `[batch, width]`."""
        raise NotImplementedError

    def memories(self, widths: Mapping[str, int], batches_per_update: int = 1) -> list[LossMemory]:
        """Fresh memories for a model to own.

        Args:
            widths: classes of each head, by the head's name, in order.
            batches_per_update: of the optimizer, more than one where it accumulates gradients.
        """
        del batches_per_update
        if not self.class_balance:
            return []
        return [ClassBalance(list(widths.values()), self.class_balance, self.plates)]

    def targets(self, labels: keras.KerasTensor, width: int) -> keras.KerasTensor:
        """float32 `[batch, width]`: one at each row's label, smoothed."""
        targets = ops.one_hot(labels, width, dtype="float32")
        if self.label_smoothing:
            targets = (1.0 - self.label_smoothing) * targets + self.label_smoothing / width
        return targets

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """`average` without memories."""
        return self.average(y_true, y_pred)

    def average(
        self,
        y_true: keras.KerasTensor,
        y_pred: keras.KerasTensor,
        row_weights: keras.KerasTensor | None = None,
    ) -> keras.KerasTensor:
        """A scalar: the sum over valid rows / their number, and 0 where there are none.

        On several devices, this device's share of it: the sum of the shares is the average over
        the whole batch.

        Args:
            y_true: integers `[batch]`, negative where masked.
            y_pred: probabilities `[batch, width]`.
            row_weights: float32 `[batch]`; None: 1.
        """
        labels = ops.cast(y_true, "int32")
        probabilities = ops.cast(y_pred, "float32")
        valid = ops.cast(labels >= 0, "float32")
        losses = self.row_losses(ops.maximum(labels, 0), probabilities)
        if row_weights is not None:
            losses = losses * row_weights
        count = sum_over_devices(ops.sum(valid))
        return ops.sum(losses * valid) / ops.maximum(count, 1.0)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the loss."""
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "class_balance": self.class_balance,
            "plates": self.plates,
        }


@keras.saving.register_keras_serializable(package="chepai")
class MaskedCrossEntropy(HeadLoss):
    """Cross entropy against the smoothed labels."""

    def __init__(
        self, label_smoothing: float = 0.0, name: str = "masked_cross_entropy", **kwargs: Any
    ) -> None:
        super().__init__(label_smoothing, name=name, **kwargs)

    def row_losses(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor
    ) -> keras.KerasTensor:
        """float32 `[batch]`, in nats."""
        return cross_entropy(self.targets(labels, probabilities.shape[-1]), probabilities)

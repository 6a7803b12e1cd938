"""What one head is trained to minimise, and how much each head counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from ..configs import LossConfig

if TYPE_CHECKING:
    from ..plate.schema import LabelSchema


class HeadLoss(keras.losses.Loss):
    """A loss of one head, averaged over its valid labels; negative labels are left out.

    The original averages over all rows, so a head that is mostly absent (the eighth character)
    counts for little; here it counts as much as the others. A subclass says what one row costs.
    """

    def row_losses(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor
    ) -> keras.KerasTensor:
        """float32 `[batch]` of int32 labels `[batch]`, all of them in 0..width - 1, and float32
        probabilities `[batch, width]`."""
        raise NotImplementedError

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """A scalar: the sum over valid rows / their number, and 0 where there are none."""
        labels = ops.cast(y_true, "int32")
        probabilities = ops.cast(y_pred, "float32")
        valid = ops.cast(labels >= 0, "float32")
        losses = self.row_losses(ops.maximum(labels, 0), probabilities)
        return ops.sum(losses * valid) / ops.maximum(ops.sum(valid), 1.0)


@keras.saving.register_keras_serializable(package="chepai")
class MaskedCrossEntropy(HeadLoss):
    """Keras's cross entropy against labels smoothed to (1 - e) y + e / K.

    Args:
        label_smoothing: e, in 0..1; the original's is 0.005.
    """

    def __init__(
        self, label_smoothing: float = 0.0, name: str = "masked_cross_entropy", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def row_losses(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor
    ) -> keras.KerasTensor:
        """float32 `[batch]`, in nats."""
        width = probabilities.shape[-1]
        targets = ops.one_hot(labels, width, dtype="float32")
        if self.label_smoothing:
            targets = (1.0 - self.label_smoothing) * targets + self.label_smoothing / width
        return ops.categorical_crossentropy(targets, probabilities)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the loss."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def build_loss(config: LossConfig) -> HeadLoss:
    """The loss that a configuration names."""
    losses = {"cross_entropy": MaskedCrossEntropy}
    return losses[config.name](label_smoothing=config.label_smoothing)


def head_weights(config: LossConfig, schema: LabelSchema) -> dict[str, float]:
    """Each head's share in the total loss: 1 for characters, the configured for the others."""
    by_role = {
        "character": 1.0,
        "length": config.length_weight,
        "colour": config.colour_weight,
        "rows": config.rows_weight,
    }
    return {head.name: by_role[head.role] for head in schema.heads}

"""Rare classes (provinces, kinds of plates) count for more (Cui et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import ops

from ..training.devices import sum_over_devices
from .loss_memory import LossMemory


class ClassBalance(LossMemory):
    """Weighs a row by the inverse of the effective number of samples of its class.

    A class with n samples in the data has the effective number (1 - beta^n) / (1 - beta), which
    is n for the rare and 1 / (1 - beta) for the frequent. The weights of the classes of a head
    that occur are scaled to a mean of 1, as in the paper.

    The numbers are counted while training, so that rendered plates, which have no fixed number,
    can be balanced too: n is a class's share of all rows so far times `plates`.

    Args:
        widths: classes of each head.
        beta: in 0..1; the paper's are 0.9 to 0.9999.
        plates: in one pass of the training data.

    Reference: Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019,
    https://arxiv.org/abs/1901.05555
    """

    def __init__(self, widths: Sequence[int], beta: float, plates: int) -> None:
        super().__init__(name="class_balance")
        self.beta = beta
        self.plates = plates
        self.rows = self.add_state((), "rows")
        self.counts = [self.add_state((width,), f"counts_{i}") for i, width in enumerate(widths)]

    def row_weights(
        self,
        labels: keras.KerasTensor,
        probabilities: Sequence[keras.KerasTensor],
        training: bool,
    ) -> keras.KerasTensor:
        """float32 `[batch, heads]`; in training the batch itself is counted first."""
        if training:
            self._count(labels)
        rows = ops.convert_to_tensor(self.rows)
        weights = []
        for head, counts in enumerate(self.counts):
            by_class = self._class_weights(ops.convert_to_tensor(counts), rows)
            weights.append(ops.take(by_class, ops.maximum(labels[:, head], 0)))
        return ops.stack(weights, axis=1)

    def _count(self, labels: keras.KerasTensor) -> None:
        rows = ops.sum(ops.ones_like(labels[:, 0], dtype="float32"))
        self.rows.assign(self.rows + sum_over_devices(rows))
        for head, counts in enumerate(self.counts):
            valid = ops.cast(labels[:, head] >= 0, "float32")
            own = ops.one_hot(ops.maximum(labels[:, head], 0), counts.shape[0], dtype="float32")
            new = ops.einsum("b,bc->c", valid, own)
            counts.assign(counts + sum_over_devices(new))

    def _class_weights(
        self, counts: keras.KerasTensor, rows: keras.KerasTensor
    ) -> keras.KerasTensor:
        """float32 `[width]`; a class that has not occurred weighs as one that did once."""
        samples = ops.maximum(counts * self.plates / ops.maximum(rows, 1.0), 1.0)
        # 1 - beta^n without the loss of digits where n is small and beta near 1.
        weights = (1.0 - self.beta) / -ops.expm1(samples * math.log(self.beta))
        occurs = ops.cast(counts > 0, "float32")
        mean = ops.sum(weights * occurs) / ops.maximum(ops.sum(occurs), 1.0)
        return ops.where(mean > 0, weights / ops.maximum(mean, 1e-30), ops.ones_like(weights))

"""Gradient harmonising: labels whose gradient has many alike count for less (Li et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ..training.devices import sum_over_devices
from .head_loss import MaskedCrossEntropy
from .loss_memory import LossMemory


@keras.saving.register_keras_serializable(package="chepai")
class HarmonizedCrossEntropy(MaskedCrossEntropy):
    """The cross entropy of each row, divided by the density of gradients like its own (GHM-C).

    The gradient norm of a class of a row is g = |y - p|. With M bins of width 1 / M and R_j the
    number of norms in bin j over the classes of all valid rows of a batch, the paper's density
    is GD(g) = S_j M, with S_j <- momentum S_j + (1 - momentum) R_j, and a row weighs

        N / GD(g of its own class)

    N, the paper's number of examples, is the sum of S over the bins: what the same moving
    average makes of the number of norms. With batches of equal size the two differ in the first
    batches only, where they would otherwise weigh 1 / (1 - momentum) times too much; and a short
    batch weighs as much as a whole one.

    The model owns S (see `GradientDensity`). Called on its own, as any Keras loss, it knows the
    one batch and head only.

    Args:
        bins: M.
        momentum: of the moving average, in 0..1; 0: each batch by itself.
        label_wise: one histogram for each head; otherwise one over all heads.
        kwargs: of `HeadLoss`.

    Reference: Li, Liu and Wang, Gradient Harmonized Single-stage Detector, AAAI 2019,
    https://arxiv.org/abs/1811.05181
    """

    def __init__(
        self,
        bins: int = 30,
        momentum: float = 0.75,
        label_wise: bool = True,
        name: str = "harmonized_cross_entropy",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if bins < 1 or not 0 <= momentum < 1:
            raise ValueError(
                f"bins must be positive and momentum in 0..1. Received: {bins!r} and {momentum!r}"
            )
        self.bins = bins
        self.momentum = momentum
        self.label_wise = label_wise

    def memories(self, widths: Mapping[str, int], batches_per_update: int = 1) -> list[LossMemory]:
        """The histograms, and what `HeadLoss` remembers."""
        return [
            GradientDensity(self, len(widths), batches_per_update),
            *super().memories(widths, batches_per_update),
        ]

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """The average with the histogram of these rows alone."""
        labels, probabilities = ops.cast(y_true, "int32"), ops.cast(y_pred, "float32")
        counts = sum_over_devices(self.histogram(labels, probabilities))
        weights = harmonizing_weights(counts, smallest=1.0)
        rows = ops.take(weights, self.own_bins(labels, probabilities))
        return self.average(labels, probabilities, rows)

    def histogram(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor
    ) -> keras.KerasTensor:
        """float32 `[bins]`: how many norms of the valid rows of a head each bin holds.

        Args:
            labels: int32 `[batch]`, negative where masked.
            probabilities: float32 `[batch, width]`.
        """
        valid = ops.cast(labels >= 0, "float32")
        inside = ops.one_hot(self._bins_of(self._norms(labels, probabilities)), self.bins)
        return ops.einsum("b,bcm->m", valid, ops.cast(inside, "float32"))

    def own_bins(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor
    ) -> keras.KerasTensor:
        """int32 `[batch]`: the bin of the norm of each row's own class."""
        own = ops.one_hot(ops.maximum(labels, 0), probabilities.shape[-1], dtype="float32")
        return self._bins_of(ops.sum(self._norms(labels, probabilities) * own, axis=-1))

    def _norms(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor
    ) -> keras.KerasTensor:
        targets = self.targets(ops.maximum(labels, 0), probabilities.shape[-1])
        return ops.absolute(targets - ops.stop_gradient(probabilities))

    def _bins_of(self, norms: keras.KerasTensor) -> keras.KerasTensor:
        return ops.clip(ops.cast(ops.floor(norms * self.bins), "int32"), 0, self.bins - 1)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the loss."""
        return {
            **super().get_config(),
            "bins": self.bins,
            "momentum": self.momentum,
            "label_wise": self.label_wise,
        }


class GradientDensity(LossMemory):
    """The moving averages S of `HarmonizedCrossEntropy`, one for each head or one for all.

    Where the optimizer gathers the gradients of k batches, the average moves by the k-th root of
    the momentum with each of them: after k batches as far as with one batch of all their rows.

    Args:
        loss: whose histograms these are.
        heads: how many.
        batches_per_update: k.
    """

    def __init__(self, loss: HarmonizedCrossEntropy, heads: int, batches_per_update: int) -> None:
        super().__init__(name="gradient_density")
        self.loss = loss
        self.momentum = loss.momentum ** (1 / batches_per_update)
        self.counts = self.add_state((heads if loss.label_wise else 1, loss.bins), "counts")

    def row_weights(
        self,
        labels: keras.KerasTensor,
        probabilities: Sequence[keras.KerasTensor],
        training: bool,
    ) -> keras.KerasTensor:
        """float32 `[batch, heads]`; in training the batch itself is counted first."""
        heads = list(enumerate(probabilities))
        counts = ops.convert_to_tensor(self.counts)
        if training:
            new = ops.stack([self.loss.histogram(labels[:, i], p) for i, p in heads])
            if not self.loss.label_wise:
                new = ops.sum(new, axis=0, keepdims=True)
            counts = self.momentum * counts + (1.0 - self.momentum) * sum_over_devices(new)
            self.counts.assign(counts)
        # One norm that was counted once: in training no row's own bin can hold less.
        weights = harmonizing_weights(counts, smallest=1.0 - self.momentum)
        rows = [
            ops.take(weights[i if self.loss.label_wise else 0], self.loss.own_bins(labels[:, i], p))
            for i, p in heads
        ]
        return ops.stack(rows, axis=1)


def harmonizing_weights(counts: keras.KerasTensor, smallest: float) -> keras.KerasTensor:
    """N / (S_j M) of each bin j, and 1 for all bins of a histogram that holds nothing.

    Args:
        counts: S, float32 `[..., M]`.
        smallest: stands in place of a smaller S_j, whose weight would have no bound.
    """
    total = ops.sum(counts, axis=-1, keepdims=True)
    weights = total / (ops.maximum(counts, smallest) * counts.shape[-1])
    return ops.where(total > 0, weights, ops.ones_like(weights))

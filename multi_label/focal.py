"""Focal losses: well-classified labels count for less (Lin et al. 2017)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from .head_loss import HeadLoss

PROBABILITY_MARGIN = 1e-7  # of tensorflow-addons: probabilities stay so far from 0 and 1


class _Focal(HeadLoss):
    """Gamma and alpha, whose meaning the subclasses tell."""

    def __init__(self, gamma: float, alpha: float, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.gamma = gamma
        self.alpha = alpha

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the loss."""
        return {**super().get_config(), "gamma": self.gamma, "alpha": self.alpha}


@keras.saving.register_keras_serializable(package="chepai")
class MaskedFocal(_Focal):
    """Keras's `CategoricalFocalCrossentropy` on a head's softmax.

        row = sum over classes c of alpha (1 - p_c)^gamma (-y_c log p_c)

    Args:
        gamma: 0 or more; 0 with alpha 1 is the cross entropy.
        alpha: a factor of every row; the original's is 1.
        kwargs: of `HeadLoss`.

    Reference: Lin et al., Focal Loss for Dense Object Detection, https://arxiv.org/abs/1708.02002
    """

    def __init__(
        self, gamma: float = 2.0, alpha: float = 1.0, name: str = "masked_focal", **kwargs: Any
    ) -> None:
        super().__init__(gamma, alpha, name, **kwargs)

    def row_losses(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor
    ) -> keras.KerasTensor:
        """float32 `[batch]`."""
        return keras.losses.categorical_focal_crossentropy(
            self.targets(labels, probabilities.shape[-1]),
            probabilities,
            alpha=self.alpha,
            gamma=self.gamma,
        )


@keras.saving.register_keras_serializable(package="chepai")
class MaskedSigmoidFocal(_Focal):
    """The paper's focal loss: every class of a head is a yes or no of its own.

    See `sigmoid_focal`; a head's probabilities stand for the sigmoids.

    Args:
        gamma: 0 or more.
        alpha: weight of the yes, in 0..1; that of the no is 1 - alpha.
        kwargs: of `HeadLoss`.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float = 0.25,
        name: str = "masked_sigmoid_focal",
        **kwargs: Any,
    ) -> None:
        super().__init__(gamma, alpha, name, **kwargs)

    def row_losses(
        self, labels: keras.KerasTensor, probabilities: keras.KerasTensor
    ) -> keras.KerasTensor:
        """float32 `[batch]`."""
        targets = self.targets(labels, probabilities.shape[-1])
        # At 0 and 1 a gamma below 1 has no gradient.
        inside = _without_ends(probabilities)
        return sigmoid_focal(targets, inside, alpha=self.alpha, gamma=self.gamma)


def sigmoid_focal(
    y_true: Any, y_pred: Any, *, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False
) -> keras.KerasTensor:
    """`[batch]`: the sum over classes of a (1 - p_t)^gamma CE, equal to tensorflow-addons'.

    p_t is p where y is 1 and 1 - p where it is 0; a is alpha and 1 - alpha likewise; CE is the
    binary cross entropy.

    Args:
        y_true: `[batch, classes]`, in 0..1.
        y_pred: floats `[batch, classes]`, probabilities or logits.
        alpha: weight of the ones, in 0..1.
        gamma: 0 or more.
        from_logits: whether `y_pred` are logits.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y = ops.cast(y_true, y_pred.dtype)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    # softplus(x) - x y is -y log s(x) - (1 - y) log(1 - s(x)) without overflow.
    entropy = ops.softplus(y_pred) - y_pred * y if from_logits else _binary_entropy(y, p)
    weight = y * alpha + (1.0 - y) * (1.0 - alpha)
    if gamma:
        # The power has no gradient at 0^0.
        p_true = y * p + (1.0 - y) * (1.0 - p)
        weight = weight * ops.power(1.0 - p_true, gamma)
    return ops.sum(weight * entropy, axis=-1)


def _binary_entropy(y: keras.KerasTensor, p: keras.KerasTensor) -> keras.KerasTensor:
    p = _without_ends(p)
    yes = y * ops.log(p + PROBABILITY_MARGIN)
    return -(yes + (1.0 - y) * ops.log(1.0 - p + PROBABILITY_MARGIN))


def _without_ends(p: keras.KerasTensor) -> keras.KerasTensor:
    return ops.clip(p, PROBABILITY_MARGIN, 1.0 - PROBABILITY_MARGIN)

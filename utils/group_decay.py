"""Decoupled weight decay with a rate for each role of a weight, for any Keras optimizer."""

from __future__ import annotations

from typing import Any

import keras

CONVOLUTION_AXES = 4  # height, width, channels in, channels out; depthwise kernels too


class GroupDecay:
    """Mixed in before a Keras optimizer: x -= learning rate x rate x, before each step.

    The rate is `conv_decay` for convolution kernels and `gamma_decay` for the gammas of
    normalisations. All else (biases, betas, the softmax layers) has none: it holds few weights
    or says how often classes occur.

    Args:
        conv_decay, gamma_decay: rates, 0 or more.
        args, kwargs: of the optimizer.

    Reference: Loshchilov and Hutter, Decoupled Weight Decay Regularization,
    https://arxiv.org/abs/1711.05101
    """

    weight_decay: Any

    def __init__(
        self, *args: Any, conv_decay: float = 0.0, gamma_decay: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.conv_decay = conv_decay
        self.gamma_decay = gamma_decay

    def _apply_weight_decay(self, variables: list[keras.Variable]) -> None:
        groups = (
            (self.conv_decay, [v for v in variables if len(v.shape) == CONVOLUTION_AXES]),
            (self.gamma_decay, [v for v in variables if v.name == "gamma"]),
        )
        for rate, group in groups:
            if rate and group:
                # Keras's own has one rate; it knows how to do it on several devices.
                super(GroupDecay, with_rate(self, rate))._apply_weight_decay(group)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the optimizer, without its state."""
        return {
            **super().get_config(),  # type: ignore[misc]
            "conv_decay": self.conv_decay,
            "gamma_decay": self.gamma_decay,
        }


def with_rate(optimizer: Any, weight_decay: Any) -> Any:
    """The same optimizer, all of its variables, with another `weight_decay`.

    Setting it meanwhile would not do: on several devices threads step at the same time.
    """
    other = object.__new__(type(optimizer))
    other.__dict__.update(optimizer.__dict__, weight_decay=weight_decay)
    return other


def with_group_decay(optimizer: type[keras.optimizers.Optimizer]) -> type[Any]:
    """A registered subclass of an optimizer that decays by groups: `Decayed<its name>`."""
    made = type(f"Decayed{optimizer.__name__}", (GroupDecay, optimizer), {"__module__": __name__})
    return keras.saving.register_keras_serializable(package="chepai")(made)

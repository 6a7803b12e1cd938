"""The losses by name, and how much each head counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..configs import LossConfig
from .focal import MaskedFocal, MaskedSigmoidFocal
from .ghm import HarmonizedCrossEntropy
from .head_loss import HeadLoss, MaskedCrossEntropy

if TYPE_CHECKING:
    from ..plate.schema import LabelSchema

__all__ = [
    "HarmonizedCrossEntropy",
    "HeadLoss",
    "MaskedCrossEntropy",
    "MaskedFocal",
    "MaskedSigmoidFocal",
    "build_loss",
    "head_weights",
    "loss_names",
]


def _focal(config: LossConfig, **common: Any) -> HeadLoss:
    if config.focal_alpha is not None:
        common["alpha"] = config.focal_alpha
    losses = {"focal": MaskedFocal, "focal-sigmoid": MaskedSigmoidFocal}
    return losses[config.name](gamma=config.focal_gamma, **common)


def _ghm(config: LossConfig, **common: Any) -> HeadLoss:
    return HarmonizedCrossEntropy(
        bins=config.ghm_bins,
        momentum=config.ghm_momentum,
        label_wise=config.name == "ghm-label-wise",
        **common,
    )


_BUILDERS: dict[str, Callable[..., HeadLoss]] = {
    "cross_entropy": lambda _config, **common: MaskedCrossEntropy(**common),
    "focal": _focal,
    "focal-sigmoid": _focal,
    "ghm": _ghm,
    "ghm-label-wise": _ghm,
}


def loss_names() -> tuple[str, ...]:
    """What `loss.name` can be."""
    return tuple(_BUILDERS)


def build_loss(config: LossConfig, plates: int = 0) -> HeadLoss:
    """The loss that a configuration names.

    Args:
        config: name and options.
        plates: in one pass of the training data; only `class_balance` wants it.
    """
    return _BUILDERS[config.name](
        config,
        label_smoothing=config.label_smoothing,
        class_balance=config.class_balance,
        plates=plates,
    )


def head_weights(config: LossConfig, schema: LabelSchema) -> dict[str, float]:
    """Each head's share in the total loss: 1 for characters, the configured for the others.

    The first character, a province's, has the most classes and the finest strokes.
    """
    by_role = {
        "character": 1.0,
        "length": config.length_weight,
        "colour": config.colour_weight,
        "rows": config.rows_weight,
    }
    weights = {head.name: by_role[head.role] for head in schema.heads}
    weights[schema.characters[0].name] = config.first_weight
    return weights

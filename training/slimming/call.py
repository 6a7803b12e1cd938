"""One use of a layer, as the rules see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .book import Book, Flow

# Activations of single values, by what becomes of zero.
_ZERO_STAYS = (
    "celu", "elu", "gelu", "hard_silu", "hard_tanh", "leaky_relu", "linear", "relu", "relu6",
    "selu", "silu", "softsign", "tanh", "tanh_shrink",
)  # fmt: skip
_ZERO_LEAVES = ("exponential", "hard_sigmoid", "log_sigmoid", "sigmoid", "softplus")


@dataclass(frozen=True)
class Call:
    """One use of a layer or operation in a network.

    Attributes:
        book: where the rule notes down what it finds.
        layer: the layer or operation; None: it is used twice and its weights cannot be cut.
        flows: the channels that it receives.
        key: what a slicing operation slices by; () of others.
        received, given: shapes of its inputs and outputs.
    """

    book: Book
    layer: Any
    flows: Sequence[Flow]
    key: Any
    received: Sequence[tuple[int | None, ...]]
    given: Sequence[tuple[int | None, ...]]


def keeps_zero(activation: Any) -> bool | None:
    """Whether 0 stays 0; None where values are not changed one by one, or it is unknown."""
    if activation is None:
        return True
    name = getattr(activation, "__name__", "")
    return True if name in _ZERO_STAYS else False if name in _ZERO_LEAVES else None

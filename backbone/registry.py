"""Backbones by name: registering, listing and building them.

A backbone is a function `(inputs, style, **options) -> feature map` under `@register(name)`, in
a module that stands in `_MODULES`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..configs import ALIASES
from ..errors import InputError
from .options import check_options

if TYPE_CHECKING:
    import keras

Builder = Callable[..., "keras.KerasTensor"]

_MODULES = (
    "mixnet18",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "resnet18",
    "resnet18_v2",
    "resnext18",
)
_BUILDERS: dict[str, Builder] = {}


def register(name: str) -> Callable[[Builder], Builder]:
    """Enters a builder under `name`; a name can be given once only."""

    def enter(builder: Builder) -> Builder:
        if name in _BUILDERS:
            raise ValueError(f"a backbone named {name!r} is registered already")
        _BUILDERS[name] = builder
        return builder

    return enter


def names() -> tuple[str, ...]:
    """The names of all backbones, sorted."""
    for module in _MODULES:
        import_module(f".{module}", __package__)
    return tuple(sorted(_BUILDERS))


def canonical(name: str) -> str:
    """The registered name; the original's spellings (`resnet-18`) are accepted.

    Raises:
        InputError: no such backbone.
    """
    known = names()
    found = ALIASES.get(name, name)
    if found not in known:
        raise InputError(
            f"there is no such backbone; there are: {', '.join(known)}. Received: {name!r}"
        )
    return found


def build(
    name: str,
    inputs: keras.KerasTensor,
    *,
    conv_decay: float | None = None,
    gamma_decay: float | None = None,
    gamma_l1: float = 0.0,
    **options: Any,
) -> keras.KerasTensor:
    """The feature map `[batch, h', w', channels]` of `inputs` `[batch, h, w, c]`.

    Args:
        name: a registered backbone, or the original's spelling of one.
        inputs: floating point, whitened or scaled.
        conv_decay: L2 of convolution kernels; None: the default of `base`.
        gamma_decay: L2 of batch normalisation gammas; None: the default of `base`.
        gamma_l1: L1 of the same.
        options: of that backbone; its builder documents them.

    Raises:
        InputError: unknown name or option, or a bad value, named with what was received.
    """
    from .base import DEFAULT_CONV_DECAY, DEFAULT_GAMMA_DECAY, LayerStyle

    name = canonical(name)
    builder = _BUILDERS[name]
    check_options(f"backbone {name}", builder, options)
    style = LayerStyle(
        DEFAULT_CONV_DECAY if conv_decay is None else conv_decay,
        DEFAULT_GAMMA_DECAY if gamma_decay is None else gamma_decay,
        gamma_l1,
    )
    try:
        return builder(inputs, style, **options)
    except ValueError as error:
        raise InputError(f"backbone {name}: {error}") from error

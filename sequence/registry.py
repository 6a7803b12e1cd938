"""Encoders by name: registering, listing and building them.

An encoder is a function `(inputs, style, classes, dropout, *, options) -> Encoded` under
`@register(name)`, in a module that stands in `_MODULES`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..backbone.options import check_options
from ..errors import InputError

if TYPE_CHECKING:
    import keras

    from ..backbone.base import LayerStyle
    from .parts import Encoded

Builder = Callable[..., "Encoded"]

_MODULES = ("crnn", "crnn_attention", "lprnet", "resnet_bilstm", "vgg_bilstm")
_BUILDERS: dict[str, Builder] = {}


def register(name: str) -> Callable[[Builder], Builder]:
    """Enters a builder under `name`; a name can be given once only."""

    def enter(builder: Builder) -> Builder:
        if name in _BUILDERS:
            raise ValueError(f"an encoder named {name!r} is registered already")
        _BUILDERS[name] = builder
        return builder

    return enter


def names() -> tuple[str, ...]:
    """The names of all encoders, sorted."""
    for module in _MODULES:
        import_module(f".{module}", __package__)
    return tuple(sorted(_BUILDERS))


def build(
    name: str,
    inputs: keras.KerasTensor,
    style: LayerStyle,
    *,
    classes: int,
    dropout: float = 0.0,
    **options: Any,
) -> Encoded:
    """What the encoder `name` makes of `inputs` `[batch, h, w, c]`.

    Args:
        name: a registered encoder.
        inputs: floating point, whitened or scaled.
        style: the defaults of convolutions and normalisations.
        classes: of the characters, blank included, for encoders whose size depends on them.
        dropout: share of values dropped in training, where the encoder says.
        options: of that encoder; its builder documents them.

    Raises:
        InputError: unknown name or option, a bad value, or an input too small.
    """
    known = names()
    if name not in known:
        raise InputError(
            f"there is no such encoder; there are: {', '.join(known)}. Received: {name!r}"
        )
    builder = _BUILDERS[name]
    check_options(f"encoder {name}", builder, options)
    try:
        return builder(inputs, style, classes, dropout, **options)
    except ValueError as error:
        raise InputError(f"encoder {name}: {error}") from error

"""Networks that straighten a picture before it is read, by name: `stn` and `tps`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from ...errors import InputError
from ..base import LayerStyle
from ..options import check_options
from .stn import stn
from .tps import tps

_BUILDERS: dict[str, Callable[..., keras.KerasTensor]] = {"stn": stn, "tps": tps}


def rectifier_names() -> tuple[str, ...]:
    """What `model.rectifier` can be, besides `none`."""
    return tuple(_BUILDERS)


def rectify(
    name: str, inputs: keras.KerasTensor, style: LayerStyle, **options: Any
) -> keras.KerasTensor:
    """`inputs` `[batch, h, w, c]` straightened, of the same shape; untrained it is left as it is.

    Args:
        name: `stn`, `tps` or `none`.
        inputs: floating point.
        style: the defaults of convolutions and normalisations.
        options: of that rectifier; its builder documents them.

    Raises:
        InputError: unknown name or option, or a bad value, named with what was received.
    """
    if name == "none":
        return inputs
    if name not in _BUILDERS:
        known = ", ".join(("none", *_BUILDERS))
        raise InputError(f"there is no such rectifier; there are: {known}. Received: {name!r}")
    builder = _BUILDERS[name]
    check_options(f"rectifier {name}", builder, options)
    try:
        return builder(inputs, style, **options)
    except ValueError as error:
        raise InputError(f"rectifier {name}: {error}") from error

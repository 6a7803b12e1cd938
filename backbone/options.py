"""Checking the options that a configuration gives to a builder."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..errors import InputError


def check_options(what: str, builder: Callable[..., Any], options: dict[str, Any]) -> None:
    """Refuses what is no keyword of `builder`, a function `(inputs, style, …, *, options)`.

    Raises:
        InputError: it names what has no such option, those that there are, and what was received.
    """
    parameters = inspect.signature(builder).parameters.values()
    known = [one.name for one in parameters if one.default is not inspect.Parameter.empty]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise InputError(
            f"{what} has no such option; there are: {', '.join(known)}. "
            f"Received: {', '.join(unknown)}"
        )

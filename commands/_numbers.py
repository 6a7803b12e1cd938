"""Numbers as options take them, so that what is none is told at once, by the option's name."""

from __future__ import annotations

import argparse
from math import isfinite


def positive(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"a number above 0, not {text!r}")
    return value


def at_least_one(text: str) -> int:
    """A whole number of at least 1."""
    return _whole(text, 1)


def none_or_more(text: str) -> int:
    """A whole number of at least 0."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"a whole number of at least {least}, not {text!r}")
    return value

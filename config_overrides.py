"""Values over a configuration's, as `--set KEY=VALUE` takes them."""

from __future__ import annotations

import re
from typing import Any

from .errors import InputError, quoted
from .yaml_text import parse_yaml

_DEEPEST_KEY = 8  # dots in the key of an override
_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


def parse_overrides(overrides: tuple[str, ...] | list[str]) -> dict[str, Any]:
    """All together, later ones over earlier ones."""
    merged: dict[str, Any] = {}
    for override in overrides:
        merged = merge(merged, _parse_override(override))
    return merged


def _parse_override(override: str) -> dict[str, Any]:
    key, equals, text = override.partition("=")
    if not equals:
        raise InputError(
            f"--set wants KEY=VALUE, as in train.epochs=5; received {quoted(override)}"
        )
    if key == "preset":
        raise InputError("--set preset: a preset is chosen by --preset")
    if key.count(".") > _DEEPEST_KEY:
        raise InputError(f"--set: there is no key {quoted(key)}")
    value: Any = parse_yaml(text, f"--set {quoted(override)}")
    # YAML reads 1e-3 as text; a rate written so is meant as a number.
    if isinstance(value, str) and _EXPONENT.fullmatch(text.strip()):
        value = float(value)
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The values of `over` in place of those of `base`, section by section."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged

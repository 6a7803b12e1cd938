"""Layers that keep their weights while the others are trained."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import keras

from ..errors import InputError


def freeze_layers(model: keras.Model, patterns: Sequence[str]) -> list[str]:
    """Freezes the layers whose names fit a pattern, before the model is compiled; their names.

    A frozen batch normalisation keeps its mean and variance too.

    Args:
        model: functional.
        patterns: as of a shell, `rectifier_*`; `!rectifier_*` is all but these.

    Raises:
        InputError: a pattern that no layer with weights fits, or nothing is left to be trained.
    """
    layers = [layer for layer in model.layers if layer.weights]
    for pattern in patterns:
        fitting = [layer for layer in layers if _fits(layer.name, pattern)]
        if not fitting:
            names = ", ".join(layer.name for layer in layers)
            raise InputError(f"train.freeze: {pattern!r} fits no layer; there are: {names}")
        for layer in fitting:
            layer.trainable = False
    if patterns and not model.trainable_variables:
        raise InputError(f"train.freeze: {', '.join(patterns)} leaves nothing to be trained")
    return [layer.name for layer in layers if not layer.trainable]


def _fits(name: str, pattern: str) -> bool:
    inverted = pattern.startswith("!")
    return fnmatchcase(name, pattern.removeprefix("!")) != inverted

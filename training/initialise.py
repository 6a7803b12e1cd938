"""`--init`: begins with another model's weights, wherever names and shapes agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras

from ..errors import InputError
from ..keras_file import load_checked


@dataclass(frozen=True)
class Transfer:
    """What was taken over: counts of layers, and the names of those that differ in shape."""

    taken: int
    missing: tuple[str, ...]


def load_initial_weights(model: keras.Model, path: str | Path) -> Transfer:
    """`take_over` from a `.keras` file.

    Raises:
        InputError: the file is no Keras model, or no layer fits.
    """
    transfer = take_over(model, load_checked(path, ours=False))
    if not transfer.taken:
        raise InputError(f"no layer of {path} fits this model; was it made with another backbone?")
    return transfer


def take_over(model: keras.Model, source: keras.Model) -> Transfer:
    """Copies the weights of each layer that `source` has with the same name and shapes.

    A layer with a method `take_over(layer) -> bool` decides by itself what it takes. A head whose
    classes changed otherwise keeps its fresh weights and is named in the result.
    """
    held = {layer.name: layer for layer in source.layers}
    taken, missing = 0, []
    for layer in model.layers:
        if not layer.weights:
            continue
        if layer.name in held and _take(layer, held[layer.name]):
            taken += 1
        else:
            missing.append(layer.name)
    return Transfer(taken, tuple(missing))


def _take(layer: keras.Layer, source: keras.Layer) -> bool:
    if hasattr(layer, "take_over"):
        return layer.take_over(source)
    if _shapes(source) != _shapes(layer):
        return False
    layer.set_weights(source.get_weights())
    return True


def _shapes(layer: keras.Layer) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]

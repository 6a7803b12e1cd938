"""Reading a picture at places between its pixels, by gathering: it trains and exports everywhere.

Coordinates are those of PyTorch's `grid_sample(align_corners=True)`: -1 is the centre of the first
row or column, 1 of the last.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import ops

Padding = Literal["zeros", "border"]


def sample(
    pictures: keras.KerasTensor,
    x: keras.KerasTensor,
    y: keras.KerasTensor,
    padding: Padding = "zeros",
) -> keras.KerasTensor:
    """Bilinear values of `pictures` float32 `[batch, h, w, c]` at n places, `[batch, n, c]`.

    Args:
        pictures: `h` and `w` are fixed.
        x, y: float32 `[batch, n]`, from -1 to 1 within the picture.
        padding: what lies outside it: `zeros`, or the nearest pixel of its `border`.
    """
    _, height, width, channels = pictures.shape
    column = (x + 1.0) * (0.5 * (width - 1))
    row = (y + 1.0) * (0.5 * (height - 1))
    if padding == "border":
        column = ops.clip(column, 0.0, width - 1.0)
        row = ops.clip(row, 0.0, height - 1.0)
    left, top = ops.floor(column), ops.floor(row)
    flat = ops.reshape(pictures, (-1, channels))
    first = _first_pixels(pictures)
    total = 0.0
    for down in (0.0, 1.0):
        for right in (0.0, 1.0):
            at_column, at_row = left + right, top + down
            weight = (1.0 - ops.abs(column - at_column)) * (1.0 - ops.abs(row - at_row))
            inside = _inside(at_column, width) * _inside(at_row, height)
            place = _as_index(at_row, height) * width + _as_index(at_column, width)
            values = ops.take(flat, first + place, axis=0)
            total = total + ops.expand_dims(weight * inside, -1) * values
    return total


def _first_pixels(pictures: keras.KerasTensor) -> keras.KerasTensor:
    """int32 `[batch, 1]`: where each picture begins among the pixels of all."""
    _, height, width, _ = pictures.shape
    numbers = ops.arange(ops.shape(pictures)[0], dtype="int32")
    return ops.expand_dims(numbers * (height * width), -1)


def _inside(places: keras.KerasTensor, size: int) -> keras.KerasTensor:
    within = ops.logical_and(places >= 0, places <= size - 1)
    return ops.cast(within, "float32")


def _as_index(places: keras.KerasTensor, size: int) -> keras.KerasTensor:
    return ops.cast(ops.clip(places, 0.0, size - 1.0), "int32")

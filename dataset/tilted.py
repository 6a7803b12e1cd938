"""Straight plates distorted as an upright box shows tilted ones, by a map that is known."""

from __future__ import annotations

import cv2
import numpy as np

_MOST_TURN = 20.0  # degrees, either way
_MOST_SHEAR = 0.3  # of the height, along the text
_MOST_SHIFT = 0.08  # of half the size
_SIZES = (0.85, 1.05)  # of the box that holds it


def random_map(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """An affine map float64 `[2, 3]` from places in the straight picture to the distorted one's.

    The plate is turned and sheared, stretched so that it fills a picture of this size again, as it
    would a detector's box, made a little smaller or larger, and shifted. Coordinates go from -1,
    the centre of the first row or column, to 1, that of the last.

    Args:
        height, width: of the picture, pixels.
        rng: what it depends on.
    """
    turn, slant, across, down = rng.uniform(-1, 1, 4)
    angle, shear = np.deg2rad(_MOST_TURN * turn), _MOST_SHEAR * slant
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotation @ np.array([[1.0, shear], [0.0, 1.0]])
    half = np.array([width - 1, height - 1]) / 2
    sizes = rng.uniform(*_SIZES, 2)
    # The larger side of the box of a turned rectangle: the sum of what its half sides reach.
    linear *= (sizes * half / (np.abs(linear) @ half))[:, None]
    shift = _MOST_SHIFT * np.array([across, down])
    return np.concatenate([linear * half / half[:, None], shift[:, None]], axis=1)


def distorted(picture: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The picture, uint8 `[h, w, 3]`, moved by a map of `random_map`; borders are repeated."""
    height, width = picture.shape[:2]
    half = np.array([width - 1, height - 1]) / 2
    linear = matrix[:, :2] * half[:, None] / half
    offset = half + matrix[:, 2] * half - linear @ half
    moved = np.concatenate([linear, offset[:, None]], axis=1)
    return cv2.warpAffine(picture, moved, (width, height), borderMode=cv2.BORDER_REPLICATE)

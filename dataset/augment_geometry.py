"""Moving a plate: perspective, rotation, shear, shift and scale as one warp."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from ..configs import AugmentConfig

# What a strength of 1 means, as documented in `AugmentConfig`.
CORNER_SHARE = 0.10
ROTATION_DEGREES = 10.0
SHEAR_DEGREES = 15.0
SLOPE_DEGREES = 12.0
SHIFT_SHARE = 0.08
SCALE_SHARE = 0.15
SMALLEST_SCALE = 0.2
STEEPEST = 80.0
"""Degrees that rotation, shear and slope stop at, however strong."""


def warp(image: np.ndarray, config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """The image, uint8 [h, w, 3], moved by a random homography; borders are repeated."""
    height, width = image.shape[:2]
    matrix = homography(height, width, config, rng)
    if matrix is None:
        return image
    return cv2.warpPerspective(
        image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def homography(
    height: int, width: int, config: AugmentConfig, rng: np.random.Generator
) -> np.ndarray | None:
    """A float64 [3, 3] matrix from old to new pixels; None when every strength is 0."""
    strengths = (
        config.perspective,
        config.rotation,
        config.shear,
        config.slope,
        config.shift,
        config.scale,
    )
    if not any(strengths):
        return None
    matrix = _affine(config, rng) @ _translation(-(width - 1) / 2, -(height - 1) / 2)
    if config.perspective:
        matrix = matrix @ _perspective(height, width, config.perspective, rng)
    if config.slope:
        matrix = _slope(height, width, config.slope, rng) @ matrix
    across, down = SHIFT_SHARE * config.shift * rng.uniform(-1, 1, 2)
    back = _translation(
        (width - 1) / 2 + float(across) * width, (height - 1) / 2 + float(down) * height
    )
    return back @ matrix


def _affine(config: AugmentConfig, rng: np.random.Generator) -> np.ndarray:
    """Rotation, shear along the text and one scale, about the origin: float64 [3, 3]."""
    turn, slant, size = rng.uniform(-1, 1, 3).tolist()
    angle = _radians(ROTATION_DEGREES * config.rotation * turn)
    shear = math.tan(_radians(SHEAR_DEGREES * config.shear * slant))
    scale = max(1 + SCALE_SHARE * config.scale * size, SMALLEST_SCALE)
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    return np.array(
        [[cosine, cosine * shear - sine, 0], [sine, sine * shear + cosine, 0], [0, 0, 1]]
    )


def _slope(height: int, width: int, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Text that climbs or falls while its strokes stay upright, in a box that holds all of it.

    About the centre of the picture: float64 [3, 3].
    """
    slope = math.tan(_radians(SLOPE_DEGREES * strength * rng.uniform(-1, 1)))
    flatter = height / (height + abs(slope) * width)
    return np.array([[1, 0, 0], [flatter * slope, flatter, 0], [0, 0, 1]])


def _radians(degrees: float) -> float:
    return math.radians(max(-STEEPEST, min(STEEPEST, degrees)))


def _perspective(height: int, width: int, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Every corner goes its own way, by less than half the size so that none crosses another."""
    right, bottom = width - 1, height - 1
    corners = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]], np.float32)
    reach = min(CORNER_SHARE * strength, 0.45)
    moved = corners + reach * rng.uniform(-1, 1, (4, 2)) * (width, height)
    return cv2.getPerspectiveTransform(corners, moved.astype(np.float32))


def _translation(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])

"""Light, colour and noise of a plate: float32 RGB [h, w, 3], 0 to 255, not yet clipped."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

# What a strength of 1 means; the first six are the original's.
SALT_AND_PEPPER = 0.01
GAUSSIAN_STD = 0.01 * 255
BRIGHTNESS = 30.0
CONTRAST = 0.1
SATURATION = 0.1
NOISE_TYPES = ("salt and pepper", "gaussian", "none")
COLOUR_ORDERS = (
    ("brightness", "saturation", "contrast"),
    ("saturation", "brightness", "contrast"),
    ("saturation", "contrast", "brightness"),
    (),
)
HUE_DEGREES = 18.0
SHADOW_DEPTH = 0.6
DARKEST_SHADOW = 0.85
SHADOW_EDGE = 6.0
"""Pixels over which a shadow sets in, at most."""

_YIQ_OF_RGB = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_RGB_OF_YIQ = np.linalg.inv(_YIQ_OF_RGB)


def add_noise(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """One of `NOISE_TYPES` at random: the original's noise."""
    kind = NOISE_TYPES[rng.integers(len(NOISE_TYPES))]
    if kind == "salt and pepper":
        return add_salt_and_pepper(image, min(SALT_AND_PEPPER * strength, 1.0), rng)
    if kind == "gaussian":
        return image + np.float32(GAUSSIAN_STD * strength) * _normal_values(image.shape, rng)
    return image


def add_salt_and_pepper(
    image: np.ndarray, probability: float, rng: np.random.Generator
) -> np.ndarray:
    """Each pixel turns, in all channels, white or black with half of `probability` each."""
    pixels = image.reshape(-1, 3).copy()
    count = int(rng.binomial(len(pixels), probability))
    chosen = rng.choice(len(pixels), count, replace=False, shuffle=False)
    pixels[chosen] = 255 * rng.integers(0, 2, (count, 1))
    return pixels.reshape(image.shape)


def _normal_values(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Standard normal values: a random stretch of a fixed table, as drawing anew costs 20 times."""
    count = int(np.prod(shape))
    table = _normal_table(1 << max(18, count.bit_length() + 1))
    start = int(rng.integers(len(table) - count))
    return table[start : start + count].reshape(shape)


@lru_cache(maxsize=2)
def _normal_table(size: int) -> np.ndarray:
    return np.random.default_rng(size).standard_normal(size, np.float32)


def change_colour(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Brightness, saturation and contrast in one of `COLOUR_ORDERS`: the original's."""
    for change in COLOUR_ORDERS[rng.integers(len(COLOUR_ORDERS))]:
        amount = strength * rng.uniform(-1, 1)
        if change == "brightness":
            image = image + np.float32(BRIGHTNESS * amount)
        elif change == "contrast":
            image = scale_contrast(image, max(1 + CONTRAST * amount, 0))
        else:
            image = scale_saturation(image, max(1 + SATURATION * amount, 0))
    return image


def scale_contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Distances from each channel's mean times `factor`."""
    matrix = np.zeros((3, 4), np.float32)
    np.fill_diagonal(matrix, factor)
    matrix[:, 3] = (1 - factor) * np.array(cv2.mean(image)[:3])
    return cv2.transform(image, matrix)


def scale_saturation(image: np.ndarray, factor: float) -> np.ndarray:
    """The S of HSV times `factor`, at most 1; H and V stay. Values below 0 become 0."""
    hsv = cv2.cvtColor(np.maximum(image, 0), cv2.COLOR_RGB2HSV)
    hsv[..., 1] = np.minimum(hsv[..., 1] * np.float32(factor), 1)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def turn_hue(image: np.ndarray, degrees: float) -> np.ndarray:
    """Turns colours about the grey axis (the I and Q of YIQ), keeping luma and greys."""
    return cv2.transform(image, hue_matrix(degrees))


def hue_matrix(degrees: float) -> np.ndarray:
    """The float32 [3, 3] matrix of `turn_hue`."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    return (_RGB_OF_YIQ @ turn @ _YIQ_OF_RGB).astype(np.float32)


def add_shadow(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Darkens the side of a random line by up to `SHADOW_DEPTH` times the strength."""
    rows, columns = _grid(*image.shape[:2])
    angle = rng.uniform(0, 2 * np.pi)
    through_row, through_column = rng.uniform(-0.5, 0.5, 2) * image.shape[:2]
    sine, cosine = np.float32(np.sin(angle)), np.float32(np.cos(angle))
    distance = sine * (rows - np.float32(through_row)) + cosine * (
        columns - np.float32(through_column)
    )
    depth = min(SHADOW_DEPTH * strength * rng.uniform(0.3, 1), DARKEST_SHADOW)
    edge = np.float32(rng.uniform(0.5, SHADOW_EDGE))
    light = 1 - np.float32(depth) * np.minimum(np.maximum(distance / edge + np.float32(0.5), 0), 1)
    return cv2.multiply(image, cv2.merge([light, light, light]))


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Clipped to 0..255 and rounded."""
    # It saturates above; below 0 it would take the absolute value.
    return cv2.convertScaleAbs(np.maximum(image, 0))


@lru_cache(maxsize=8)
def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Row [h, 1] and column [1, w] numbers, float32, 0 in the middle."""
    rows = np.arange(height, dtype=np.float32)[:, None] - (height - 1) / 2
    columns = np.arange(width, dtype=np.float32)[None, :] - (width - 1) / 2
    return rows.astype(np.float32), columns.astype(np.float32)

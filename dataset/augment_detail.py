"""Loss of detail: blur, low resolution, JPEG and covered patches; uint8 RGB [h, w, 3]."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ..plate.image import resize

# What a strength of 1 means, as documented in `AugmentConfig`.
MOTION_PIXELS = 7.0
BLUR_SIGMA = 1.5
LOWEST_RESOLUTION = 1 / 3
JPEG_BEST, JPEG_WORST = 95, 20
PATCH_AREA = 0.10
COARSE_SIZE = (94, 24)
"""Width and height, pixels, that CCPD's crops are often stored in."""

LONGEST_MOTION = 31.0
"""Pixels that a motion stops at, however strong."""


def blur_by_motion(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Averages along a random direction, over 2 pixels at least."""
    longest = min(MOTION_PIXELS * strength, LONGEST_MOTION)
    # Rounded to half pixels and 32nds of a half turn, so that few kernels serve.
    length = round(2 * rng.uniform(min(2.0, longest), longest)) / 2
    kernel = motion_kernel(length, int(rng.integers(32)) * np.pi / 32)
    return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)


@lru_cache(maxsize=1024)
def motion_kernel(length: float, angle: float) -> np.ndarray:
    """A line of `length` pixels at `angle` radians: float32 [k, k], k odd, sum 1."""
    size = 2 * int(np.ceil(length / 2)) + 1
    steps = np.linspace(-length / 2, length / 2, 4 * size)
    rows, columns = size // 2 + steps * np.sin(angle), size // 2 + steps * np.cos(angle)
    kernel = np.zeros((size, size), np.float32)
    np.add.at(kernel, (np.rint(rows).astype(int), np.rint(columns).astype(int)), 1)
    return kernel / kernel.sum()


def blur(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """A Gaussian lens blur."""
    sigma = max(BLUR_SIGMA * strength * rng.uniform(0.2, 1), 0.05)
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def lower_resolution(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Shrinks by averaging and grows again, as a far plate does."""
    height, width = image.shape[:2]
    share = max(1 - (1 - LOWEST_RESOLUTION) * strength * rng.uniform(0.2, 1), 0.15)
    small = max(round(height * share), 1), max(round(width * share), 1)
    return resize(resize(image, *small), height, width)


def coarsen(image: np.ndarray) -> np.ndarray:
    """Shrinks to `COARSE_SIZE` by linear interpolation, which skips pixels, and grows again."""
    height, width = image.shape[:2]
    return resize(cv2.resize(image, COARSE_SIZE, interpolation=cv2.INTER_LINEAR), height, width)


def compress(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Goes through a JPEG file."""
    quality = JPEG_BEST - (JPEG_BEST - JPEG_WORST) * strength * rng.random()
    # The channels are taken for BGR both ways, which only swaps the weights of red and blue.
    _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, max(round(quality), 5)))
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def cover_patch(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Covers one patch of up to `PATCH_AREA` of the area with one random colour."""
    height, width = image.shape[:2]
    area = PATCH_AREA * height * width * rng.uniform(0.1, 1)
    shape = np.exp(rng.uniform(np.log(0.4), np.log(2.5)))
    rows = int(np.clip(round(np.sqrt(area * shape)), 1, height))
    columns = int(np.clip(round(area / rows), 1, width))
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    image = image.copy()
    image[top : top + rows, left : left + columns] = rng.integers(0, 256, 3)
    return image


def to_grey(image: np.ndarray) -> np.ndarray:
    """Luma in all three channels."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)

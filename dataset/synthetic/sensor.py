"""What lies between the scene and the file: blur, few pixels, rain, noise, sharpening, JPEG."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .banks import cut, sensor_noise
from .scenes import Scene

_UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LINEAR)


def blur(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, plate_width: float
) -> np.ndarray:
    """Out of focus and moving; lengths follow the plate's width in pixels."""
    unit = plate_width / 100
    sigma = rng.uniform(*scene.blur) * rng.uniform(0.3, 1.0) * unit
    if sigma > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    if rng.random() < scene.motion:
        image = _move(rng, image, rng.uniform(*scene.motion_length) * unit)
    return image


def _move(rng: np.random.Generator, image: np.ndarray, length: float) -> np.ndarray:
    size = max(3, math.ceil(length) | 1)
    kernel = np.zeros((size, size), np.float32)
    angle = rng.normal(0, 0.35) if rng.random() < 0.7 else rng.uniform(0, math.pi)
    half = min(length, size) / 2
    # One thousandth of a pixel keeps a still camera's kernel from being empty.
    for t in np.linspace(-half, half, 2 * size):
        x, y = size / 2 + t * math.cos(angle), size / 2 + t * math.sin(angle)
        kernel[min(size - 1, int(y)), min(size - 1, max(0, int(x)))] += 1
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def shrink(image: np.ndarray, factor: float) -> np.ndarray:
    """The picture with `factor` (at most 1) times as many pixels a side, averaged."""
    if factor > 0.97:
        return image
    height, width = image.shape[:2]
    size = (max(8, round(width * factor)), max(5, round(height * factor)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def add_rain(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Bright streaks and some drops."""
    height, width = image.shape[:2]
    layer = image.copy()
    slant = rng.normal(0, 0.25)
    for _ in range(int(rng.integers(4, 22))):
        x, y = rng.uniform(0, width), rng.uniform(-0.3, 1) * height
        length = rng.uniform(0.1, 0.5) * height
        shade = float(rng.uniform(130, 235))
        end = (round(x + slant * length), round(y + length))
        cv2.line(layer, (round(x), round(y)), end, (shade, shade, shade), 1, cv2.LINE_AA)
    return cv2.addWeighted(image, 0.7, layer, 0.3, 0)


def add_noise(
    rng: np.random.Generator, image: np.ndarray, scene: Scene, night: bool, contrast: float
) -> np.ndarray:
    """Sensor noise: coloured or grey, fine or in clumps; well below the ink's `contrast`."""
    deviation = rng.uniform(*scene.noise) * rng.uniform(0.2, 1.0) * (1.5 if night else 1.0)
    deviation = min(deviation, 0.25 * contrast)
    if deviation < 0.7:
        return image
    height, width = image.shape[:2]
    clumped = rng.random() < 0.35
    if clumped:
        noise = cut(sensor_noise(), rng, max(4, height * 2 // 3), max(4, width * 2 // 3))
        noise = cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    else:
        noise = cut(sensor_noise(), rng, height, width)
    if rng.random() < 0.4:
        noise = np.repeat(noise[..., :1], 3, axis=2)
    return cv2.add(image, noise * np.float32(deviation), dtype=cv2.CV_8U)


def sharpen(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Halos round edges, as cameras that sharpen leave them."""
    amount = rng.uniform(0.3, 1.6)
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, 1.6))
    return cv2.addWeighted(image, 1 + amount, soft, -amount, 0)


def compress(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Through JPEG and back."""
    quality = int(rng.uniform(*scene.jpeg))
    encoded = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None, "what imencode wrote, imdecode reads"
    return decoded


def restore_size(rng: np.random.Generator, image: np.ndarray, scene: Scene) -> np.ndarray:
    """Stored in another size, often: a fixed one of a dataset, or scaled by some factor."""
    if rng.random() >= scene.resampled:
        return image
    if rng.random() < 0.7:
        size = scene.sizes[int(rng.integers(len(scene.sizes)))]
    else:
        factor = rng.uniform(0.8, 2.2)
        size = (
            round(image.shape[1] * factor),
            round(image.shape[0] * factor * rng.uniform(0.8, 1.2)),
        )
    smaller = size[0] < image.shape[1]
    # Most are stored without averaging: strokes of large plates then break.
    how = cv2.INTER_AREA if smaller and rng.random() < 0.3 else _UP[int(rng.integers(len(_UP)))]
    return cv2.resize(image, size, interpolation=how)

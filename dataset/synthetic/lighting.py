"""Light on the scene and the camera's colours: shade, glare, night, cast, haze, tone curve."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .paints import Paint, Rgb
from .scenes import Scene

_LUMA = np.array([0.299, 0.587, 0.114])
_LEAST_CONTRAST = 36.0  # grey levels between ground and ink: less cannot be read once blurred
_TRIES = 8
_LEVELS = np.arange(256, dtype=np.float64) / 255


@dataclass(frozen=True)
class Tone:
    """What the camera makes of colours: a 3x4 matrix, then one curve a channel (uint8 [256, 3])."""

    matrix: np.ndarray
    curves: np.ndarray
    mono: bool

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Float32 or uint8 RGB [h, w, 3] to uint8 of that tone."""
        mixed = cv2.transform(image.astype(np.float32), self.matrix)
        return cv2.LUT(saturated(mixed), self.curves[None])

    def chroma(self, colour: Rgb) -> float:
        """Largest minus smallest channel of a colour seen through this tone, 0..255."""
        seen = self._seen(colour)
        return float(seen.max() - seen.min())

    def contrast(self, one: Rgb, other: Rgb) -> float:
        """The largest difference of a channel between two colours seen so, 0..255."""
        return float(np.abs(self._seen(one) - self._seen(other)).max())

    def _seen(self, colour: Rgb) -> np.ndarray:
        # OpenCV takes a single pixel for a scalar, so the colour is shown on four.
        return self.apply(np.full((2, 2, 3), colour, np.float32))[0, 0].astype(int)


def saturated(image: np.ndarray) -> np.ndarray:
    """Float32 [h, w, 3] rounded and clipped to uint8 in one pass."""
    return cv2.addWeighted(image, 1.0, image, 0.0, 0.0, dtype=cv2.CV_8U)


def choose_tone(
    rng: np.random.Generator, scene: Scene, night: bool, paint: Paint | None = None
) -> Tone:
    """The camera's tone for one picture of `scene`; it leaves the ink of `paint` visible."""
    tone = _draw_tone(rng, scene, night)
    for _ in range(_TRIES if paint is not None else 0):
        if paint is not None and tone.contrast(paint.ground, paint.ink) >= _LEAST_CONTRAST:
            break
        tone = _draw_tone(rng, scene, night)
    return tone


def _draw_tone(rng: np.random.Generator, scene: Scene, night: bool) -> Tone:
    mono = bool(rng.random() < scene.grey)
    gain = rng.uniform(*scene.brightness)
    if night:
        gain *= rng.uniform(0.3, 0.75)
    cast = rng.random() < scene.cast
    strength = rng.uniform(*scene.cast_strength) if cast else 0.03
    gains = gain * np.exp(rng.normal(0, strength, 3))
    saturation = rng.uniform(0.4, 1.7) if cast else rng.uniform(0.75, 1.25)
    if mono:
        gains, saturation = np.full(3, gain), 0.0
    mix = saturation * np.eye(3) + (1 - saturation) * _LUMA
    offset = rng.normal(0, 6, 3) if cast and not mono else np.full(3, rng.normal(0, 4))
    if rng.random() < scene.haze:
        veil = rng.uniform(0.15, 0.55)
        gains = gains * (1 - veil)
        offset = offset + veil * rng.uniform(110, 225)
    matrix = np.c_[gains[:, None] * mix, offset].astype(np.float32)
    return Tone(matrix, _curves(rng, night, mono or not cast), mono)


def _curves(rng: np.random.Generator, night: bool, neutral: bool) -> np.ndarray:
    """Gamma and contrast curves of the three channels, uint8 [256, 3]."""
    gamma = np.exp(rng.normal(-0.05 if night else 0.0, 0.2))
    gammas = np.full(3, gamma) if neutral else gamma * np.exp(rng.normal(0, 0.14, 3))
    bent = _LEVELS[:, None] ** gammas
    if rng.random() < 0.35:
        # An S-shaped curve, as cameras with strong contrast have.
        amount = rng.uniform(0.2, 1.0)
        bent = bent * (1 - amount) + amount * bent * bent * (3 - 2 * bent)
    return np.ascontiguousarray(np.round(bent * 255), np.uint8)


def light_field(
    rng: np.random.Generator, scene: Scene, height: int, width: int
) -> np.ndarray | None:
    """Factors of brightness, float32 [h, w, 1], or None where light is even."""
    field: np.ndarray | None = None
    if rng.random() < 0.5:
        coarse = np.exp(rng.normal(0, rng.uniform(0.03, 0.25), (2, 3))).astype(np.float32)
        field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < scene.shadow:
        shade = _shadow(rng, height, width)
        field = shade if field is None else field * shade
    return None if field is None else field[..., None]


def _shadow(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """The shadow of a roof, a post or leaves: darker on one side of an edge, or in patches."""
    depth = rng.uniform(0.25, 0.75)
    mask = np.zeros((height, width), np.uint8)
    if rng.random() < 0.65:
        angle = rng.uniform(0, 2 * np.pi)
        normal = np.array([np.cos(angle), np.sin(angle)])
        tangent = np.array([-normal[1], normal[0]])
        centre = rng.uniform(0.2, 0.8, 2) * (width, height)
        far = 2.0 * (width + height)
        band = far if rng.random() < 0.7 else rng.uniform(0.1, 0.35) * width
        polygon = np.array(
            [
                centre - far * tangent,
                centre + far * tangent,
                centre + far * tangent + band * normal,
                centre - far * tangent + band * normal,
            ]
        )
        cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 255)
    else:
        for _ in range(int(rng.integers(2, 7))):
            place = (int(rng.integers(width)), int(rng.integers(height)))
            axes = (int(rng.uniform(0.05, 0.3) * width), int(rng.uniform(0.1, 0.5) * height))
            cv2.ellipse(mask, place, axes, rng.uniform(0, 180), 0, 360, 255, -1)
    soft = rng.uniform(0.004, 0.05) * width
    blurred = cv2.GaussianBlur(mask, (0, 0), max(0.6, soft))
    return 1 - blurred.astype(np.float32) * np.float32(depth / 255)


def add_glare(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """A lamp's light spread over part of the picture; uint8 [h, w, 3]."""
    height, width = image.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None]
    x, y = rng.uniform(-0.2, 1.2) * width, rng.uniform(-0.3, 1.3) * height
    reach = rng.uniform(0.12, 0.5) * width
    falloff = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * reach * reach))
    colour = rng.uniform(0.75, 1, 3).astype(np.float32) * np.float32(rng.uniform(50, 170))
    return cv2.add(image, falloff[..., None] * colour, dtype=cv2.CV_8U)


def add_bloom(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Bright strokes that glow into their surroundings (over-exposed, or night flash)."""
    sigma = rng.uniform(0.006, 0.02) * image.shape[1]
    glow = cv2.GaussianBlur(image, (0, 0), max(0.7, sigma))
    return cv2.addWeighted(image, 1.0, glow, rng.uniform(0.15, 0.6), -rng.uniform(0, 25))

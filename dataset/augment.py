"""Augmentation of real or stored plates: the original's, and what cameras do to plates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ..configs import AugmentConfig
from . import augment_detail as detail
from . import augment_light as light
from .augment_geometry import warp

OCCASIONAL = 0.3
"""Probability of each blur, of low resolution, JPEG and shadow: most plates stay clear."""

_PROBABILITIES = ("coarse", "grey")
SHEET_STRENGTHS = (0.25, 0.5, 1.0, 2.0)


class Augmented(NamedTuple):
    """An augmented image, uint8 RGB [h, w, 3]; `grey`: its colour cannot be seen any more."""

    image: np.ndarray
    grey: bool


class Augmenter:
    """Applies every augmentation whose strength in `config` is above 0.

    In the order of a camera: the plate moves, is covered, blurred, seen small; then light,
    noise and colour; then the file. A strength of 1 has the range that `AugmentConfig` names.

    Args:
        config: the strengths.
        always: applies the occasional ones every time, for a sheet of examples.
    """

    def __init__(self, config: AugmentConfig, always: bool = False) -> None:
        self._config = config
        self._occasional = 1.0 if always else OCCASIONAL

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> Augmented:
        """An augmented copy of `image`, uint8 RGB [h, w, 3]; depends on `rng` only."""
        config = self._config
        if not config.enabled:
            return Augmented(image, False)
        image = warp(image, config, rng)
        image = self._lose_detail(image, rng)
        image = self._light(image, rng)
        grey = bool(config.grey) and rng.random() < config.grey
        if grey:
            image = detail.to_grey(image)
        if self._happens(config.jpeg, rng):
            image = detail.compress(image, config.jpeg, rng)
        return Augmented(image, grey)

    def _happens(self, strength: float, rng: np.random.Generator) -> bool:
        return strength > 0 and rng.random() < self._occasional

    def _lose_detail(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        config = self._config
        if config.erasing and rng.random() < config.erasing:
            image = detail.cover_patch(image, rng)
        if self._happens(config.motion_blur, rng):
            image = detail.blur_by_motion(image, config.motion_blur, rng)
        if self._happens(config.gaussian_blur, rng):
            image = detail.blur(image, config.gaussian_blur, rng)
        if self._happens(config.low_resolution, rng):
            image = detail.lower_resolution(image, config.low_resolution, rng)
        if config.coarse and rng.random() < config.coarse:
            image = detail.coarsen(image)
        return image

    def _light(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        config = self._config
        if not (config.shadow or config.noise or config.colour or config.hue):
            return image
        pixels = image.astype(np.float32)
        if self._happens(config.shadow, rng):
            pixels = light.add_shadow(pixels, config.shadow, rng)
        if config.noise:
            pixels = light.add_noise(pixels, config.noise, rng)
        if config.colour:
            pixels = light.change_colour(pixels, config.colour, rng)
        if config.hue:
            pixels = light.turn_hue(pixels, light.HUE_DEGREES * config.hue * rng.uniform(-1, 1))
        return light.to_uint8(pixels)


def only(name: str, strength: float) -> AugmentConfig:
    """A configuration with one augmentation; probabilities are capped at 1."""
    off = dict.fromkeys(augmentation_names(), 0.0)
    strength = min(strength, 1.0) if name in _PROBABILITIES else strength
    return AugmentConfig(**{**off, name: strength})


def augmentation_names() -> tuple[str, ...]:
    """The fields of `AugmentConfig` that are strengths, in its order."""
    return tuple(name for name in AugmentConfig.model_fields if name != "enabled")


def augmented_sheet(
    images: Sequence[np.ndarray], config: AugmentConfig, seed: int = 0
) -> np.ndarray:
    """A picture of examples, uint8 RGB [h, w, 3]: a row for each augmentation alone.

    The columns are `SHEET_STRENGTHS` after the untouched image; the last two rows show all
    together as `config` has them. All images must have one size.
    """
    rows: list[tuple[str, list[Callable[[np.ndarray, np.random.Generator], Augmented]]]] = [
        (name, [Augmenter(only(name, strength), always=True) for strength in SHEET_STRENGTHS])
        for name in augmentation_names()
    ]
    rows += [("all, as set", [Augmenter(config)] * len(SHEET_STRENGTHS))] * 2
    columns = ["", "untouched", *(f"strength {strength:g}" for strength in SHEET_STRENGTHS)]
    sheet = [np.hstack([_caption(text, images[0].shape) for text in columns])]
    for number, (name, augmenters) in enumerate(rows):
        image = images[number % len(images)]
        examples = [
            augmenter(image, np.random.default_rng([seed, number, column])).image
            for column, augmenter in enumerate(augmenters)
        ]
        sheet.append(np.hstack([_caption(name, image.shape), image, *examples]))
    return np.vstack(sheet)


def _caption(text: str, shape: tuple[int, ...]) -> np.ndarray:
    tile = np.full(shape, 255, np.uint8)
    size = shape[1] / 400
    return cv2.putText(
        tile,
        text,
        (4, shape[0] // 2 + 4),
        cv2.FONT_HERSHEY_SIMPLEX,
        size,
        (0, 0, 0),
        1,
        cv2.LINE_AA,
    )

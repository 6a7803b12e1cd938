"""The pictures that exports are compared on and int8 is calibrated with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..configs import RenderConfig
from ..dataset.rendered_source import SCENES, plate_renderer
from ..errors import InputError
from ..plate.image import ImageError, load_image, resize
from ..plate.schema import load_schema

Plate: TypeAlias = Callable[[], Path | np.ndarray]

_SEED = 20190917
# As often as trainings see them, nearly; plates that nobody can read say little of an export.
_EXPORT_SCENES = ("gate", "parking", "stored", "gate", "parking", "road")


def sample_pictures(height: int, width: int, count: int = 16) -> npt.NDArray[np.uint8]:
    """Pictures to compare on, uint8 RGB [count, height, width, 3]: noise, even ones, plates.

    Where the renderer is not installed, smooth patterns stand for the plates.
    """
    rng = np.random.default_rng(_SEED)
    noise = rng.integers(0, 256, (count // 2, height, width, 3), dtype=np.uint8)
    even = np.stack([np.full((height, width, 3), value, np.uint8) for value in (0, 255)])
    rest = count - len(noise) - len(even)
    return np.concatenate([noise, even, _plates_or_patterns(rng, rest, height, width)])


def rendered_pictures(
    height: int, width: int, count: int, render: RenderConfig | None = None
) -> npt.NDArray[np.uint8]:
    """Rendered plates of all scenes, uint8 RGB [count, height, width, 3]; the same every time.

    Raises:
        InputError, ImportError: what the renderer needs is not installed.
    """
    renderer = plate_renderer(render or RenderConfig(), load_schema("cn"))
    images = []
    for index in range(count):
        rng = np.random.default_rng([_SEED, index])
        plate = renderer.render(rng, _EXPORT_SCENES[index % len(_EXPORT_SCENES)])
        images.append(resize(plate.image, height, width))
    return np.stack(images)


def pictures_of(
    plates: Iterable[Plate], height: int, width: int, count: int
) -> npt.NDArray[np.uint8]:
    """Up to `count` pictures, uint8 RGB [n, height, width, 3]; evenly from all of them.

    Files that are no pictures are passed over.

    Args:
        plates: each gives its file, or pixels uint8 RGB [h, w, 3], when it is wanted.

    Raises:
        InputError: none of them is one.
    """
    listed = list(plates)
    images = []
    # The golden ratio visits every part of a list early, however long it is.
    order = np.argsort((np.arange(len(listed)) * 0.6180339887498949) % 1.0, kind="stable")
    for index in order:
        try:
            images.append(resize(load_image(listed[index]()), height, width))
        except ImageError:
            continue
        if len(images) == count:
            break
    if not images:
        raise InputError("--data holds no picture that can be read")
    return np.stack(images)


def _plates_or_patterns(
    rng: np.random.Generator, count: int, height: int, width: int
) -> npt.NDArray[np.uint8]:
    try:
        renderer = plate_renderer(RenderConfig(), load_schema("cn"))
    except (ImportError, InputError):
        coarse = rng.integers(0, 256, (count, 6, 18, 3), dtype=np.uint8)
        return np.stack([resize(picture, height, width) for picture in coarse])
    plates = [renderer.render(rng, SCENES[index % len(SCENES)]) for index in range(count)]
    return np.stack([resize(plate.image, height, width) for plate in plates])

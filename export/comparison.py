"""Whether an exported file answers as its source does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..configs import RenderConfig
from ..dataset.rendered_source import SCENES, plate_renderer
from ..errors import InputError
from ..inference.runtimes import open_runtime
from ..plate.image import resize
from ..plate.schema import load_schema

# Of a probability: float32 in another order of summing gives 1e-6 in convolutional models and up
# to 3e-4 behind attention; a wrongly translated operator gives far more.
TOLERANCE = 1e-3
_SEED = 20190917


def sample_pictures(height: int, width: int, count: int = 16) -> npt.NDArray[np.uint8]:
    """Pictures to compare on, uint8 RGB [count, height, width, 3]: noise, even ones, plates.

    Where the renderer is not installed, smooth patterns stand for the plates.
    """
    rng = np.random.default_rng(_SEED)
    noise = rng.integers(0, 256, (count // 2, height, width, 3), dtype=np.uint8)
    even = np.stack([np.full((height, width, 3), value, np.uint8) for value in (0, 255)])
    rest = count - len(noise) - len(even)
    return np.concatenate([noise, even, _plates(rng, rest, height, width)])


def largest_difference(model: Any, file: Path, pictures: npt.NDArray[np.uint8]) -> float:
    """The largest difference of a probability between a Keras model and an exported file.

    The pictures run as one batch and, because batches may differ, the first also alone.
    """
    runtime = open_runtime(file)
    largest = 0.0
    for images in (pictures, pictures[:1]):
        wanted = model(images, training=False)
        received = runtime.run(images)
        for head, values in wanted.items():
            difference = float(np.abs(np.asarray(values, np.float64) - received[head]).max())
            # A NaN must not pass as small.
            largest = max(largest, difference if np.isfinite(difference) else np.inf)
    return largest


def _plates(rng: np.random.Generator, count: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    try:
        renderer = plate_renderer(RenderConfig(), load_schema("cn"))
    except (ImportError, InputError):
        coarse = rng.integers(0, 256, (count, 6, 18, 3), dtype=np.uint8)
        return np.stack([resize(picture, height, width) for picture in coarse])
    plates = [renderer.render(rng, SCENES[index % len(SCENES)]) for index in range(count)]
    return np.stack([resize(plate.image, height, width) for plate in plates])

"""A rectifier learns to straighten before it is trained with its recogniser.

A recogniser's loss hardly taught ours how a picture should be turned (docs/recognisers.md). But
plates that are straight can be distorted at will, and what was done to them is known: so the
network that says where to look first learns to undo that.
"""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import Any

import keras
import numpy as np

from ..configs import Config
from ..dataset.augment import Augmenter
from ..dataset.rendered_source import RenderedSource, with_scene
from ..dataset.source import STRAIGHTEN_STREAM
from ..dataset.tilted import distorted, random_map
from ..plate.schema import LabelSchema

PLATES = 2048
"""How many straight ones it learns from, each distorted anew whenever it comes."""

_BATCH, _RATE = 64, 2e-3
_EXAMPLES = 256


def learn_to_straighten(
    model: keras.Model, config: Config, schema: LabelSchema
) -> tuple[float, float]:
    """Trains the rectifier of `model` for `config.train.straighten_steps` steps of 64 plates.

    The plates are rendered ones seen from the front, augmented as configured, but for what moves
    them. Layers that are frozen for the training proper learn all the same.

    Args:
        model: compiled or not; nothing but its rectifier changes.
        config: of the training.
        schema: of the labels, which are not looked at.

    Returns:
        The root of the mean squared error of what the rectifier puts out, of other plates before
        and after: 1 is half of the picture's width or height.

    Raises:
        ValueError: the model has no rectifier.
    """
    sampler = sampler_of(model)
    # The part that says where to look.
    locator = keras.Model(model.input, sampler.input[1], name="locator")
    frozen = [layer for layer in locator.layers if not layer.trainable]
    for layer in frozen:
        layer.trainable = True
    try:
        return _taught(locator, sampler, config, schema)
    finally:
        for layer in frozen:
            layer.trainable = False


def _taught(
    locator: keras.Model, sampler: Any, config: Config, schema: LabelSchema
) -> tuple[float, float]:
    steps, rng = config.train.straighten_steps, _generator(config)
    schedule = keras.optimizers.schedules.CosineDecay(_RATE, steps)
    # XLA triples the time of a step on a CPU.
    jit = False if keras.backend.backend() == "tensorflow" else "auto"
    locator.compile(keras.optimizers.Adam(schedule), "mse", jit_compile=jit)
    lesson = Lessons(sampler, _unmoved(config), rng)
    plates = _straight_plates(config, schema)
    other, plates = plates[:_EXAMPLES], plates[_EXAMPLES:]
    examples = lesson(other)
    before = _error(locator, *examples)
    for _ in range(steps):
        locator.train_on_batch(*lesson(plates[rng.choice(len(plates), _BATCH)]))
    return before, _error(locator, *examples)


def sampler_of(model: keras.Model) -> Any:
    """The last layer of the rectifier, which reads the picture at other places.

    Raises:
        ValueError: the model has no rectifier.
    """
    for layer in model.layers:
        if hasattr(layer, "undoing"):
            return layer
    raise ValueError(f"{model.name} has no rectifier")


class Lessons:
    """Straight plates as pictures to look at, and what a rectifier should answer.

    Args:
        sampler: the rectifier's last layer.
        augment: what else happens to a picture.
        rng: of all that is drawn.
    """

    def __init__(self, sampler: Any, augment: Augmenter, rng: np.random.Generator) -> None:
        self._sampler = sampler
        self._augment = augment
        self._rng = rng

    def __call__(self, plates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of uint8 `[n, h, w, 3]` as many distorted ones, and float32 `[n, width]`."""
        height, width = plates.shape[1:3]
        matrices = np.stack([random_map(height, width, self._rng) for _ in plates])
        pictures = [
            self._augment(distorted(plate, matrix), self._rng).image
            for plate, matrix in zip(plates, matrices, strict=True)
        ]
        return np.stack(pictures), self._sampler.undoing(matrices)


def _error(locator: keras.Model, pictures: np.ndarray, places: np.ndarray) -> float:
    found = locator.predict(pictures, batch_size=_BATCH, verbose=0)
    return float(np.sqrt(np.mean((found - places) ** 2)))


def _generator(config: Config) -> np.random.Generator:
    return np.random.default_rng([config.train.seed, 0, 0, STRAIGHTEN_STREAM])


def _straight_plates(config: Config, schema: LabelSchema) -> np.ndarray:
    """uint8 `[PLATES, h, w, 3]`."""
    render = config.render.model_copy(update={"plates_per_epoch": PLATES})
    config = with_scene(config.model_copy(update={"render": render}), "gate")
    source = RenderedSource(config, schema)
    with closing(source):
        batches = itertools.islice(source.batches(), source.steps_per_epoch)
        return np.concatenate([images for images, _ in batches])


def _unmoved(config: Config) -> Augmenter:
    """The configured augmentation without what moves a plate."""
    moving = ("perspective", "rotation", "shear", "slope", "shift", "scale")
    return Augmenter(config.augment.model_copy(update=dict.fromkeys(moving, 0.0)))

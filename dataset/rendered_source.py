"""Endless rendered plates as training batches; nothing is read, nothing repeats."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ..errors import InputError
from ..plate.image import resize
from .source import VALIDATION_STREAM, Batch, batch_slices, steps_for
from .worker_pool import OrderedMap

if TYPE_CHECKING:
    from ..configs import Config, RenderConfig
    from ..plate.schema import LabelSchema

SCENES = ("gate", "parking", "road", "reject", "stored", "handheld")
VALIDATION_SEED = 20_000
"""Of the validation plates, whatever the training seed, so that runs can be compared."""


class Renderer(Protocol):
    """Draws a plate in a scene: an object with `.image` uint8 RGB and `.labels` int32 [heads]."""

    def render(self, rng: np.random.Generator, scene: str) -> Any:
        """A plate that depends on `rng` and `scene` only."""


RendererFactory = Callable[["RenderConfig", "LabelSchema"], Renderer]


def plate_renderer(render: RenderConfig, schema: LabelSchema) -> Renderer:
    """The package's own renderer, with the configured glyphs and backgrounds."""
    from .synthetic.renderer import PlateRenderer

    return PlateRenderer(render.glyphs, render.backgrounds, schema, render.two_rows)


class BatchPlan(NamedTuple):
    """One batch to render: plates `start` to `stop` (exclusive) of an epoch or of validation."""

    epoch: int
    start: int
    stop: int
    validation: bool = False


class BatchRenderer:
    """Renders whole batches. Picklable: each worker process makes a renderer of its own."""

    def __init__(self, config: Config, schema: LabelSchema, factory: RendererFactory) -> None:
        self._config = config
        self._schema = schema
        self._factory = factory
        self._renderer: Renderer | None = None
        self._shares = scene_shares(config.render)

    def __call__(self, plan: BatchPlan) -> Batch:
        """The plan's plates: images uint8 [batch, h, w, 3], labels int32 [batch, heads]."""
        model = self._config.model
        plates = [self.plate(plan, index) for index in range(plan.start, plan.stop)]
        images = [resize(plate.image, model.height, model.width) for plate in plates]
        return np.stack(images), np.stack([plate.labels for plate in plates]).astype(np.int32)

    def plate(self, plan: BatchPlan, index: int) -> Any:
        """Plate `index` of the plan's epoch as the renderer draws it, at no model's size."""
        if self._renderer is None:
            self._renderer = self._factory(self._config.render, self._schema)
        rng = self._rng(plan, index)
        scene = SCENES[rng.choice(len(SCENES), p=self._shares)]
        return self._renderer.render(rng, scene)

    def _rng(self, plan: BatchPlan, index: int) -> np.random.Generator:
        if plan.validation:
            return np.random.default_rng([VALIDATION_SEED, 0, index, VALIDATION_STREAM])
        return np.random.default_rng([self._config.train.seed, plan.epoch, index])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_renderer": None}


class RenderedSource:
    """Fresh rendered plates for every epoch: plate i of epoch e is a function of (seed, e, i).

    Args:
        config: its render, data (workers), train (seed, batch size) and model (size) sections.
        schema: the labels to render and encode.
        factory: makes the renderer in each worker; a picklable function.

    Raises:
        InputError: every share of scenes is zero.
    """

    def __init__(
        self, config: Config, schema: LabelSchema, factory: RendererFactory = plate_renderer
    ) -> None:
        self._config = config
        self._render_batch = BatchRenderer(config, schema, factory)
        self._batches: OrderedMap[Batch] | None = None
        self._evaluations: dict[int, list[Batch]] = {}

    @property
    def plates_per_epoch(self) -> int:
        """As configured: rendered plates have no natural number."""
        return self._config.render.plates_per_epoch

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch, the last perhaps short."""
        return steps_for(self.plates_per_epoch, self._config.train.batch_size)

    def batches(self, first_epoch: int = 0) -> Iterator[Batch]:
        """Endless batches from `first_epoch` on; a call ends the batches of an earlier one."""
        self.close()
        self._batches = self._rendered(self._plans(first_epoch))
        return self._batches

    def close(self) -> None:
        """Ends the workers."""
        if self._batches is not None:
            self._batches.close()

    def evaluation(self, count: int | None = None) -> Iterator[Batch]:
        """The same `count` validation plates every time (`data.validation_plates` if None).

        They are rendered once and kept in memory, 20 kB a plate at 48 x 144.
        """
        count = self._config.data.validation_plates if count is None else count
        if count in self._evaluations:
            yield from self._evaluations[count]
            return
        plans = [
            BatchPlan(0, part.start, part.stop, validation=True)
            for part in batch_slices(count, self._config.train.batch_size)
        ]
        rendered = []
        with closing(self._rendered(plans)) as batches:
            for batch in batches:
                rendered.append(batch)
                yield batch
        self._evaluations[count] = rendered

    def _rendered(self, plans: Iterable[BatchPlan]) -> OrderedMap[Batch]:
        return OrderedMap(self._render_batch, plans, self._config.data.workers)

    def _plans(self, first_epoch: int) -> Iterator[BatchPlan]:
        for epoch in itertools.count(first_epoch):
            for part in batch_slices(self.plates_per_epoch, self._config.train.batch_size):
                yield BatchPlan(epoch, part.start, part.stop)


def with_scene(config: Config, scene: str) -> Config:
    """The configuration that renders one of `SCENES` alone."""
    shares = {each: float(each == scene) for each in SCENES}
    return config.model_copy(update={"render": config.render.model_copy(update=shares)})


def scene_shares(render: RenderConfig) -> np.ndarray:
    """The scenes' probabilities, float64 [len(SCENES)], in the order of `SCENES`."""
    shares = np.array([getattr(render, scene) for scene in SCENES], np.float64)
    if shares.sum() == 0:
        raise InputError(f"render.{', render.'.join(SCENES)}: at least one must be above 0")
    return shares / shares.sum()

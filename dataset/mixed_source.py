"""Stored plates and fresh rendered ones together in every batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..configs import Config
from ..plate.schema import LabelSchema
from .rendered_source import RenderedSource, RendererFactory, plate_renderer
from .source import Batch, Source, divided


class MixedSource:
    """Every batch is one of the stored source with `rendered` rendered plates after it.

    An epoch is one of the stored source; the rendered plates are fresh in each. Both depend on
    (seed, epoch) only, and so does what they make together.

    Args:
        stored: its batches are as large as `batch_sizes` says.
        rendered: plates that each batch adds.
        factory: as of `RenderedSource`.
    """

    def __init__(
        self,
        stored: Source,
        config: Config,
        schema: LabelSchema,
        rendered: int,
        factory: RendererFactory = plate_renderer,
    ) -> None:
        self._stored = stored
        self._rendered = RenderedSource(
            _rendering(config, rendered, stored.steps_per_epoch), schema, factory
        )

    @property
    def plates_per_epoch(self) -> int:
        """Stored and rendered plates together."""
        return self._stored.plates_per_epoch + self._rendered.plates_per_epoch

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch of the stored source."""
        return self._stored.steps_per_epoch

    def batches(self, first_epoch: int = 0) -> Iterator[Batch]:
        """Endless batches, both sources beginning with `first_epoch`."""
        stored = as_arrays(self._stored.batches(first_epoch))
        for own, rendered in zip(stored, self._rendered.batches(first_epoch), strict=True):
            images, labels = zip(own, rendered, strict=True)
            yield np.concatenate(images), np.concatenate(labels)

    def evaluation(self) -> Iterable[Batch]:
        """That of the stored source: rendered plates have an evaluation of their own."""
        return self._stored.evaluation()

    def close(self) -> None:
        """Ends the workers of both."""
        self._stored.close()
        self._rendered.close()


def batch_sizes(config: Config) -> tuple[int, int]:
    """How many stored and how many rendered plates one batch holds; at least one of each."""
    return divided(config.train.batch_size, config.data.rendered_share)


def as_arrays(batches: Any) -> Iterator[Batch]:
    """Batches of tf.data as NumPy arrays; others as they are."""
    if hasattr(batches, "as_numpy_iterator"):
        return iter(batches.as_numpy_iterator())
    return iter(batches)


def _rendering(config: Config, batch_size: int, steps: int) -> Config:
    """The configuration under which one epoch renders `steps` batches of `batch_size`."""
    plates = {"plates_per_epoch": batch_size * steps}
    return config.model_copy(
        update={
            "render": config.render.model_copy(update=plates),
            "train": config.train.model_copy(update={"batch_size": batch_size}),
        }
    )

"""Pictures of plates that nobody has labelled, beside every batch of another source."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..configs import Config
from ..errors import InputError
from ..plate.image import IMAGE_SUFFIXES
from ..plate.schema import LabelSchema
from .batch_reader import BatchReader
from .mixed_source import as_arrays
from .source import Batch, Source, divided, epoch_order
from .worker_pool import OrderedMap

Numbers = list[tuple[int, int]]
"""Pictures of one batch as (pass, number): pass p visits each picture once, in its own order."""


class WithUnlabelled:
    """Every batch is one of the other source with `count` unlabelled pictures after it.

    Their labels are all -1. An epoch is one of the other source; the pictures come in passes
    of their own, which go on from epoch to epoch. Which ones a batch holds depends on the seed
    and on how many batches were before it only.

    Args:
        source: its batches are as large as `batch_shares` says.
        config: its distill (folders), data (workers), train (seed), model (size) and augment
            sections.
        schema: how many labels a picture has.
        count: pictures that each batch adds.

    Raises:
        InputError: a folder is missing or holds no picture.
    """

    def __init__(self, source: Source, config: Config, schema: LabelSchema, count: int) -> None:
        folders = config.distill.unlabelled
        self._source = source
        self._pictures = [file for folder in folders for file in pictures_in(folder)]
        self._read = _UnlabelledReader(self._pictures, config, schema)
        self._seed, self._workers = config.train.seed, config.data.workers
        self._count = count
        self._batches: OrderedMap[Batch] | None = None

    @property
    def plates_per_epoch(self) -> int:
        """Those of the other source and the pictures beside them."""
        return self._source.plates_per_epoch + self._count * self.steps_per_epoch

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch of the other source."""
        return self._source.steps_per_epoch

    def batches(self, first_epoch: int = 0) -> Iterator[Batch]:
        """Endless batches; both parts begin with `first_epoch`."""
        own = as_arrays(self._source.batches(first_epoch))
        plans = self._plans(first_epoch * self.steps_per_epoch)
        self._batches = OrderedMap(self._read, plans, self._workers)
        for labelled, unlabelled in zip(own, self._batches, strict=True):
            images, labels = zip(labelled, unlabelled, strict=True)
            yield np.concatenate(images), np.concatenate(labels)

    def evaluation(self) -> Iterable[Batch]:
        """That of the other source: without labels nothing can be evaluated."""
        return self._source.evaluation()

    def close(self) -> None:
        """Ends the workers of both."""
        self._source.close()
        if self._batches is not None:
            self._batches.close()

    def _plans(self, first_batch: int) -> Iterator[Numbers]:
        skipped = first_batch * self._count
        first_pass, done = divmod(skipped, len(self._pictures))
        numbers = itertools.islice(self._numbers(first_pass), done, None)
        while True:
            yield list(itertools.islice(numbers, self._count))

    def _numbers(self, first_pass: int) -> Iterator[tuple[int, int]]:
        for number in itertools.count(first_pass):
            for picture in epoch_order(self._seed, number, len(self._pictures)):
                yield number, int(picture)


class _UnlabelledReader:
    """Reads and augments the pictures of a batch. Picklable."""

    def __init__(self, pictures: Sequence[Path], config: Config, schema: LabelSchema) -> None:
        self._pictures = [str(picture) for picture in pictures]
        self._heads = len(schema.heads)
        self._reader = BatchReader(config, schema)

    def __call__(self, numbers: Numbers) -> Batch:
        parts = [self._one(number, picture) for number, picture in numbers]
        images, labels = zip(*parts, strict=True)
        return np.concatenate(images), np.concatenate(labels)

    def _one(self, number: int, picture: int) -> Batch:
        labels = np.full((1, self._heads), -1, np.int32)
        return self._reader.augmented([self._pictures[picture]], labels, number, [picture])


def batch_shares(config: Config) -> tuple[int, int]:
    """How many labelled and unlabelled plates one batch holds; at least one of each."""
    return divided(config.train.batch_size, config.distill.unlabelled_share)


def pictures_in(folder: str) -> list[Path]:
    """All pictures below a folder, sorted; hidden files are left out.

    Raises:
        InputError: there is no such folder, or no picture in it.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputError(f"{folder} is no folder; unlabelled pictures are given as folders")
    found = sorted(
        file
        for file in place.rglob("*")
        if file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".")
    )
    if not found:
        raise InputError(f"the folder {folder} holds no pictures ({', '.join(IMAGE_SUFFIXES)})")
    return found

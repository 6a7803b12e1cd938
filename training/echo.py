"""Each batch is learned from several times: rendering and teachers cost more than a small student.

Reference: Choi et al., Faster Neural Network Training with Data Echoing, 2019,
https://arxiv.org/abs/1907.05550
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

from ..dataset.source import ECHO_STREAM, Batch, Source
from .distillation import Teachers
from .taught_source import pictures_by_size

ANSWERS = "answers"
"""Under which name a batch holds what the teachers answered about it."""

# New batches come in the first part of an epoch; what they left is learned in the rest.
FRESH_PART = 0.7
Item = TypeVar("Item")


class EchoedSource:
    """A student's batches with their teachers' answers, each several times in an epoch.

    The teachers are asked once, before the batch is handed over. The repetitions of a batch stand
    apart, and all within its epoch: which order epoch e has depends on (seed, e) only, so that a
    resumed run replays it. An epoch's batches wait in memory, of 64 pictures of 48 x 144 with a map
    of 3 x 18 x 256 about 3 MB each.

    Args:
        source: what `taught_source` makes.
        student: the size of its pictures.
        teachers: who answers.
        times: how often each batch comes; 1: once, in the order of the source.
        seed: of the order.
    """

    def __init__(
        self, source: Source, student: tuple[int, int], teachers: Teachers, times: int, seed: int
    ) -> None:
        self._source = source
        self._student = student
        self._teachers = teachers
        self._times = times
        self._seed = seed

    @property
    def plates_per_epoch(self) -> int:
        """Those of the source, as often as they come."""
        return self._times * self._source.plates_per_epoch

    @property
    def steps_per_epoch(self) -> int:
        """Those of the source, as often as they come."""
        return self._times * self._source.steps_per_epoch

    def batches(self, first_epoch: int = 0) -> Iterator[Any]:
        """Endless batches: pictures, and a dict with `labels` and `ANSWERS`."""
        fresh = map(self._answered, self._source.batches(first_epoch))
        for epoch in itertools.count(first_epoch):
            rng = np.random.default_rng([self._seed, epoch, 0, ECHO_STREAM])
            own = itertools.islice(fresh, self._source.steps_per_epoch)
            yield from echoed(own, self._times, rng)

    def evaluation(self) -> Iterable[Batch]:
        """That of the source."""
        return self._source.evaluation()

    def close(self) -> None:
        """Ends what works in the background."""
        self._source.close()

    def _answered(self, batch: Any) -> tuple[np.ndarray, dict[str, Any]]:
        images, rest = batch
        pictures = pictures_by_size(images, rest, self._student, self._teachers.sizes)
        return images, {"labels": rest["labels"], ANSWERS: self._teachers.predict(pictures)}


def echoed(items: Iterable[Item], times: int, rng: np.random.Generator) -> Iterator[Item]:
    """Each of `items` `times` times: first in order, again at random moments after that.

    >>> list(echoed("abc", 1, np.random.default_rng(0)))
    ['a', 'b', 'c']
    >>> sorted(echoed("abc", 2, np.random.default_rng(0)))
    ['a', 'a', 'b', 'b', 'c', 'c']
    """
    waiting: list[Item] = []
    due = 0.0
    for item in items:
        yield item
        waiting += [item] * (times - 1)
        due += FRESH_PART * times - 1
        while due >= 1 and waiting:
            yield waiting.pop(int(rng.integers(len(waiting))))
            due -= 1
    for index in rng.permutation(len(waiting)):
        yield waiting[index]

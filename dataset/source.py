"""What every source of batches offers, and the seeds that make epochs repeatable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import numpy as np

from ..errors import InputError

Batch = tuple[np.ndarray, np.ndarray]
"""Images uint8 RGB [batch, height, width, 3] and labels int32 [batch, heads], -1 masked."""

# How TensorFlow's error begins to tell of an exception that a function in its graph raised.
_RAISED_INSIDE = re.compile(r"\b(?:ImageError|InputError): (?P<sentence>[^\n]+)")

# The fourth word of a seed tells uses apart that share (seed, epoch, index).
ORDER_STREAM = 1
AUGMENT_STREAM = 2
VALIDATION_STREAM = 3
ECHO_STREAM = 4
STRAIGHTEN_STREAM = 5


@runtime_checkable
class Source(Protocol):
    """A source of batches; epoch e depends on (seed, e) only, so a resumed run replays it."""

    @property
    def plates_per_epoch(self) -> int:
        """How many plates one epoch holds."""

    @property
    def steps_per_epoch(self) -> int:
        """How many batches one epoch holds; its last one may be short."""

    def batches(self, first_epoch: int = 0) -> Iterable[Batch]:
        """Endless: epoch after epoch, beginning with `first_epoch`."""

    def evaluation(self) -> Iterable[Batch]:
        """Finite: every plate once, in order, not augmented; the last batch may be short."""

    def close(self) -> None:
        """Ends what works in the background for `batches`."""


def steps_for(plates: int, batch_size: int) -> int:
    """The batches that hold `plates` plates, the last one perhaps short."""
    return -(-plates // batch_size)


def batch_slices(plates: int, batch_size: int) -> Iterator[slice]:
    """The slices that cut `plates` plates into batches, in order."""
    for start in range(0, plates, batch_size):
        yield slice(start, min(start + batch_size, plates))


def divided(size: int, share: float) -> tuple[int, int]:
    """A batch of `size` plates as two parts, the second about `share` of it; at least one each.

    >>> divided(64, 0.25), divided(8, 0.01)
    ((48, 16), (7, 1))
    """
    second = min(max(round(size * share), 1), max(size - 1, 1))
    return max(size - second, 1), second


def epoch_order(seed: int, epoch: int, count: int) -> np.ndarray:
    """The permutation, int64 [count], in which epoch `epoch` visits its plates."""
    return np.random.default_rng([seed, epoch, 0, ORDER_STREAM]).permutation(count)


def augment_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The random numbers that augment plate `index` in epoch `epoch`, in whatever order."""
    return np.random.default_rng([seed, epoch, index, AUGMENT_STREAM])


@contextmanager
def bad_input_named() -> Iterator[None]:
    """Turns what TensorFlow makes of an InputError inside a pipeline into that InputError.

    A damaged picture is met by a thread of tf.data, far from whoever draws the batches; TensorFlow
    hands on its words only, between its own and a traceback.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        found = _RAISED_INSIDE.search(str(error))
        if found is None:
            raise
        raise InputError(found["sentence"]) from error

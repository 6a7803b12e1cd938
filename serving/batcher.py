"""Plates of concurrent requests, read together on threads of their own."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
# Fewer are not parted among threads: a run of few plates costs more a plate.
_LEAST_SHARE = 8
Pixels = npt.NDArray[np.uint8]


class _Plate(NamedTuple, Generic[T]):
    pixels: Pixels
    answer: Callable[[T | BaseException], None]
    since: float


class BatchRun(NamedTuple):
    """What one run of the model was: for metrics."""

    plates: int
    seconds: float
    longest_wait: float


class Batcher(Generic[T]):
    """Collects plates while the model runs, and has them read as one batch.

    A batch starts when it is full, when nobody else is on the way, or when its first plate has
    waited for `window` seconds; so a lone caller never waits. Several threads part between them
    what waits.

    Args:
        read: pixels uint8 [n, height, width, 3] -> n results; called by all threads.
        largest: plates in a batch, at most.
        window: seconds.
        threads: that read, each a batch at a time.
        after_run: called after each run and its answers, on the same thread.
    """

    def __init__(
        self,
        read: Callable[[Pixels], Sequence[T]],
        largest: int,
        window: float,
        threads: int = 1,
        after_run: Callable[[BatchRun], None] = lambda _: None,
    ) -> None:
        self._read = read
        self._largest = largest
        self._window = window
        self._after_run = after_run
        self._plates: deque[_Plate[T]] = deque()
        self._coming = 0
        self._idle = threads
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name="chepai-read", daemon=True)
            for _ in range(threads)
        ]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Reads what waits, then ends the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def expect(self) -> None:
        """Says that plates are on the way; `arrived` or `put` with `last` takes it back."""
        with self._changed:
            self._coming += 1

    def arrived(self) -> None:
        """Says that whoever was expected brought what it had."""
        with self._changed:
            self._coming -= 1
            if self._coming == 0:
                self._changed.notify()

    def put(self, pixels: Pixels, answer: Callable[[T | BaseException], None]) -> None:
        """Queues a plate; `answer` gets its result, or the error, on a reading thread."""
        with self._changed:
            self._plates.append(_Plate(pixels, answer, time.monotonic()))
            if len(self._plates) in (1, self._largest):
                self._changed.notify()

    def _work(self) -> None:
        while batch := self._next_batch():
            start = time.monotonic()
            self._answer(batch)
            seconds = time.monotonic() - start
            with self._changed:
                self._idle += 1
            self._after_run(BatchRun(len(batch), seconds, start - batch[0].since))

    def _next_batch(self) -> list[_Plate[T]]:
        """Waits for a batch; empty when closed and nothing waits."""
        with self._changed:
            batch: list[_Plate[T]] = []
            while not batch and (self._plates or not self._closed):
                self._changed.wait_for(lambda: self._plates or self._closed)
                if self._plates:
                    left = self._plates[0].since + self._window - time.monotonic()
                    self._changed.wait_for(self._is_ready, max(0.0, left))
                batch = self._take()
            return batch

    def _take(self) -> list[_Plate[T]]:
        """This thread's share of what waits; none where others were quicker."""
        share = max(_LEAST_SHARE, -(-len(self._plates) // self._idle))
        count = min(self._largest, share, len(self._plates))
        batch = [self._plates.popleft() for _ in range(count)]
        if batch:
            self._idle -= 1
        if self._plates:
            self._changed.notify()
        return batch

    def _is_ready(self) -> bool:
        return len(self._plates) >= self._largest or self._coming == 0 or self._closed

    def _answer(self, batch: Sequence[_Plate[T]]) -> None:
        results: Sequence[T | BaseException]
        try:
            results = self._read(np.stack([plate.pixels for plate in batch]))
        # Whatever a runtime raises belongs to those who asked; the thread goes on for the others.
        except Exception as error:
            results = [error] * len(batch)
        for plate, result in zip(batch, results, strict=True):
            plate.answer(result)

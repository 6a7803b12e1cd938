"""Decoding, the network and whoever takes the readings, at work at the same time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from itertools import chain, islice
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from .sources import Picture, Source, batches_of, decode

Probabilities: TypeAlias = dict[str, npt.NDArray[np.float32]]
# A batch of pictures, and for those that could be decoded each head's softmax [n, width].
Outputs: TypeAlias = tuple[list[Picture], Probabilities]
Run: TypeAlias = Callable[[npt.NDArray[np.uint8]], Probabilities]

# Beyond them Python's own part of decoding, one thread at a time, is what limits.
_MOST_DECODERS = 8
# Few pictures are decoded before another thread has woken up.
_FEW = 2
# A smaller share of a batch would cost a thread's hand-over more than it spreads the work.
_LEAST_SHARE = 8


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pipeline:
    """Sources through decoding and a network, in order and with flat memory.

    While the caller has one batch, others are decoded and inferred. Sources are taken in the
    caller's thread. There are two ways:

    - the network runs in one thread with all processors, a batch at a time; the next batch is
      decoded meanwhile. A single batch does without that thread.
    - many pictures, and a network that also runs on one thread: every thread takes a share of a
      batch and both decodes and infers it. No thread waits for another, nor spins until another
      is ready, which leaves more of the processors to the work itself.

    Threads start when they are needed and stay for the next call.

    Args:
        run: the network: uint8 [n, height, width, 3] to each head's probabilities.
        size: pictures in a batch. A batch of 1 is for live sources: only one more is taken ahead.
        height, width: of the network's input.
        threads: processors to use at most; None for all.
        on_one_thread: makes a `run` that stays on the thread that calls it; None where whole
            batches are better.
    """

    def __init__(
        self,
        run: Run,
        size: int,
        height: int,
        width: int,
        threads: int | None = None,
        on_one_thread: Callable[[], Run | None] | None = None,
    ) -> None:
        self._run = run
        self._size = size
        self._shape = (height, width)
        self._threads = threads or processors()
        self._on_one_thread = on_one_thread

    def outputs(self, sources: Iterable[Source]) -> Iterator[Outputs]:
        """A batch at a time; at most two batches of sources are taken ahead of it."""
        batches = batches_of(sources, self._size)
        ahead = 1 if self._size == 1 else 2
        first = list(islice(batches, ahead + 1))
        if len(first) == 1:
            yield self._infer(self._decode_now(first[0]), self._run)
        elif first:
            spread = len(first) == 3 and self._run_alone is not None
            start = self._start_shares if spread else self._start
            yield from _in_order(start, chain(first, batches), ahead)

    def _start(self, sources: list[Source]) -> _Batch:
        decoding = self._start_decoding(sources)
        return _Batch(decoding, self._network.submit(self._wait_and_infer, decoding))

    def _start_shares(self, sources: list[Source]) -> _Shares:
        share = max(_LEAST_SHARE, -(-len(sources) // self._threads))
        return _Shares(
            [
                self._everything.submit(self._decode_and_infer, sources[start : start + share])
                for start in range(0, len(sources), share)
            ]
        )

    def _decode_now(self, sources: list[Source]) -> list[Picture]:
        if len(sources) <= _FEW:
            return self._decode(sources)
        return _joined(self._start_decoding(sources))

    def _start_decoding(self, sources: list[Source]) -> list[Future[list[Picture]]]:
        # A task a picture would cost as much in hand-overs as a small picture's decoding; some
        # tasks a thread, because pictures take unequally long.
        share = -(-len(sources) // (4 * self._decoding_threads))
        return [
            self._decoders.submit(self._decode, sources[start : start + share])
            for start in range(0, len(sources), share)
        ]

    def _decode(self, sources: list[Source]) -> list[Picture]:
        return [decode(source, *self._shape) for source in sources]

    def _wait_and_infer(self, decoding: list[Future[list[Picture]]]) -> Outputs:
        return self._infer(_joined(decoding), self._run_several)

    def _decode_and_infer(self, sources: list[Source]) -> Outputs:
        assert self._run_alone is not None  # else no share is started
        return self._infer(self._decode(sources), partial(never_one, self._run_alone))

    def _infer(self, pictures: list[Picture], run: Run) -> Outputs:
        pixels = [picture.pixels for picture in pictures if picture.pixels is not None]
        return pictures, run(np.stack(pixels)) if pixels else {}

    def _run_several(self, images: npt.NDArray[np.uint8]) -> Probabilities:
        return self._run(images) if self._size == 1 else never_one(self._run, images)

    @property
    def _decoding_threads(self) -> int:
        return min(_MOST_DECODERS, self._threads)

    @cached_property
    def _decoders(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._decoding_threads, thread_name_prefix="chepai-decode")

    @cached_property
    def _network(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, thread_name_prefix="chepai-network")

    @cached_property
    def _everything(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix="chepai-read")

    @cached_property
    def _run_alone(self) -> Run | None:
        return None if self._on_one_thread is None else self._on_one_thread()


def never_one(run: Run, images: npt.NDArray[np.uint8]) -> Probabilities:
    """Runs a single picture twice over: it is multiplied as those in larger batches are.

    Alone, the seventh digit of a probability may be another; so what a resumed run reads would
    depend on where the first one stopped.
    """
    if len(images) > 1:
        return run(images)
    return {head: values[:1] for head, values in run(np.repeat(images, 2, axis=0)).items()}


class _Job(Protocol):
    """A batch on its way."""

    def result(self) -> Outputs: ...
    def cancel(self) -> None: ...


class _Batch:
    """Decoded by some threads, then inferred by one that waits for them."""

    def __init__(self, decoding: list[Future[list[Picture]]], answer: Future[Outputs]) -> None:
        self._decoding = decoding
        self.result = answer.result
        self._answer = answer

    def cancel(self) -> None:
        self._answer.cancel()
        for task in self._decoding:
            task.cancel()


class _Shares:
    """Each share decoded and inferred by one thread."""

    def __init__(self, shares: list[Future[Outputs]]) -> None:
        self._shares = shares

    def result(self) -> Outputs:
        outputs = [share.result() for share in self._shares]
        pictures = [picture for some, _ in outputs for picture in some]
        answers = [answer for _, answer in outputs if answer]
        heads = answers[0] if answers else {}
        return pictures, {
            head: np.concatenate([answer[head] for answer in answers]) for head in heads
        }

    def cancel(self) -> None:
        for share in self._shares:
            share.cancel()


def _in_order(
    start: Callable[[list[Source]], _Job], batches: Iterable[list[Source]], ahead: int
) -> Iterator[Outputs]:
    """What becomes of the batches, `ahead` of which are on their way while one is looked at."""
    pending: deque[_Job] = deque()
    try:
        for batch in batches:
            pending.append(start(batch))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        # The last ones first, so that none begins when the one before it is dropped.
        for job in reversed(pending):
            job.cancel()


def _joined(decoding: list[Future[list[Picture]]]) -> list[Picture]:
    return [picture for task in decoding for picture in task.result()]

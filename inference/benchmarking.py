"""How fast models read here: side by side, each in a process of its own, round by round.

A process each, because some libraries take their number of threads once, and so that none finds
another's threads in its way. Only one measures at a time; in every round each has its turn, so
that whatever slows the machine for a while slows all of them.
"""

from __future__ import annotations

import itertools
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, Self

import numpy as np

from ..errors import InputError
from ..plate.schema import LabelSchema
from .reader import Reader
from .reading import Reading
from .sources import decode

BATCH = 64
SCOPES = ("end_to_end", "network")
FEWEST_ROUNDS, MOST_ROUNDS = 3, 20
# A turn shorter than this measures how the processor wakes up.
TURN_SECONDS = 0.3
_WARM_UP_SECONDS = 0.25


@dataclass(frozen=True)
class Contender:
    """A model, what runs it, and on how many threads; None: what its suffix calls for, and all."""

    model: str
    runtime: str | None = None
    threads: int | None = None


@dataclass
class Figures:
    """What was measured of one contender, a list a round for each of `SCOPES`.

    Attributes:
        seconds: of single pictures.
        speeds: pictures a second, in batches of `BATCH`.
    """

    seconds: dict[str, list[list[float]]] = field(default_factory=lambda: {s: [] for s in SCOPES})
    speeds: dict[str, list[float]] = field(default_factory=lambda: {s: [] for s in SCOPES})

    def latency(self, scope: str) -> tuple[float, float]:
        """(median, 95th percentile) over all rounds, seconds."""
        every = np.concatenate([np.array(turn) for turn in self.seconds[scope]])
        return float(np.median(every)), float(np.quantile(every, 0.95))

    def speed(self, scope: str) -> float:
        """The median round's, pictures a second."""
        return median(self.speeds[scope])

    def faster_than(self, other: Figures, scope: str) -> tuple[float, float]:
        """How many times (latency, throughput) is better than another's, by the median round.

        The two are compared within each round, so that what slows a round cancels out.
        """
        pairs = zip(self.seconds[scope], other.seconds[scope], strict=True)
        speeds = zip(self.speeds[scope], other.speeds[scope], strict=True)
        return (
            median(median(theirs) / median(ours) for ours, theirs in pairs),
            median(ours / theirs for ours, theirs in speeds),
        )


class Worker:
    """A contender that was loaded in a process of its own; `with` ends it.

    Attributes:
        contender: what it runs.
        schema: what its model's heads mean.

    Raises:
        InputError: the model cannot be loaded so, with the reason.
    """

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, contender), daemon=True)
        self._process.start()
        theirs.close()
        self.schema: LabelSchema = self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join(timeout=10)
        self._process.terminate()

    def prepare(self, pictures: Sequence[bytes]) -> None:
        """Takes the bytes of picture files, to be read again and again, and warms up."""
        self._ask("prepare", list(pictures))

    def latencies(self, scope: str, seconds: float) -> list[float]:
        """Seconds of each single picture, read for about `seconds`."""
        return self._ask("latencies", scope, seconds)

    def speed(self, scope: str, seconds: float) -> float:
        """Pictures a second in batches, over about `seconds`."""
        return self._ask("speed", scope, seconds)

    def read(self, paths: Sequence[Path]) -> list[Reading]:
        """Readings of picture files, one each."""
        return self._ask("read", list(paths))

    def _ask(self, *question: Any) -> Any:
        self._pipe.send(question)
        return self._answer()

    def _answer(self) -> Any:
        try:
            answer, error = self._pipe.recv()
        except EOFError as ended:
            raise InputError(f"the process of {self.contender.model} ended by itself") from ended
        if error is not None:
            raise InputError(error)
        return answer


def measure(workers: Sequence[Worker], seconds: float) -> Iterator[list[Figures]]:
    """Measures all workers in turn for about `seconds`; yields the figures after every round.

    The lists are the same objects each time, and grow; one a worker, in their order.
    """
    turns = 2 * len(SCOPES) * len(workers)
    rounds = round(seconds / turns / TURN_SECONDS)
    rounds = min(MOST_ROUNDS, max(FEWEST_ROUNDS, rounds))
    turn = seconds / turns / rounds
    figures = [Figures() for _ in workers]
    for _ in range(rounds):
        for scope in SCOPES:
            for worker, found in zip(workers, figures, strict=True):
                found.seconds[scope].append(worker.latencies(scope, turn))
            for worker, found in zip(workers, figures, strict=True):
                found.speeds[scope].append(worker.speed(scope, turn))
        yield figures


def _work(pipe: Connection, contender: Contender) -> None:
    """A worker's process: loads, then answers questions until nobody asks any more."""
    # Ctrl-C goes to all processes of a terminal; the one that asks decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        bench = _Bench(contender)
    except Exception as error:
        pipe.send((None, str(error)))
        return
    pipe.send((bench.schema, None))
    while True:
        try:
            name, *values = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((getattr(bench, name)(*values), None))
        except Exception as error:
            pipe.send((None, f"{contender.model}: {error}"))


class _Bench:
    """Times one reader, in whose process it is."""

    def __init__(self, contender: Contender) -> None:
        self._reader = Reader(contender.model, contender.runtime, contender.threads, BATCH)
        self.schema = self._reader.schema

    def prepare(self, pictures: list[bytes]) -> None:
        size = self._reader.input_size
        decoded = itertools.islice(itertools.cycle(pictures), BATCH)
        pixels = [picture.pixels for picture in (decode(data, *size) for data in decoded)]
        readable = [one for one in pixels if one is not None]
        if not readable:
            raise InputError("none of the pictures can be read")
        self._pictures = pictures
        self._batch = np.stack(readable)
        self._singles = itertools.cycle(range(len(pictures)))
        for scope in SCOPES:
            self.latencies(scope, _WARM_UP_SECONDS)
            self.speed(scope, 0.0)

    def latencies(self, scope: str, seconds: float) -> list[float]:
        call = self._read_one if scope == "end_to_end" else self._infer_one
        call()  # what ran before has left the caches cold
        times: list[float] = []
        end = time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
        return times

    def speed(self, scope: str, seconds: float) -> float:
        return self._stream(seconds) if scope == "end_to_end" else self._infer_batches(seconds)

    def read(self, paths: list[Path]) -> list[Reading]:
        return self._reader.read(paths)

    def _read_one(self) -> None:
        self._reader.read(self._pictures[next(self._singles)])

    def _infer_one(self) -> None:
        number = next(self._singles) % len(self._batch)
        self._reader.runtime.run(self._batch[number : number + 1])

    def _infer_batches(self, seconds: float) -> float:
        self._reader.runtime.run(self._batch)
        return _speed(lambda: self._reader.runtime.run(self._batch), seconds, len(self._batch))

    def _stream(self, seconds: float) -> float:
        stream = self._reader.read_stream(itertools.cycle(self._pictures))
        # Readings come a batch at a time; the first ones come before all threads are at work.
        for _ in itertools.islice(stream, 3 * BATCH):
            pass
        speed = _speed(lambda: sum(1 for _ in itertools.islice(stream, BATCH)), seconds, BATCH)
        stream.close()  # type: ignore[attr-defined]
        return speed


def _speed(call: Callable[[], object], seconds: float, pictures: int) -> float:
    """Pictures a second of calls that take `pictures` each, for at least one call."""
    calls = 0
    began = time.perf_counter()
    while not calls or time.perf_counter() - began < seconds:
        call()
        calls += 1
    return calls * pictures / (time.perf_counter() - began)

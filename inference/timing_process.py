"""A process that loads one model and times it, asked from the process that compares."""

from __future__ import annotations

import itertools
import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Self

import numpy as np

from ..errors import InputError
from ..plate.schema import LabelSchema
from .reader import Reader
from .reading import Reading
from .sources import Source, decode

BATCH = 64
SCOPES = ("end_to_end", "network")
_WARM_UP_SECONDS = 0.25


@dataclass(frozen=True)
class Contender:
    """A model and what runs it; None: what its suffix calls for, all threads, the processor."""

    model: str
    runtime: str | None = None
    threads: int | None = None
    provider: str | None = None

    @property
    def engine(self) -> str:
        """Runtime and provider in a word or two; empty where neither was asked for."""
        return ", ".join(name for name in (self.runtime, self.provider) if name)


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

    def read(self, pictures: Sequence[Source]) -> list[Reading]:
        """Readings of pictures, one each."""
        return self._ask("read", list(pictures))

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
        model, runtime = contender.model, contender.runtime
        self._reader = Reader(model, runtime, contender.threads, BATCH, provider=contender.provider)
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

    def read(self, pictures: list[Source]) -> list[Reading]:
        return self._reader.read(pictures)

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

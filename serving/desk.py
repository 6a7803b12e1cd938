"""The desk where requests hand in pictures and get readings: bounded, and off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from ..inference.reader import Reader
from ..inference.reading import Reading
from .batcher import Batcher, BatchRun
from .errors import ServiceError, busy
from .metrics import Metrics
from .pictures import PictureDecoder, Upload
from .rectangles import Rectangle
from .settings import ServiceSettings

_MEMORY = 0.2  # share of the newest run in the running mean of seconds a plate


class Outcome(NamedTuple):
    """The reading of one region; `status` is that of an answer which holds this error only."""

    name: str | None
    rectangle: Rectangle | None
    reading: Reading
    status: int = 200


class Desk:
    """Decodes on a pool of threads and reads in batches on others.

    `expecting` and `hand_in` belong to the event loop's thread.

    Args:
        reader: the model; only the reading threads call it.
        min_confidence: what a reading must reach to be accepted.
        constrain: whether only valid plates are read.
        settings: batch, window, queue, threads and pixels of them count here.
        metrics: where runs and readings are counted.
    """

    def __init__(
        self,
        reader: Reader,
        min_confidence: float,
        constrain: bool,
        settings: ServiceSettings,
        metrics: Metrics,
    ) -> None:
        self._queue = settings.queue
        self._readers = settings.readers if reader.parallel else 1
        self._waiting = 0
        self._seconds_a_plate = 0.005
        self._metrics = metrics
        self._decoder = PictureDecoder(*reader.input_size, settings.max_pixels)
        self._pool = ThreadPoolExecutor(settings.decoders, thread_name_prefix="chepai-decode")
        self._batcher: Batcher[Reading] = Batcher(
            partial(reader.read_pixels, min_confidence=min_confidence, constrain=constrain),
            settings.batch,
            settings.window,
            self._readers,
            self._after_run,
        )

    def open(self) -> None:
        """Begins to read."""
        self._batcher.start()

    def close(self) -> None:
        """Reads what was handed in, then ends all threads."""
        self._pool.shutdown()
        self._batcher.close()

    @property
    def is_reading(self) -> bool:
        """Whether the reading threads are at work."""
        return self._batcher.is_alive

    @property
    def waiting(self) -> int:
        """Plates that were handed in and are not read yet."""
        return self._waiting

    def check_room(self, plates: int = 1) -> None:
        """Raises ServiceError 503 where so many more plates would not find room."""
        if self._waiting + plates > self._queue:
            raise busy(max(1, math.ceil(self._waiting * self._seconds_a_plate)))

    @contextlib.contextmanager
    def expecting(self) -> Iterator[None]:
        """While a request's pictures are on the way, a batch may wait a moment for them."""
        self._batcher.expect()
        try:
            yield
        finally:
            self._batcher.arrived()

    def hand_in(self, uploads: Sequence[Upload]) -> asyncio.Future[list[Outcome]]:
        """Takes pictures; the future gives an outcome for each region, in their order.

        Raises:
            ServiceError: 503 where the queue is full, 413 where it is too short for ever.
        """
        plates = sum(upload.plates for upload in uploads)
        if plates > self._queue:
            raise ServiceError(
                413,
                f"{plates} readings in one request are too many; {self._queue} at most",
                "rects",
            )
        self.check_room(plates)
        job = _Job(plates)
        self._waiting += plates
        job.answer.add_done_callback(partial(self._leave, plates))
        first = 0
        for upload in uploads:
            self._batcher.expect()
            self._pool.submit(self._decode, job, first, upload)
            first += upload.plates
        return job.answer

    def _leave(self, plates: int, _: object) -> None:
        self._waiting -= plates

    def _decode(self, job: _Job, first: int, upload: Upload) -> None:
        """On a thread of the pool."""
        try:
            regions = self._decoder.decode(upload)
            for place, region in enumerate(regions):
                rectangle = upload.rectangles[place] if upload.rectangles else None
                done = partial(job.settle, first + place, upload.name, rectangle)
                if region.pixels is None:
                    done(Reading.failed(region.error or ""), region.status)
                else:
                    self._batcher.put(region.pixels, done)
        except Exception as error:
            job.fail(error)
        finally:
            self._batcher.arrived()

    def _after_run(self, run: BatchRun) -> None:
        seconds = run.seconds / run.plates / self._readers
        self._seconds_a_plate += _MEMORY * (seconds - self._seconds_a_plate)
        self._metrics.ran(run)


class _Job:
    """The outcomes of one request as they come from several threads."""

    def __init__(self, plates: int) -> None:
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[list[Outcome]] = self._loop.create_future()
        self._outcomes: dict[int, Outcome] = {}
        self._plates = plates
        self._lock = threading.Lock()

    def settle(
        self,
        place: int,
        name: str | None,
        rectangle: Rectangle | None,
        result: Reading | BaseException,
        status: int = 200,
    ) -> None:
        """Notes what became of one region; the last one gives the answer."""
        if isinstance(result, BaseException):
            self.fail(result)
            return
        with self._lock:
            self._outcomes[place] = Outcome(name, rectangle, result, status)
            complete = len(self._outcomes) == self._plates
        if complete:
            outcomes = [self._outcomes[place] for place in range(self._plates)]
            self._call(partial(self._give, outcomes))

    def fail(self, error: BaseException) -> None:
        """Ends the request with an error of ours."""
        self._call(partial(self._give, error))

    def _call(self, function: partial[None]) -> None:
        # The loop is closed where a shutdown took longer than it may.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def _give(self, result: list[Outcome] | BaseException) -> None:
        if self.answer.done():
            return
        if isinstance(result, BaseException):
            self.answer.set_exception(result)
        else:
            self.answer.set_result(result)

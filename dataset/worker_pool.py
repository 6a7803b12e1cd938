"""An ordered map over worker processes with a bounded look-ahead."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Any, TypeVar

import cv2

Task = TypeVar("Task")
Result = TypeVar("Result")

LOOK_AHEAD = 4
"""Tasks in flight for each worker: enough to even out slow ones, few enough to stay small."""

_work: Callable[[Any], Any] | None = None


class OrderedMap(Iterator[Result]):
    """Iterates over `work(task)` for every task, in order; endless tasks are welcome.

    Processes start with the first result that is asked for. They are spawned, so a script that
    uses them keeps its doings under `if __name__ == "__main__"`.

    Args:
        work: picklable; each worker gets one copy, which may keep what it loads.
        tasks: small picklable values, drawn only as far ahead as the look-ahead goes.
        workers: processes; 0 works in this one.

    Raises:
        RuntimeError: a worker died. What `work` raises comes through as it was.
    """

    def __init__(self, work: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> None:
        self._work = work
        self._tasks: Iterator[Task] = iter(tasks)
        self._workers = workers
        self._waiting: deque[Future[Result]] = deque()
        self._executor: ProcessPoolExecutor | None = None
        self._closed = False

    def __next__(self) -> Result:
        if self._closed:
            raise StopIteration
        try:
            return self._next_result() if self._workers else self._work(next(self._tasks))
        except CancelledError as error:  # closed by another thread
            raise StopIteration from error
        except BrokenProcessPool as error:
            self.close()
            raise RuntimeError(
                "a worker process died, perhaps for want of memory; data.workers=0 does without"
            ) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Cancels what waits and ends the workers; what they are at, they finish (one task)."""
        self._closed = True
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def _next_result(self) -> Result:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self._workers, get_context("spawn"), _start_worker, (self._work,)
            )
            with _single_threaded_children():
                self._submit(self._workers * LOOK_AHEAD)
        if not self._waiting:
            raise StopIteration
        result = self._waiting.popleft().result()
        self._submit(1)
        return result

    def _submit(self, count: int) -> None:
        if self._executor is not None and not self._closed:
            for task in itertools.islice(self._tasks, count):
                self._waiting.append(self._executor.submit(_run_work, task))


def _start_worker(work: Callable[[Any], Any]) -> None:
    """Prepares a worker: Ctrl-C is the parent's business, and a dead parent ends its workers."""
    global _work  # noqa: PLW0603  (a worker process has nothing but globals to keep things in)
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _run_work(task: Any) -> Any:
    assert _work is not None
    return _work(task)


@contextmanager
def _single_threaded_children() -> Iterator[None]:
    """Processes started inside inherit one BLAS thread: they share the cores already."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

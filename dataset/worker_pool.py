"""An ordered map over worker processes with a bounded look-ahead."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, TypeVar

import cv2

Task = TypeVar("Task")
Result = TypeVar("Result")

LOOK_AHEAD = 4
"""Tasks in flight for each worker: enough to even out slow ones, few enough to stay small."""

_work: Callable[[Any], Any] | None = None


def ordered_map(
    work: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Result]:
    """Yields `work(task)` for every task, in order; endless tasks are welcome.

    Closing the generator (or Ctrl-C in it) cancels what waits and ends the workers.

    Args:
        work: picklable; each worker gets one copy, which may keep what it loads.
        tasks: small picklable values, drawn only as far ahead as the look-ahead goes.
        workers: processes; 0 works in this one.

    Raises:
        RuntimeError: a worker died. What `work` raises comes through as it was.
    """
    if workers == 0:
        yield from map(work, tasks)
        return
    executor = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), _start_worker, (work,)
    )
    try:
        yield from _in_order(executor, iter(tasks), workers * LOOK_AHEAD)
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a worker process died, perhaps for want of memory; data.workers=0 works without any"
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _in_order(executor: ProcessPoolExecutor, tasks: Iterator[Any], ahead: int) -> Iterator[Any]:
    with _single_threaded_children():
        waiting: deque[Future[Any]] = deque(
            executor.submit(_run_work, task) for task in itertools.islice(tasks, ahead)
        )
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(executor.submit(_run_work, task) for task in itertools.islice(tasks, 1))
        yield result


def _start_worker(work: Callable[[Any], Any]) -> None:
    """Prepares a worker: Ctrl-C is the parent's business, and a dead parent ends its workers."""
    global _work  # noqa: PLW0603  (a worker process has nothing but globals to keep things in)
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
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

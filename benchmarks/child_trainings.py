"""Trainings of a benchmark, each in a process of its own, some of them at a time."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_INTERRUPTED = (130, -signal.SIGINT)


class Child(NamedTuple):
    """One training: its name as a person knows it, and the arguments of `--one`."""

    name: str
    options: tuple[str, ...]


def run_children(children: Sequence[Child], jobs: int, lock: int) -> int:
    """Runs this program anew for each child, so that none inherits or ends another.

    Args:
        children: in the order in which they begin.
        jobs: how many at a time.
        lock: of `one_at_a_time`; a child that outlives this process keeps it.

    Returns:
        1 where a training failed, else 0.

    Raises:
        KeyboardInterrupt: a child was interrupted; those that run come to their end first.
    """

    def run(child: Child) -> int:
        print(f"{child.name}\n", end="", flush=True)
        command = [sys.executable, *sys.argv, "--one", *child.options]
        ended = subprocess.run(command, check=False, pass_fds=[lock]).returncode
        if ended in _INTERRUPTED:
            raise KeyboardInterrupt
        if ended:
            print(f"{child.name}: failed with status {ended}\n", end="", flush=True)
        return ended

    pool = ThreadPoolExecutor(jobs)
    try:
        return int(any(list(pool.map(run, children))))
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def one_at_a_time(work: Path) -> Iterator[int]:
    """Two tables at once would take each other's processors, and time is part of the table."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another benchmark works in {work}; wait for it") from None
        yield lock.fileno()

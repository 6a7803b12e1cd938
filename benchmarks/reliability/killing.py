"""Commands that are killed with SIGKILL and begun again, for the benchmarks beside this file."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = (sys.executable, str(ROOT / "run.py"), "--mode")
POLL_SECONDS = 0.0005
Process = subprocess.Popen[bytes]


def start(command: Iterable[str]) -> Process:
    """The command under way, silent."""
    return subprocess.Popen([*command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run_to_its_end(command: Iterable[str]) -> float:
    """Seconds that it took; RuntimeError with what it said where it failed."""
    began = time.perf_counter()
    done = subprocess.run([*command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"status {done.returncode} of {' '.join(command)}:\n{done.stderr}")
    return time.perf_counter() - began


def kill(process: Process) -> bool:
    """Whether SIGKILL met it alive; waits until its workers have ended by themselves too.

    It is stopped at once, at whatever it does, and killed when its workers are known.

    Raises:
        RuntimeError: a worker outlives its parent by a minute.
    """
    process.send_signal(signal.SIGSTOP)
    workers = children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    killed = process.wait() == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while any(is_alive(worker) for worker in workers):
        if time.monotonic() > deadline:
            raise RuntimeError(f"workers outlive their killed parent: {workers}")
        time.sleep(0.05)
    return killed


def children_of(process: int) -> list[int]:
    """Processes that a process started (Linux)."""
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def is_alive(process: int) -> bool:
    """Whether it runs; one that only waits to be asked for its status does not (Linux)."""
    try:
        state = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def wait_until(
    process: Process,
    wanted: Callable[[], bool],
    seconds: float = 600,
    pause: float = POLL_SECONDS,
) -> bool:
    """Whether it came true before the process ended or the time was over."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if wanted():
            return True
        time.sleep(pause)
    return False


def digests(folder: Path, besides: Iterable[str] = ()) -> dict[str, str]:
    """The SHA-256 of every file below a folder, by its name in it; hidden ones are told too."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in besides
    }


def quiet_environment() -> None:
    """What is started from now on says only what matters."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

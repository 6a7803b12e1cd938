"""The service in a process of its own, looked at from outside (Linux)."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from killing import RUN


class Service:
    """Started with options of `serve`; ends by `end`, or with the block that it is opened for.

    Args:
        log: a file for its log; None: it writes none.
        options: further ones.
        before: a command that becomes the service.
    """

    def __init__(self, log: Path | None, *options: str, before: Sequence[str] = ()) -> None:
        self.log = log
        kept = [] if log is None else ["--log-file", str(log)]
        command = [*before, *RUN, "serve", "--port", "0", *kept, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.port = int(line.strip().strip("/").rpartition(":")[2])
        self.memory: list[int] = []

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def note_memory(self) -> None:
        """Adds the bytes that it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        self.memory.append(1024 * int(line.split()[1]))

    def handles(self, seconds: float = 15) -> int:
        """Files and connections that it has open when those that ended had time to be closed."""
        folder = Path(f"/proc/{self.process.pid}/fd")
        counts = [len(list(folder.iterdir()))]
        while len(counts) < seconds:
            time.sleep(1)
            counts.append(len(list(folder.iterdir())))
        return min(counts)

    def answered(self, status: int) -> int:
        """How many requests it says it has answered so."""
        assert self.log is not None
        lines = self.log.read_text("utf-8").splitlines()
        return sum(json.loads(line).get("status") == status for line in lines)

    def end(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(90)

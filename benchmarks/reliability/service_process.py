"""The service in a process of its own, looked at from outside (Linux)."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from killing import RUN


class Service:
    """Started with options of `serve`; ends by `end`, or with the block that it is opened for.

    Args:
        log: a file for its log.
        options: further ones.
    """

    def __init__(self, log: Path, *options: str) -> None:
        self.log = log
        command = [*RUN, "serve", "--port", "0", "--log-file", str(log), *options]
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
        lines = self.log.read_text("utf-8").splitlines()
        return sum(json.loads(line).get("status") == status for line in lines)

    def end(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(90)

"""Reads a list on a Ray cluster of two workers, kills one of them, and says what came of it.

Arguments: the model, the list, and the file for the answer. A program of its own, because Ray
leaves sockets and warnings behind.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path


def workers() -> set[int]:
    """The processes in which Ray runs this program's readers."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::") and b"_Worker" in title and _is_ours(int(folder.name)):
            found.add(int(folder.name))
    return found


def _is_ours(process: int) -> bool:
    while process > 1:
        if process == os.getpid():
            return True
        try:
            # The parent stands second after the name, which may hold anything but ")".
            status = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return False
        process = int(status[1])
    return False


def main() -> None:
    model, names, answer = sys.argv[1:]
    import ray

    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    from chepai.inference.ray_engine import RayEngine

    engine = RayEngine(model, None, None, 0.83, True, workers=2, window=9000)
    rows, seen, killed = [], set(), None
    for number, reading in enumerate(engine.read(Path(names).read_text().splitlines())):
        rows.append(reading.to_dict())
        if number % 64 == 0:
            seen |= workers()
        if number == 300:
            killed = min(workers())
            os.kill(killed, signal.SIGKILL)
    Path(answer).write_text(
        json.dumps({"rows": rows, "killed": killed, "seen": sorted(seen)}), encoding="utf-8"
    )


if __name__ == "__main__":
    main()

"""The three doors that pictures of strangers come in by, tried in a process of their own.

`fuzz_images.py` starts it: `python fuzz_doors.py DOOR FIRST END SIZE SEED` tries the inputs FIRST
to END, SIZE at a time, and writes a line of JSON to standard output when some are made and about to
be tried, and one for each that was. What was being tried when it dies or hangs is thus known: what
follows the last line; and how long that took does not count the making.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from hostile_images import hostile_images
from picture_mutations import mutated

READ = "read"
Door = Callable[[list[bytes]], list[str]]
_MEGABYTE = 2**20


class DoorError(Exception):
    """The door gave no answer, or one that it must not give."""


def inputs(first: int, end: int, seed: int) -> Iterator[tuple[int, str, bytes]]:
    """(number, name, bytes): first the corpus, then mutations; a number is always the same."""
    count = 0
    for count, (name, data) in enumerate(itertools.islice(hostile_images(), end), 1):
        if count > first:
            yield count - 1, name, data
    for number in range(max(first, count), end):
        yield number, *mutated(number, seed)


def main() -> None:
    """Tries the inputs that the command line names."""
    name, first, end, size, seed = sys.argv[1], *map(int, sys.argv[2:])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    # Decoders print what they think of a picture; nobody reads it here.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    door = DOORS[name]()
    print(json.dumps({"ready": True}), file=out)
    stream = inputs(first, end, seed)
    while batch := list(itertools.islice(stream, size)):
        print(json.dumps({"trying": batch[0][0]}), file=out)
        for line in _tried(door, batch):
            print(json.dumps(line), file=out)


def _tried(door: Door, batch: list[tuple[int, str, bytes]]) -> Iterator[dict[str, Any]]:
    wall, busy = time.perf_counter(), time.process_time()
    try:
        outcomes = door([data for _, _, data in batch])
    except Exception as error:
        outcomes = [f"!{type(error).__name__}: {error}"] * len(batch)
    # On a busy machine a process waits; with several threads it works for longer than it takes.
    seconds = min(time.perf_counter() - wall, time.process_time() - busy) / len(batch)
    memory = _memory()
    for (number, name, _), outcome in zip(batch, outcomes, strict=True):
        yield {"number": number, "name": name, "outcome": outcome, "seconds": seconds} | memory


def _memory() -> dict[str, float]:
    """Megabytes that this process holds now, and the most that it ever held."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    now = pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"mb": round(now, 1), "most_mb": round(most, 1)}


def _reader_door() -> Door:
    """`Reader.read`, a picture at a time."""
    from chepai import Reader

    reader = Reader("default", threads=1)

    def read(files: list[bytes]) -> list[str]:
        return [reading.error or READ for data in files for reading in reader.read(data)]

    return read


def _predict_door() -> Door:
    """The command line as it is: a folder in, a table out, with everything it can write beside."""
    return _predict


def _predict(files: list[bytes]) -> list[str]:
    from chepai.run import main as run

    with tempfile.TemporaryDirectory() as place:
        folder, table = Path(place, "pictures"), Path(place, "table.csv")
        folder.mkdir()
        for number, data in enumerate(files):
            (folder / f"{number:06}.jpg").write_bytes(data)
        beside = ["--report", f"{place}/report.html", "--save-rejected", f"{place}/rejected"]
        status = run(["predict", str(folder), "--threads", "1", "--output", str(table), *beside])
        if status not in (0, 1) or not table.exists():
            raise DoorError(f"predict ended with status {status}")
        with table.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    if [Path(row["file"]).name for row in rows] != [f"{n:06}.jpg" for n in range(len(files))]:
        raise DoorError(f"{len(files)} pictures have {len(rows)} rows")
    return [row["error"] or READ for row in rows]


def _service_door() -> Door:
    """`POST /api/v1/read` of the application, a request for each picture."""
    from chepai import Reader
    from chepai.serving.app import create_app
    from chepai.serving.settings import make_settings
    from starlette.testclient import TestClient

    app = create_app(Reader("default", threads=1), make_settings(max_bytes=80 * _MEGABYTE))
    client = TestClient(app, raise_server_exceptions=False)
    client.__enter__()
    return partial(_served, client)


def _served(client: Any, files: list[bytes]) -> list[str]:
    outcomes = []
    for data in files:
        answer = client.post("/api/v1/read", files={"img": ("a.jpg", data)})
        if answer.status_code not in (200, 413, 415, 422):
            raise DoorError(f"status {answer.status_code}: {answer.text[:200]}")
        outcomes.append(READ if answer.status_code == 200 else answer.json()["error"])
    return outcomes


DOORS: dict[str, Callable[[], Door]] = {
    "reader": _reader_door,
    "predict": _predict_door,
    "service": _service_door,
}

if __name__ == "__main__":
    main()

"""One reader, a million small plates: memory, handles, threads and latency over time.

    python benchmarks/reliability/long_reading.py [--readings 1000000] [--model NAME] [--json FILE]

(Linux.) Small pictures as bytes, arrays and files, one in a hundred of them damaged, are read alone
(whose time is the latency), in batches and as a stream, by one `Reader`. Every text has to be that
of the first time. Status 1 where a text changes, where handles or threads grow, or where memory
grows by 5 % or more after the first fifth, or the median latency by half.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
from chepai import Reader
from chepai.inference.files import sample_pictures
from chepai.plate.image import load_image, resize

WINDOWS = 20
ROUND = 200
"""Readings: a tenth of them alone, the others in batches and as a stream."""
MOST_GROWTH, SLOWER = 0.05, 1.5


@dataclass
class Window:
    """A part of the time: what was held at its end, and how fast it was."""

    readings: int = 0
    wrong: int = 0
    seconds: float = 0.0
    memory: int = 0
    handles: int = 0
    threads: int = 0
    median_ms: float = 0.0
    p99_ms: float = 0.0
    latencies: list[float] = field(default_factory=list, repr=False)

    def close(self, seconds: float) -> None:
        """Takes the figures of its end."""
        self.seconds = seconds
        self.memory = memory()
        self.handles = len(os.listdir("/proc/self/fd"))
        self.threads = threading.active_count()
        ordered = sorted(self.latencies)
        self.median_ms = 1000 * statistics.median(ordered)
        self.p99_ms = 1000 * ordered[int(0.99 * (len(ordered) - 1))]
        self.latencies = []


def memory() -> int:
    """Bytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main(arguments: list[str] | None = None) -> int:
    """Prints a row a window; 1 where something grew or changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default")
    parser.add_argument("--readings", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(arguments)
    reader = Reader(args.model, threads=args.threads)
    with tempfile.TemporaryDirectory() as folder:
        windows = read_on(reader, small_plates(Path(folder)), args.readings)
    first, last = windows[len(windows) // 5], windows[-1]
    growth = last.memory / first.memory - 1
    print(f"\nmemory {growth:+.1%} from the fifth on; {sum(w.wrong for w in windows)} wrong texts")
    if args.json:
        args.json.write_text(json.dumps([asdict(w) for w in windows], indent=1) + "\n", "utf-8")
    return int(
        any(window.wrong for window in windows)
        or growth >= MOST_GROWTH
        or last.handles > first.handles
        or last.threads > first.threads
        or last.median_ms > SLOWER * first.median_ms
    )


def small_plates(folder: Path) -> list[Any]:
    """Sources of all kinds: a JPEG's bytes, an array, a path; the last one is damaged."""
    found: list[Any] = []
    for number, file in enumerate(sample_pictures()):
        image = resize(load_image(file), 24, 94)
        data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
        path = folder / f"{number}.jpg"
        path.write_bytes(data)
        found.append((data, image, path)[number % 3])
    return found


def read_on(reader: Reader, plates: Sequence[Any], readings: int) -> list[Window]:
    """All windows, each printed at its end."""
    sources = [*plates, b"\xff\xd8 damaged"]
    texts = [reading.text for reading in reader.read(sources)]
    order = random.Random(1)
    often = [100] * len(plates) + [len(plates)]
    print("| readings | a second | memory MB | handles | threads | median ms | p99 ms | wrong |")
    print("|---|---|---|---|---|---|---|---|")
    windows, done = [], 0
    for _ in range(WINDOWS):
        window, began = Window(), time.perf_counter()
        while window.readings < readings / WINDOWS:
            places = order.choices(range(len(sources)), often, k=ROUND)
            read_round(reader, [sources[i] for i in places], [texts[i] for i in places], window)
        window.close(time.perf_counter() - began)
        done += window.readings
        windows.append(window)
        print(
            f"| {done:,} | {window.readings / window.seconds:,.0f} | {window.memory / 1e6:.1f} | "
            f"{window.handles} | {window.threads} | {window.median_ms:.2f} | {window.p99_ms:.2f} | "
            f"{window.wrong} |",
            flush=True,
        )
    return windows


def read_round(
    reader: Reader, sources: Sequence[Any], texts: Sequence[str], window: Window
) -> None:
    """A tenth alone, the others at once and as a stream."""
    found = []
    alone, middle = len(sources) // 10, len(sources) // 2
    for source in sources[:alone]:
        began = time.perf_counter()
        found += reader.read(source)
        window.latencies.append(time.perf_counter() - began)
    found += reader.read(sources[alone:middle])
    found += reader.read_stream(iter(sources[middle:]))
    window.wrong += sum(r.text != text for r, text in zip(found, texts, strict=True))
    window.readings += len(found)


if __name__ == "__main__":
    sys.exit(main())

"""How much of the network's own speed is left when whole files are read.

Three things take turns, so that whatever slows the machine slows them alike: the network alone
on all processors, decoding and resizing alone on all processors, and `predict`'s whole work from
files to rows of CSV. Run from the repository's root:
`python benchmarks/bulk.py [--model default] [--small MODEL] [--json FILE]`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from chepai.inference.files import sample_pictures
from chepai.inference.machine import describe_machine
from chepai.inference.pipeline import processors
from chepai.inference.pretrained import shipped_models
from chepai.inference.reader import Reader
from chepai.inference.sources import decode
from chepai.inference.writers import open_writer

OF_NETWORK = 0.85
"""What a large model keeps of the network's own speed, at least."""
OF_ALL = 0.95
"""What a small one keeps of the speed of network, decoding and resizing one after another."""
BATCH = 64


@dataclass(frozen=True)
class Speeds:
    """Plates a second, the median of all rounds; shares within the rounds."""

    model: str
    network: float
    decoding: float
    predict: float
    of_network: float
    of_all: float


def main() -> int:
    """Measures, prints the table, and returns 1 where a share is smaller than promised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default", help=f"keeps {OF_NETWORK} of the network's")
    parser.add_argument("--small", help=f"keeps {OF_ALL} of everything's; none: fast, if shipped")
    parser.add_argument("--seconds", type=float, default=60, help="for each model")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    args = parser.parse_args()
    small = args.small or ("fast" if "fast" in shipped_models() else None)
    with tempfile.TemporaryDirectory() as folder:
        files = copies(Path(folder), 32 * BATCH)
        large = measure(args.model, files, args.seconds)
        rows = [large] if small is None else [large, measure(small, files, args.seconds)]
    print_table(rows)
    if args.json:
        values = {"machine": describe_machine(), "results": [asdict(row) for row in rows]}
        args.json.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    missed = large.of_network < OF_NETWORK or any(row.of_all < OF_ALL for row in rows[1:])
    return int(missed)


def copies(folder: Path, count: int) -> list[Path]:
    """The package's sample plates as many files, as a folder of a camera's crops."""
    samples = [path.read_bytes() for path in sample_pictures()]
    files = [folder / f"{number:06}.jpg" for number in range(count)]
    for path, data in zip(files, itertools.cycle(samples), strict=False):
        path.write_bytes(data)
    return files


def measure(model: str, files: list[Path], seconds: float) -> Speeds:
    """Lets the three take turns, at least three each, a slow one with fewer pictures."""
    reader = Reader(model, batch_size=BATCH)
    size = reader.input_size
    pixels = np.stack([decode(path, *size).pixels for path in files[:BATCH]])
    reader.runtime.run(pixels)
    began = time.perf_counter()
    reader.runtime.run(pixels)
    batches = int(seconds / 9 / (time.perf_counter() - began) / 2)
    count = BATCH * max(8, min(len(files) // BATCH, batches))
    turns: dict[str, Callable[[], None]] = {
        "network": lambda: run_network(reader, pixels, count),
        "decoding": lambda: decode_all(files[:count], size),
        "predict": lambda: predict(reader, files[:count]),
    }
    times: dict[str, list[float]] = {name: [] for name in turns}
    end = time.perf_counter() + seconds
    for call in turns.values():
        call()  # warm
    while len(times["predict"]) < 3 or time.perf_counter() < end:
        for name, call in turns.items():
            began = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - began)
    return speeds(model, times, count)


def speeds(model: str, times: dict[str, list[float]], count: int) -> Speeds:
    """The figures of turns that took these seconds for `count` pictures each."""
    rounds = list(zip(times["network"], times["decoding"], times["predict"], strict=True))
    return Speeds(
        model,
        *(count / median(times[name]) for name in ("network", "decoding", "predict")),
        of_network=median(network / whole for network, _, whole in rounds),
        of_all=median((network + decoding) / whole for network, decoding, whole in rounds),
    )


def run_network(reader: Reader, pixels: np.ndarray, count: int) -> None:
    """The network alone, on all processors."""
    for _ in range(count // BATCH):
        reader.runtime.run(pixels)


def decode_all(files: list[Path], size: tuple[int, int]) -> None:
    """Reading, decoding and resizing alone, on all processors."""
    chunks = [files[start : start + 16] for start in range(0, len(files), 16)]
    with ThreadPoolExecutor(processors()) as pool:
        for _ in pool.map(lambda some: [decode(path, *size) for path in some], chunks):
            pass


def predict(reader: Reader, files: list[Path]) -> None:
    """All that `predict --output x.csv` does."""
    with tempfile.TemporaryDirectory() as folder, open_writer(Path(folder) / "x.csv") as writer:
        for reading in reader.read_stream(files):
            writer.add(reading)


def print_table(rows: list[Speeds]) -> None:
    """A Markdown table."""
    print("| model | network alone | decoding alone | predict | of the network | of both |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row.model} | {row.network:,.0f}/s | {row.decoding:,.0f}/s | "
            f"{row.predict:,.0f}/s | {row.of_network:.3f} | {row.of_all:.3f} |"
        )


if __name__ == "__main__":
    raise SystemExit(main())

"""Kills `predict` with SIGKILL at random moments and resumes it: are the rows the same?

For .csv and .jsonl: one undisturbed run, then one that is killed again and again and at last left
to end; both tables have to be equal byte for byte. Run from the repository's root:
`python benchmarks/reliability/predict_resume.py [--kills 20] [--pictures 4000] [--model NAME]`.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import random
import tempfile
import time
from pathlib import Path

from chepai.inference.files import sample_pictures
from chepai.inference.resuming import partial_path
from killing import RUN, Process, kill, start, wait_until


def main() -> int:
    """Prints a row a format; 1 where a table differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default")
    parser.add_argument("--pictures", type=int, default=4000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    moments = random.Random(args.seed)
    print("| table | rows | kills | before a row | torn rows | equal |")
    print("|---|---|---|---|---|---|")
    equal = True
    for suffix in (".csv", ".jsonl"):
        with tempfile.TemporaryDirectory() as folder:
            equal &= row(Path(folder), suffix, args, moments)
    return int(not equal)


def row(folder: Path, suffix: str, args: argparse.Namespace, moments: random.Random) -> bool:
    """Both runs of one format; whether their tables are equal."""
    pictures = odd_pictures(folder / "pictures", args.pictures)
    whole, killed = folder / f"whole{suffix}", folder / f"killed{suffix}"
    command = [*RUN, "predict", str(pictures), "--model", args.model, "--resume", "--output"]
    process = start([*command, str(whole)])
    wait_for_rows(process, whole, 0)
    began = time.perf_counter()
    process.wait()
    longest = 2 * (time.perf_counter() - began) / args.kills
    kills, early, torn = kill_again_and_again(
        [*command, str(killed)], killed, args.kills, longest, moments
    )
    start([*command, str(killed)]).wait()
    equal = whole.read_bytes() == killed.read_bytes()
    rows = rows_of(whole)
    print(f"| {suffix} | {rows} | {kills} | {early} | {torn} | {'yes' if equal else 'NO'} |")
    return equal and rows == args.pictures


def wait_for_rows(process: Process, output: Path, size: int) -> None:
    """Until the unfinished table has more than `size` bytes and more than a header, or it ends."""
    partial = partial_path(output)
    wait_until(process, lambda: partial.exists() and partial.stat().st_size > max(size, 100))


def rows_of(table: Path) -> int:
    """How many readings a table holds; a name with a line's end takes two lines of CSV."""
    with table.open(encoding="utf-8", newline="") as stream:
        return (
            sum(1 for _ in csv.reader(stream)) - 1 if table.suffix == ".csv" else len(list(stream))
        )


def kill_again_and_again(
    command: list[str], output: Path, most: int, longest: float, moments: random.Random
) -> tuple[int, int, int]:
    """Kills runs, every fourth before it has a row; how many in all, so early, and with a torn row.

    Ends before `most` where a run was done before its kill.
    """
    partial, kills, early, torn = partial_path(output), 0, 0, 0
    while kills < most and not output.exists():
        size = partial.stat().st_size if partial.exists() else 0
        process = start(command)
        if kills % 4:
            wait_for_rows(process, output, size)
        time.sleep(moments.uniform(0, longest))
        kills += kill(process)
        now = partial.read_bytes() if partial.exists() else b""
        early += len(now) <= size
        torn += bool(now) and not now.endswith(b"\n")
    return kills, early, torn


def odd_pictures(folder: Path, count: int) -> Path:
    """The sample plates again and again, one in fifty of them no picture, some oddly named."""
    folder.mkdir()
    samples = [path.read_bytes() for path in sample_pictures()]
    names = ("{}.jpg", "{} 京,A.jpg", '{} "b".jpg', "{} two\nlines.jpg")
    for number, data, name in zip(
        range(count), itertools.cycle(samples), itertools.cycle(names), strict=False
    ):
        content = b"no picture" if number % 50 == 0 else data
        (folder / name.format(f"{number:06}")).write_bytes(content)
    return folder


if __name__ == "__main__":
    raise SystemExit(main())

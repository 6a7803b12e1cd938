"""Kills `render` and `make-tfrecord` with SIGKILL at random moments and begins them again.

    python benchmarks/reliability/making_resume.py [--kills 20] [--plates 400] [--seed 7]

For rendered pictures, TFRecords and arrays: one undisturbed run, then one that is killed again and
again and at last left to end. Both folders have to hold the same files with the same bytes, and
nothing else. Status 1 where they do not, or where most runs end before they are killed.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from killing import RUN, digests, kill, quiet_environment, run_to_its_end, start, wait_until

MOST_ENDED = 5  # runs that are over before their kill, for each kill that is wanted


def main() -> int:
    """Prints a row a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--plates", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    quiet_environment()
    moments = random.Random(args.seed)
    print("| command | files | kills | of these at work | ended before | equal |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        pictures = place / "render-whole"
        rendered = [*RUN, "render", "--count", str(args.plates), "--workers", "1", "--output"]
        tfrecords = [*RUN, "make-tfrecord", str(pictures / "labels.tsv"), "--workers", "1"]
        arrays = [*tfrecords, "--format", "array", "--output"]
        return int(
            not all(
                [
                    row("render", rendered, place, "", args.kills, moments),
                    row("tfrecord", [*tfrecords, "--output"], place, "/all", args.kills, moments),
                    row("array", arrays, place, "", args.kills, moments),
                ]
            )
        )


def row(
    name: str, command: list[str], place: Path, below: str, kills: int, moments: random.Random
) -> bool:
    """Both runs of one command, whose last word, the output, is `below` a folder of its own."""
    whole, killed = place / f"{name}-whole", place / f"{name}-killed"
    seconds = work_seconds([*command, f"{whole}{below}"], whole)
    wanted = digests(whole)
    count, at_work, ended, equal = 0, 0, 0, True
    while count < kills and ended < MOST_ENDED * kills:
        before = stamp(killed)
        process = start([*command, f"{killed}{below}"])
        if count % 4:  # every fourth is killed while it starts
            wait_until(process, lambda before=before: stamp(killed) != before)
        time.sleep(moments.uniform(0, seconds))
        if kill(process):
            count += 1
            at_work += stamp(killed) != before
        else:
            ended += 1
            equal &= digests(killed) == wanted
            shutil.rmtree(killed)
    run_to_its_end([*command, f"{killed}{below}"])
    equal &= digests(killed) == wanted
    told = "yes" if equal else "NO"
    print(f"| {name} | {len(wanted)} | {count} | {at_work} | {ended} | {told} |", flush=True)
    return equal and count == kills


def work_seconds(command: list[str], folder: Path) -> float:
    """Runs a command to its end; seconds from the first file on."""
    process = start(command)
    wait_until(process, lambda: bool(stamp(folder)))
    began = time.perf_counter()
    if process.wait():
        raise RuntimeError(f"status {process.returncode} of {' '.join(command)}")
    return time.perf_counter() - began


def stamp(folder: Path) -> int:
    """Another number whenever a file comes, goes or is renamed; 0 where there is no folder."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    sys.exit(main())

"""Kills `render` and `make-tfrecord` with SIGKILL at random moments and begins them again.

    python benchmarks/reliability/making_resume.py [--kills 20] [--plates 400] [--seed 7]

For rendered pictures, TFRecords and arrays: one undisturbed run, then one that is killed again and
again and at last left to end. Both folders have to hold the same files with the same bytes, and
nothing else. Status 1 where they do not.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from killing import RUN, digests, kill, quiet_environment, run_to_its_end, start


def main() -> int:
    """Prints a row a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--plates", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    quiet_environment()
    moments = random.Random(args.seed)
    print("| command | files | kills | of these at work | equal |")
    print("|---|---|---|---|---|")
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
    seconds = run_to_its_end([*command, f"{whole}{below}"])
    count, at_work = 0, 0
    for _ in range(kills):
        process = start([*command, f"{killed}{below}"])
        time.sleep(moments.uniform(0, seconds))
        count += kill(process)
        at_work += killed.is_dir() and any(killed.iterdir())
    run_to_its_end([*command, f"{killed}{below}"])
    equal = digests(whole) == digests(killed)
    files = len(digests(whole))
    print(f"| {name} | {files} | {count} | {at_work} | {'yes' if equal else 'NO'} |", flush=True)
    return equal


if __name__ == "__main__":
    sys.exit(main())

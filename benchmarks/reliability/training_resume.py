"""Kills a training with SIGKILL at random moments and resumes it: are the weights the same?

    python benchmarks/reliability/training_resume.py [--kills 20] [--epochs 60] [--seed 7]

A tiny classifier on rendered plates, drawn by a worker process. One undisturbed run; then one that
is killed while it starts, in steps (while plates are rendered), in the checkpoint, in the best
weights and in the metrics file, resumed each time, and at last left to end. Its weights, averages,
optimizer state and metrics have to be equal to the last bit. Status 1 where they are not, or where
the training ends before the last kill.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
import time
import zipfile
from collections import Counter
from datetime import datetime
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
from killing import RUN, Process, kill, quiet_environment, run_to_its_end, start, wait_until

TINY = {
    "model.height": 16,
    "model.width": 48,
    "model.backbone_options": "{widths: [8, 8, 8, 8], blocks: [1, 1, 1, 1]}",
    "train.batch_size": 16,
    "train.log_batches": 1,
    "render.plates_per_epoch": 96,
    "data.validation_plates": 32,
    "data.workers": 1,
    "optimizer.ema": 0.9,
}
# A file that is being written, by what is being written.
HALVES = {"checkpoint": ".last.", "best": ".best.", "metrics": ".metrics.", "final": ".final."}
MOMENTS = ("step", "checkpoint", "metrics", "start", "step", "best", "checkpoint", "metrics")
COMPARED = ("last.keras", "best.keras", "final.keras")


def main() -> int:
    """Prints what was hit and whether all is equal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    quiet_environment()
    with tempfile.TemporaryDirectory() as folder:
        return compare(Path(folder), args)


def compare(folder: Path, args: argparse.Namespace) -> int:
    """Both runs in a folder."""
    seconds = run_to_its_end(train(folder / "whole", args.epochs))
    whole = folder / "whole" / "resnet18-001"
    killer = Killer(
        folder / "killed", args.epochs, random.Random(args.seed), epoch_seconds(whole / "train.log")
    )
    for kind in itertools.islice(itertools.cycle(MOMENTS), args.kills):
        if not killer.strike(kind):
            break
    ended = run_to_its_end(killer.command())
    killed = killer.run()
    assert killed is not None
    differing = [name for name in COMPARED if arrays(whole / name) != arrays(killed / name)]
    if (whole / "metrics.csv").read_bytes() != (killed / "metrics.csv").read_bytes():
        differing.append("metrics.csv")
    left = [path.name for path in killed.iterdir() if "partial" in path.name]
    found = ", ".join(f"{count} {name}" for name, count in sorted(killer.hits.items()))
    print("| epochs | kills | met | differing files | left behind |")
    print("|---|---|---|---|---|")
    told = (", ".join(names) or "none" for names in (differing, left))
    print(f"| {args.epochs} | {sum(killer.hits.values())} | {found} | {' | '.join(told)} |")
    print(f"\nundisturbed {seconds:.0f} s; the last resumption {ended:.0f} s")
    return int(bool(differing or left) or sum(killer.hits.values()) < args.kills)


def train(output: Path, epochs: int) -> list[str]:
    """The command of a new run."""
    sets = [f"--set={key}={value}" for key, value in {**TINY, "train.epochs": epochs}.items()]
    return [*RUN, "train", "--preset", "resnet18", "--no-report", "--output", str(output), *sets]


class Killer:
    """Starts or resumes a training and kills it.

    Args:
        output: parent of its run folders: one that is killed before it has a checkpoint is begun
            anew.
        epochs: of the training.
        moments: random numbers.
        epoch_seconds: about how long an epoch takes.
    """

    def __init__(
        self, output: Path, epochs: int, moments: random.Random, epoch_seconds: float
    ) -> None:
        self.output, self.epochs = output, epochs
        self.moments, self.epoch_seconds = moments, epoch_seconds
        self.hits: Counter[str] = Counter()

    def run(self) -> Path | None:
        """The newest folder that can be resumed."""
        folders = sorted(self.output.glob("*/last.keras"))
        return folders[-1].parent if folders else None

    def command(self) -> list[str]:
        """What goes on with the training."""
        run = self.run()
        if run is None:
            return train(self.output, self.epochs)
        return [*RUN, "train", "--no-report", "--resume", str(run)]

    def strike(self, kind: str) -> bool:
        """Kills at a moment of that kind; False where the training has ended before it."""
        old = self.halves()
        begun = self.logged("training begins")
        process = start(self.command())
        if kind == "start":
            time.sleep(self.moments.uniform(0, 6))
        elif wait_until(process, lambda: self.logged("training begins") > begun):
            self.wait_for(kind, process)
        if not kill(process):
            return False
        # What was aimed at may have been over already: the half file that is left tells.
        new = self.halves() - old
        hit = [name for name, begin in HALVES.items() if any(f.startswith(begin) for f in new)]
        self.hits[hit[0] if hit else "start" if kind == "start" else "step"] += 1
        return True

    def wait_for(self, kind: str, process: Process) -> None:
        """For up to two epochs, then until a file of that kind is being written, or a while."""
        ends = self.logged(" ends: ") + self.moments.randint(0, 2)
        wait_until(process, lambda: self.logged(" ends: ") >= ends)
        time.sleep(self.moments.uniform(0, self.epoch_seconds))
        if kind in HALVES:
            run, begin = self.run(), HALVES[kind]
            # Small files are there for less than a millisecond.
            wait_until(
                process,
                lambda: run is not None and any(f.startswith(begin) for f in os.listdir(run)),
                20 * self.epoch_seconds,
                pause=0,
            )

    def halves(self) -> set[str]:
        """Names of files that are being written, or were when the process was killed."""
        run = self.run()
        return set() if run is None else {f for f in os.listdir(run) if f.startswith(".")}

    def logged(self, words: str) -> int:
        """How often the log of the newest run says something."""
        run = self.run()
        log = run / "train.log" if run else None
        return log.read_text("utf-8").count(words) if log and log.exists() else 0


def epoch_seconds(log: Path) -> float:
    """How long an epoch took on average, by the times in a log."""
    ends = [line[:23] for line in log.read_text("utf-8").splitlines() if " ends: " in line]
    first, last = (datetime.strptime(ends[place], "%Y-%m-%d %H:%M:%S,%f") for place in (0, -1))
    return (last - first).total_seconds() / max(1, len(ends) - 1)


def arrays(model: Path) -> dict[str, bytes]:
    """Every array of a `.keras` file by its place in it, as bytes."""
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(model) as archive:
        data = BytesIO(archive.read("model.weights.h5"))
    with h5py.File(data) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: np.asarray(item).tobytes()})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return found


if __name__ == "__main__":
    sys.exit(main())

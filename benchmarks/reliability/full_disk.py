"""Fills the disk under training, rendering and the making of data sets: what is left is whole.

    python benchmarks/reliability/full_disk.py [--rounds 10] [--seed 7]          (Linux)

The disk is a small one in memory (tmpfs) in a mount namespace of its own, which wants root or user
namespaces. In each round a training runs on it until a random moment; then a file takes all but a
little of its room. The training has to end with status 2 and one sentence, its last checkpoint has
to be whole, and, once there is room again, to go on to the weights of an undisturbed run. Then
`render` and `make-tfrecord` meet disks too small for them. Status 1 where anything is otherwise.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from killing import RUN, digests, quiet_environment, run_to_its_end, wait_until
from training_resume import COMPARED, arrays, epoch_seconds, train

EPOCHS = 6
INSIDE = "CHEPAI_IN_A_MOUNT_NAMESPACE"


def main() -> int:
    """Prints a row a round and a row a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    if INSIDE not in os.environ:
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        command = ["unshare", *user, "--mount", "--", sys.executable, *sys.argv]
        return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode
    quiet_environment()
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(Path(folder) / "disk")
        good = trainings(Path(folder), disk, args) & makings(Path(folder), disk)
    return int(not good)


class Disk:
    """A tmpfs at a path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ballast = path / "ballast"
        path.mkdir()

    def mount(self, size: int) -> None:
        """An empty one of so many bytes."""
        options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
        subprocess.run(["mount", *options, str(self.path)], check=True)

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.path)], check=True)

    def fill(self, left: int) -> None:
        """Leaves so many bytes free."""
        state = os.statvfs(self.path)
        with self.ballast.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, state.f_bavail * state.f_frsize - left)


def trainings(folder: Path, disk: Disk, args: argparse.Namespace) -> bool:
    """Whether all rounds went as they should."""
    run_to_its_end(train(folder / "whole", EPOCHS))
    whole = folder / "whole" / "resnet18-001"
    wanted = [arrays(whole / name) for name in COMPARED]
    size = (whole / "last.keras").stat().st_size
    moments = random.Random(args.seed)
    print("| bytes left | status | what it said | checkpoint | resumed as undisturbed |")
    print("|---|---|---|---|---|")
    good = True
    for _ in range(args.rounds):
        disk.mount(64 * 2**20)
        left = moments.randrange(0, size, 4096)  # less than the next checkpoint takes
        status, said = train_until_full(disk, left, epoch_seconds(whole / "train.log"), moments)
        run = disk.path / "resnet18-001"
        is_whole = bool(arrays(run / "last.keras"))
        disk.ballast.unlink()
        run_to_its_end([*RUN, "train", "--no-report", "--resume", str(run)])
        equal = [arrays(run / name) for name in COMPARED] == wanted
        disk.unmount()
        sentence = said.splitlines()[-1] if said else ""
        clear = "cannot write" in sentence and f"continue with --resume {run}" in sentence
        print(
            f"| {left:,} | {status} | {sentence.replace(str(disk.path), '')} | "
            f"{'whole' if is_whole else 'BROKEN'} | {'yes' if equal else 'NO'} |",
            flush=True,
        )
        good &= status == 2 and clear and is_whole and equal
    return good


def train_until_full(
    disk: Disk, left: int, seconds: float, moments: random.Random
) -> tuple[int, str]:
    """Status and standard error of a training whose disk fills up in one of its epochs."""
    command = train(disk.path, EPOCHS)
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    log = disk.path / "resnet18-001" / "train.log"
    ends = moments.randint(0, EPOCHS - 2)
    wait_until(
        process,
        lambda: (
            log.exists()
            and "training begins" in (text := log.read_text("utf-8"))
            and text.count(" ends: ") >= ends
        ),
    )
    time.sleep(moments.uniform(0, seconds))
    disk.fill(left)
    _, said = process.communicate()
    return process.returncode, said.strip()


def makings(folder: Path, disk: Disk) -> bool:
    """Whether commands that make data sets end well where there is no room, and where there is."""
    pictures = folder / "pictures"
    rendered = [*RUN, "render", "--count", "100", "--workers", "0", "--output"]
    run_to_its_end([*rendered, str(pictures)])
    records = [*RUN, "make-tfrecord", str(pictures / "labels.tsv"), "--workers", "0", "--output"]
    small = 2**17
    print("\n| command | status | what it said | half files | again with room |")
    print("|---|---|---|---|---|")
    good = True
    for name, command, below in (
        ("render", rendered, ""),
        ("make-tfrecord", records, "/all"),
        ("make-tfrecord --format array", [*records[:-1], "--format", "array", "--output"], ""),
    ):
        run_to_its_end([*command, f"{folder / name.replace(' ', '')}{below}"])
        disk.mount(small)
        output = f"{disk.path / 'made'}{below}"
        ended = subprocess.run([*command, output], capture_output=True, text=True, check=False)
        halves = [path.name for path in disk.path.rglob(".*.partial*")]
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk.path)], check=True)
        run_to_its_end([*command, output])
        equal = digests(folder / name.replace(" ", "")) == digests(disk.path / "made")
        disk.unmount()
        sentence = ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else ""
        print(
            f"| {name} | {ended.returncode} | {sentence.replace(str(disk.path), '')} | "
            f"{', '.join(halves) or 'none'} | {'the same' if equal else 'OTHERS'} |",
            flush=True,
        )
        good &= ended.returncode == 2 and "cannot write" in sentence and not halves and equal
    return good


if __name__ == "__main__":
    sys.exit(main())

"""Hostile pictures through `Reader`, `predict` and the service: does any of them crash or hang?

The corpus of `hostile_images.py`, then whole pictures mutated by the grammar of their formats, in
child processes: one that dies, or that works on a picture for more than a second of the processor's
time (twice: another process on the same core makes every one slower), is seen, its input is kept,
and another goes on behind it. Run from the repository's root:
`python benchmarks/reliability/fuzz_images.py [--inputs 100000] [--door NAME …] [--json FILE]`.
Status 1 where something crashed, hung, grew, took a gigabyte or was refused without a clear reason.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import queue
import re
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fuzz_doors import READ, inputs

HERE = Path(__file__).resolve().parent
# Inputs that a door is given together; on trouble they are tried again one by one.
SIZES = {"reader": 1, "predict": 250, "service": 1}
START_SECONDS = 120  # for a door to open, on a busy machine
PREDICT_SECONDS = 3.0  # that `predict` takes besides, and for each further picture of a batch
FURTHER_SECONDS = 0.02
MOST_WAIT = 60  # times the limit: a child that gets no processor is not one that hangs
MOST_GROWTH = 0.2  # of memory behind the first fifth of the inputs
EACH = 50  # inputs after which the memory is noted
MOST_MB = 1000  # at any time: the most pixels that are decoded, several times
_UNCLEAR = re.compile(r"OpenCV|Traceback|Error\b|Exception|at 0x|^!|^\s*$")


@dataclass
class Findings:
    """What one door did with all inputs."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    crashes: list[dict[str, Any]] = field(default_factory=list)
    hangs: list[dict[str, Any]] = field(default_factory=list)
    slow_once: list[int] = field(default_factory=list)
    unclear: list[dict[str, Any]] = field(default_factory=list)
    slowest: dict[str, Any] = field(default_factory=lambda: {"seconds": 0.0})
    peak_mb: float = 0.0
    held_mb: list[float] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether all promises were kept."""
        bounded = self.growth <= MOST_GROWTH and self.peak_mb <= MOST_MB
        return bounded and not (self.crashes or self.hangs or self.unclear)

    @property
    def memory(self) -> tuple[float, float]:
        """Megabytes held in the second and in the last fifth, medians: single pictures are large,
        and what they took goes back to the system when it likes.
        """
        fifth = len(self.held_mb) // 5
        if not fifth:
            return (self.peak_mb, self.peak_mb)
        second, last = self.held_mb[fifth : 2 * fifth], self.held_mb[-fifth:]
        return (statistics.median(second), statistics.median(last))

    @property
    def growth(self) -> float:
        """Of memory, as a share."""
        second, last = self.memory
        return max(0.0, last / second - 1) if second else 0.0

    def add(self, line: dict[str, Any]) -> None:
        """Counts one answer."""
        self.inputs += 1
        outcome = line["outcome"]
        if outcome == READ:
            self.read += 1
        else:
            self.refused += 1
            reason = re.sub(r"\d[\d,]*", "N", outcome)[:120]
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
            if _UNCLEAR.search(outcome):
                self.unclear.append({key: line[key] for key in ("number", "name", "outcome")})
        if line["seconds"] > self.slowest["seconds"]:
            self.slowest = {key: line[key] for key in ("number", "name", "outcome", "seconds")}
        if self.inputs % EACH == 0:
            self.held_mb.append(line["mb"])
        self.peak_mb = max(line["most_mb"], self.peak_mb)


class Child:
    """A process that tries inputs; gives their lines, or None where it died or hangs."""

    def __init__(self, door: str, first: int, end: int, size: int, seed: int) -> None:
        command = [sys.executable, str(HERE / "fuzz_doors.py"), door]
        command += map(str, (first, end, size, seed))
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put("")

    def outcome(self, limit: float) -> dict[str, Any] | None:
        """The next input's line. What is to be tried is made before, in its own time."""
        line = self.line(START_SECONDS)
        return self.line(limit) if line is not None and "trying" in line else line

    def line(self, limit: float) -> dict[str, Any] | None:
        """The next line; None where there is none after `limit` seconds of work, or ever."""
        began, busy = time.monotonic(), self._busy()
        while time.monotonic() - began < MOST_WAIT * limit:
            try:
                text = self._lines.get(timeout=limit / 4)
                return json.loads(text) if text else None
            except queue.Empty:
                if self._busy() - busy > limit:
                    return None
        return None

    def _busy(self) -> float:
        """Seconds of the processor that it has used."""
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2]
            return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def end(self) -> int | None:
        """Ends it; its status where it had died by itself."""
        status = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            # Whose last line was read is about to end.
            status = self.process.wait(0.2)
        self.process.kill()
        self.process.wait()
        self._listener.join()
        return status


def try_door(door: str, count: int, seed: int, limit: float, keep: Path | None) -> Findings:
    """All inputs through one door; `keep` takes those that it did not survive."""
    findings = Findings()
    place = careful = 0
    while place < count:
        size = 1 if place < careful else SIZES[door]
        end = careful if place < careful else count
        child = Child(door, place, end, size, seed)
        child.line(START_SECONDS)
        most = limit + (door == "predict") * PREDICT_SECONDS + (size - 1) * FURTHER_SECONDS
        while place < end and (line := child.outcome(most)) is not None:
            findings.add(line)
            place = line["number"] + 1
        status = child.end()
        if place < end and size > 1:
            careful = min(place + size, count)
        elif place < end and status is None and place not in findings.slow_once:
            findings.slow_once.append(place)
        elif place < end:
            _note(findings, door, place, seed, status, keep)
            place += 1
    return findings


def _note(
    findings: Findings, door: str, number: int, seed: int, status: int | None, keep: Path | None
) -> None:
    [(_, name, data)] = inputs(number, number + 1, seed)
    found = {"number": number, "name": name, "bytes": len(data), "status": status}
    (findings.hangs if status is None else findings.crashes).append(found)
    findings.inputs += 1
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{door}-{number}.bin").write_bytes(data)


def main() -> int:
    """Prints a row a door and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--door", action="append", choices=SIZES, help="repeatable; none: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=1.0, help="seconds for a picture")
    parser.add_argument("--keep", type=Path, default=Path("generated/fuzzing"), help="for inputs")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    began = time.monotonic()
    doors = {}
    print("| door | inputs | read | refused | crashes | hangs | unclear | slowest | memory |")
    print("|---|---|---|---|---|---|---|---|---|")
    for door in args.door or SIZES:
        found = try_door(door, args.inputs, args.seed, args.limit, args.keep)
        doors[door] = found
        print(_row(door, found), flush=True)
    if args.json is not None:
        figures = {name: asdict(f) | {"growth": round(f.growth, 4)} for name, f in doors.items()}
        report = {"date": datetime.date.today().isoformat(), "seed": args.seed, "doors": figures}
        report |= {"inputs": args.inputs, "seconds": round(time.monotonic() - began)}
        args.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return 0 if all(found.good for found in doors.values()) else 1


def _row(door: str, found: Findings) -> str:
    lists = (found.crashes, found.hangs, found.unclear)
    second, last = found.memory
    return (
        f"| {door} | {found.inputs:,} | {found.read:,} | {found.refused:,} | "
        f"{' | '.join(str(len(each)) for each in lists)} | {found.slowest['seconds']:.2f} s "
        f"({found.slowest.get('name')}) | {second:.0f} to {last:.0f}"
        f", at most {found.peak_mb:.0f} MB |"
    )


if __name__ == "__main__":
    raise SystemExit(main())

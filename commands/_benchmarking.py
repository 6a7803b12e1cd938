"""What `benchmark` shows: its data, and its figures as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ..dataset.pictures import readable_source
from ..dataset.source import batch_slices
from ..inference.benchmarking import Figures
from ..inference.files import sample_pictures
from ..inference.timing_process import BATCH, SCOPES, Contender, Worker
from ..plate.schema import LabelSchema
from ._evaluating import LabelledSet, ReadSet, evaluate_sets, load_set

if TYPE_CHECKING:
    from ..inference.reading import Reading
    from ..training.evaluation import Accuracy

MOST_PICTURES = 256
"""Of labelled sets, read again and again for the speed: enough to be of all their sizes."""


@dataclass(frozen=True)
class Measured:
    """A contender's figures; its accuracy where there were labelled plates."""

    contender: Contender
    figures: Figures = field(repr=False)
    accuracy: Accuracy | None = None

    @property
    def threads(self) -> str:
        """`1`, `2` … or `all`."""
        return str(self.contender.threads or "all")

    @property
    def label(self) -> str:
        """Model, runtime and threads in a few words."""
        runtime = f", {self.contender.engine}" if self.contender.engine else ""
        plural = "" if self.threads == "1" else "s"
        return f"{self.contender.model}{runtime}, {self.threads} thread{plural}"


def labelled_sets(paths: Sequence[str], schema: LabelSchema) -> list[LabelledSet]:
    """The labelled plates of `--data`. Raises InputError where one cannot be read."""
    return [load_set(path, schema) for path in paths]


def speed_pictures(sets: Sequence[LabelledSet]) -> list[bytes]:
    """The bytes of picture files, evenly from all over the sets; of none the sample plates.

    Of a photograph it is the plate alone, as JPEG: what a detector would hand over.
    """
    records = [record for each in sets for record in each.records]
    if not records:
        return [path.read_bytes() for path in sample_pictures()]
    step = -(-len(records) // MOST_PICTURES)
    found = map(readable_source, records[::step])
    return [
        _file_of(source) for source in found if not isinstance(source, Path) or source.is_file()
    ]


def _file_of(source: np.ndarray | Path) -> bytes:
    if isinstance(source, Path):
        return source.read_bytes()
    return cv2.imencode(".jpg", np.ascontiguousarray(source[..., ::-1]))[1].tobytes()


def accuracy_of(worker: Worker, sets: Sequence[LabelledSet]) -> Accuracy | None:
    """The share of plates that it reads right; None without plates."""
    if not sets:
        return None
    read = [ReadSet(each, tuple(_read(worker, each)), 0.0) for each in sets]
    name = worker.contender.model
    return evaluate_sets(read, 0.0, worker.schema, name, name).plate


def _read(worker: Worker, labelled: LabelledSet) -> Iterator[Reading]:
    for part in batch_slices(len(labelled.records), MOST_PICTURES):
        yield from worker.read([readable_source(record) for record in labelled.records[part]])


def benchmark_table(measured: Sequence[Measured], machine: dict[str, Any], pictures: int) -> str:
    """A markdown table, the machine, and what the columns mean."""
    with_accuracy = any(one.accuracy for one in measured)
    header = [
        "model", "runtime", "threads", "ms (p95)", "network ms (p95)", "plates/s",
        "network plates/s", "faster, one", "faster, many", *(["read right"] * with_accuracy),
    ]  # fmt: skip
    rows = [
        header,
        ["---"] * len(header),
        *(_row(one, measured, with_accuracy) for one in measured),
    ]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{table}\n\n"
        f"{machine['processor']}, {machine['processors']} processors, {machine['system']}, load "
        f"{machine['load']}; Python {machine['python']}, {versions}; {machine['date']}.\n"
        f"ms: one of {pictures} pictures from its file's bytes to its reading, median; plates/s: "
        f"the same in batches of {BATCH}; network: without decoding, resizing and texts. Faster: "
        f"times the first model of as many threads, end to end."
    )


def to_json(measured: Sequence[Measured]) -> dict[str, Any]:
    """Every figure, under the names that users' programs depend on."""
    return {"batch": BATCH, "results": [_entry(one, measured) for one in measured]}


def _entry(one: Measured, measured: Sequence[Measured]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "model": one.contender.model,
        "runtime": one.contender.runtime,
        "provider": one.contender.provider,
        "threads": one.contender.threads,
        "rounds": len(one.figures.speeds["network"]),
    }
    for scope in SCOPES:
        middle, slow = one.figures.latency(scope)
        latency, throughput = one.figures.faster_than(_first(one, measured).figures, scope)
        values[scope] = {
            "median_ms": 1e3 * middle,
            "p95_ms": 1e3 * slow,
            "plates_per_second": one.figures.speed(scope),
            "latency_ratio": latency,
            "throughput_ratio": throughput,
        }
    if one.accuracy is not None:
        values["plate_accuracy"] = one.accuracy.accuracy
        values["plate_accuracy_interval"] = list(one.accuracy.interval)
    return values


def _first(one: Measured, measured: Sequence[Measured]) -> Measured:
    """What it is compared with: the first model on as many threads."""
    return next(other for other in measured if other.threads == one.threads)


def _row(one: Measured, measured: Sequence[Measured], with_accuracy: bool) -> list[str]:
    latency, throughput = one.figures.faster_than(_first(one, measured).figures, "end_to_end")
    cells = [one.contender.model, one.contender.engine or "-", one.threads]
    for scope in SCOPES:
        middle, slow = one.figures.latency(scope)
        cells.append(f"{1e3 * middle:.2f} ({1e3 * slow:.2f})")
    cells += [f"{one.figures.speed(scope):.0f}" for scope in SCOPES]
    cells += [f"{latency:.2f}", f"{throughput:.2f}"]
    if with_accuracy and one.accuracy is not None and one.accuracy.accuracy is not None:
        low, high = one.accuracy.interval
        cells.append(f"{100 * one.accuracy.accuracy:.2f} % ({100 * low:.2f} to {100 * high:.2f} %)")
    return cells

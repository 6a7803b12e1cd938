"""What `test` and the end of `train` share: labelled pictures through a reader to figures."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..dataset.file_util import read_plates
from ..dataset.pictures import picture_of, readable_source
from ..errors import InputError
from ..files import write_text
from ..plate.codec import UNKNOWN, encode
from ..plate.image import ImageError, load_image
from ..plate.schema import LabelSchema
from ..training.evaluation import Accuracy, Evaluation, evaluate_readings
from ..training.report import markdown_report
from ..utils.progress import progress

if TYPE_CHECKING:
    from ..dataset.records import PlateRecord
    from ..inference.reader import Reader
    from ..inference.reading import Reading

PICTURES = ("confusions", "coverage", "provinces", "errors")
MOST_ERRORS = 32  # on the sheet of the worst ones


@dataclass(frozen=True)
class LabelledSet:
    """Pictures with their truth; `left_out` counts those whose reading could not be judged."""

    name: str
    records: tuple[PlateRecord, ...]
    left_out: int = 0


@dataclass(frozen=True)
class ReadSet:
    """A labelled set with a model's readings of it, one a record, and the seconds they took."""

    labelled: LabelledSet
    readings: tuple[Reading, ...]
    seconds: float


def load_set(path: str, schema: LabelSchema, file_schema: LabelSchema | None = None) -> LabelledSet:
    """Labelled pictures of a label file or folder, named after it.

    Args:
        path: of the label file or folder.
        schema: the model's. Plates that it cannot spell, or with an unknown character, are
            left out.
        file_schema: whose class indices the file holds; None: the model's.

    Raises:
        InputError: the file is damaged, or nothing in it can be judged.
    """
    records = read_plates(path, file_schema or schema, skip_unencodable=True)
    kept = [record for record in records if _can_be_judged(record, schema)]
    left_out = len(records) - len(kept) + len(records.skipped)
    if not kept:
        raise InputError(f"{path} holds no plate that the schema {schema.name} can spell")
    return LabelledSet(path, tuple(kept), left_out)


def read_set(reader: Reader, labelled: LabelledSet, constrain: bool = True) -> ReadSet:
    """Reads every picture of the set, valid plates only if `constrain`; shows progress.

    Raises:
        InputError: none of the pictures can be read.
    """
    began = time.perf_counter()
    sources = map(readable_source, labelled.records)
    readings = reader.read_stream(sources, constrain=constrain)
    listed = tuple(progress(readings, len(labelled.records), "plates"))
    unread = [each for each in zip(labelled.records, listed, strict=True) if each[1].error]
    if unread:
        record, reading = unread[0]
        sentence = f"of {labelled.name} {len(unread)} of {len(listed)} pictures cannot be read"
        first = f"the first is {record.path}: {reading.error}"
        if len(unread) == len(listed):
            raise InputError(f"{sentence}; {first}")
        print(f"{sentence} and count as wrong; {first}", file=sys.stderr)
    return ReadSet(labelled, listed, time.perf_counter() - began)


def evaluate_sets(
    sets: Sequence[ReadSet], min_confidence: float, schema: LabelSchema, name: str, model: str
) -> Evaluation:
    """The figures of all these sets together, under `name`."""
    return evaluate_readings(
        [record for each in sets for record in each.labelled.records],
        [reading for each in sets for reading in each.readings],
        min_confidence,
        schema,
        name=name,
        model=model,
        seconds=sum(each.seconds for each in sets),
        left_out=sum(each.labelled.left_out for each in sets),
    )


def write_report(
    folder: Path, sets: Sequence[ReadSet], evaluations: Sequence[Evaluation], whole: Evaluation
) -> None:
    """Writes `report.md` and the four pictures that it shows into `folder`.

    Args:
        folder: made where it is missing.
        sets, evaluations: one a data set, in the same order.
        whole: over all of them; the only one where there is one.
    """
    from ..utils import plots

    combined = whole if len(evaluations) > 1 else None
    pictures = "\n".join(f"![{name}]({name}.png)\n" for name in PICTURES)
    write_text(folder / "report.md", markdown_report(evaluations, combined) + "\n" + pictures)
    plots.plot_confusions(whole.confusions, folder / "confusions.png")
    plots.plot_coverage(whole.curve, whole.min_confidence, folder / "coverage.png")
    plots.plot_accuracies(
        _bars(whole.per_province), "Plate accuracy per province", folder / "provinces.png"
    )
    plots.plot_errors(list(_worst_errors(sets)), folder / "errors.png")


def _can_be_judged(record: PlateRecord, schema: LabelSchema) -> bool:
    if UNKNOWN in record.text:
        return False
    try:
        encode(schema, record.text)
    except InputError:
        return False
    return True


def _bars(groups: dict[str, Accuracy]) -> dict[str, tuple[int, float, tuple[float, float]]]:
    return {
        name: (group.plates, group.accuracy, group.interval)
        for name, group in groups.items()
        if group.accuracy is not None
    }


def _worst_errors(sets: Sequence[ReadSet]) -> Iterable[tuple[np.ndarray, str, str, float]]:
    """(picture, truth, reading, confidence) of misread plates, the most confident ones first."""
    pairs = [
        (record, reading)
        for each in sets
        for record, reading in zip(each.labelled.records, each.readings, strict=True)
        if record.text and reading.error is None and record.text != reading.text
    ]
    pairs.sort(key=lambda pair: -pair[1].confidence)
    for record, reading in pairs[:MOST_ERRORS]:
        try:
            image = load_image(picture_of(record))
        except ImageError:
            continue
        yield image, record.text, reading.text, reading.confidence

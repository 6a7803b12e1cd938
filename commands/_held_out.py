"""What `calibrate` reads: a model's own outputs for labelled pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..dataset.pictures import readable_source
from ..errors import InputError
from ..plate.codec import encode
from ..plate.schema import LabelSchema
from ..training.calibrating import HeldOut
from ..utils.progress import progress
from ._evaluating import load_set
from ._families import check_heads

if TYPE_CHECKING:
    from ..dataset.records import PlateRecord
    from ..inference.reader import Reader


def load_records(
    paths: Sequence[str], schema: LabelSchema, file_schema: LabelSchema | None
) -> tuple[list[PlateRecord], int]:
    """The labelled pictures of all paths, and how many plates could not be judged.

    Raises:
        InputError: a label file that is damaged, or a picture that is named twice.
    """
    sets = [load_set(path, schema, file_schema) for path in paths]
    records = [record for each in sets for record in each.records]
    seen: set[Path] = set()
    for record in records:
        path = record.path.resolve()
        if path in seen:
            raise InputError(f"--data names {record.path} twice; it would count as two plates")
        seen.add(path)
    return records, sum(each.left_out for each in sets)


def read_held_out(reader: Reader, records: Sequence[PlateRecord]) -> tuple[HeldOut, int]:
    """The model's own outputs for every picture, and how many pictures could not be opened.

    Raises:
        InputError: none of them can be opened, or the model reads by columns.
    """
    check_heads(reader.card.family, "calibrate")
    readable: list[PlateRecord] = []
    outputs: list[dict[str, npt.NDArray[np.float32]]] = []
    reason = ""
    rows = zip(records, _each_picture(reader, records, outputs), strict=True)
    for record, error in progress(rows, len(records), "plates"):
        if error is None:
            readable.append(record)
        else:
            reason = reason or f"{record.path}: {error}"
    if not readable:
        raise InputError(f"none of the pictures can be read; the first is {reason}")
    schema = reader.schema
    held_out = HeldOut(
        tuple(record.text for record in readable),
        np.stack([_labels(record, schema) for record in readable]),
        {name: np.concatenate([each[name] for each in outputs]) for name in schema.head_names},
    )
    return held_out, len(records) - len(readable)


def _each_picture(
    reader: Reader,
    records: Sequence[PlateRecord],
    outputs: list[dict[str, npt.NDArray[np.float32]]],
) -> Iterator[str | None]:
    """Why each picture cannot be read, or None; the model's answers are added to `outputs`."""
    for pictures, probabilities in reader.outputs(map(readable_source, records)):
        if probabilities:
            outputs.append(probabilities)
        for picture in pictures:
            yield picture.error


def _labels(record: PlateRecord, schema: LabelSchema) -> npt.NDArray[np.int32]:
    """By the model's schema; the label file may have had another one."""
    colours, rows = schema.head_of("colour"), schema.head_of("rows")
    colour = record.colour if colours and record.colour in colours.indices else None
    row = record.rows if rows and str(record.rows) in rows.indices else None
    return encode(schema, record.text, colour, row)

"""From label files to records: texts or class indices become labels of one schema."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..plate.codec import describe, encode
from ..plate.grammar import colour_of, normalise_text
from ..plate.schema import LabelSchema, load_schema
from ..utils.label_lines import LabelLine, read_label_file
from .ccpd_records import is_ccpd, read_ccpd_records
from .records import PlateRecord


class RecordList(list[PlateRecord]):
    """Records; `skipped` says of every line that was left out where it is and why."""

    def __init__(self, records: Iterable[PlateRecord] = (), skipped: Iterable[str] = ()) -> None:
        super().__init__(records)
        self.skipped = tuple(skipped)


def read_records(
    path: str | Path, schema: LabelSchema, skip_unencodable: bool = False
) -> RecordList:
    """Reads a label file or a folder of pictures named after their plates.

    The formats are in `utils/label_lines.py`; pictures lie relative to the label file. A colour
    that the schema lacks is masked. Whether the pictures exist is not looked at.

    Args:
        path: the label file, or a folder.
        schema: what the labels are made for. The original's ten columns are also read for a
            schema of other heads, by way of their texts.
        skip_unencodable: leave plates out that the schema cannot spell, and say so in
            `RecordList.skipped`, where otherwise the first of them is an error.

    Raises:
        InputError: naming the file and line, what is wrong there.
    """
    file = read_label_file(path, schema)
    records, skipped = [], []
    for line in file.lines:
        try:
            records.append(_record(line, schema))
        except InputError as error:
            place = f"{file.path}, line {line.line}" if file.format != "names" else f"{line.path}"
            if not skip_unencodable or (line.fault and file.format != "names"):
                raise InputError(f"{place}: {error}") from error
            skipped.append(f"{place}: {error}")
    return RecordList(records, skipped)


def read_plates(
    path: str | Path, schema: LabelSchema, skip_unencodable: bool = False
) -> RecordList:
    """As `read_records`, and of a CCPD tree or a split of it: see `ccpd_records.py`.

    Unfitting plates of a tree are always left out. Its records have a `box`.
    """
    if is_ccpd(path):
        return RecordList(*read_ccpd_records(path, schema))
    return read_records(path, schema, skip_unencodable)


def _record(line: LabelLine, schema: LabelSchema) -> PlateRecord:
    if line.fault:
        raise InputError(line.fault)
    if line.labels is not None:
        return _from_classes(line, line.labels, schema)
    text = normalise_text(line.text or "", schema)
    colour = colour_of(line.colour, schema) if line.colour else None
    rows = line.rows if schema.head_of("rows") is not None else None
    labels = encode(schema, text, colour, rows)
    return PlateRecord(line.path, labels, text, colour, line.rows, line.line)


def _from_classes(line: LabelLine, classes: tuple[int, ...], schema: LabelSchema) -> PlateRecord:
    original = load_schema("original")
    if len(classes) != len(schema.heads) and len(classes) == len(original.heads):
        plate = describe(original, classes)
        colour = colour_of(plate.colour or "", schema)
        labels = encode(schema, plate.text, colour)
        return PlateRecord(line.path, labels, plate.text, colour, None, line.line)
    plate = describe(schema, classes)
    labels = np.array(classes, np.int32)
    return PlateRecord(line.path, labels, plate.text, plate.colour, plate.rows, line.line)

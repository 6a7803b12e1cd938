"""CLPD: 1,200 photographs of all provinces with a CSV of corners and texts.

`path,x1,y1,x2,y2,x3,y3,x4,y4,label`: corners from the left top clockwise; written in GBK. Some
plates are partly covered and have fewer characters; they are left out when plates are cut.
Zhang et al., "A Robust Attentional Framework for License Plate Recognition in the Wild", 2021;
github.com/wangpengnorman/CLPD_dataset.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..plate.grammar import normalise_text
from ..utils.label_lines import read_text
from .plate_cut import PhotographedPlate

SUBSET = "clpd"
_FIELDS = 10
_GREEN_LENGTH = 8


def read_clpd(file: str | Path) -> list[PhotographedPlate]:
    """The plates that a CLPD.csv lists, in its order, all of them for test.

    The colour is green for eight characters and otherwise unknown.

    Raises:
        InputError: the file cannot be read or is empty, or a line, named, is not as above.
    """
    file = Path(file)
    plates = []
    rows = csv.reader(read_text(file).splitlines())
    for row in rows:
        if not any(row) or row[0].strip().lower() == "path":
            continue
        try:
            plates.append(_plate(row, file))
        except ValueError as error:
            raise InputError(
                f"{file}, line {rows.line_num}: expected path, eight coordinates and the label; "
                f"received {','.join(row)!r}"
            ) from error
    if not plates:
        raise InputError(f"{file} lists no plates")
    return plates


def _plate(row: list[str], file: Path) -> PhotographedPlate:
    if len(row) != _FIELDS:
        raise ValueError("a wrong number of fields")
    corners = np.array([float(value) for value in row[1:9]]).reshape(4, 2)
    if not np.isfinite(corners).all():
        raise ValueError("a coordinate is no number")
    text = normalise_text(row[9])
    (x1, y1), (x2, y2) = np.floor(corners.min(0)), np.ceil(corners.max(0))
    return PhotographedPlate(
        _find(row[0].strip().replace("\\", "/"), file.parent),
        text,
        corners,
        (int(x1), int(y1), int(x2), int(y2)),
        SUBSET,
        split="test",
        colour="green" if len(text) == _GREEN_LENGTH else None,
    )


def _find(name: str, folder: Path) -> Path:
    """The photograph; the CSV may lie beside the folder `CLPD_1200` or in it."""
    candidates = (folder / name, folder.parent / name, folder / Path(name).name)
    return next((path for path in candidates if path.is_file()), candidates[0])

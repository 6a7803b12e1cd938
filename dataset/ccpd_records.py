"""A CCPD tree as labelled plates where it lies: cut by the box, labels from the file names."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..plate.codec import encode
from ..plate.grammar import is_possible
from ..plate.schema import LabelSchema
from ..utils.label_lines import LABEL_FILES
from .ccpd import parse_name, pictures_in, read_ccpd
from .plate_cut import PhotographedPlate
from .records import PlateRecord

SPLITS = ("train", "validation", "test")


def without_split(path: str | Path) -> tuple[Path, str | None]:
    """A path and the split that it ends with.

    >>> without_split("data/CCPD2019:train")
    (PosixPath('data/CCPD2019'), 'train')
    >>> without_split("data/CCPD2019")
    (PosixPath('data/CCPD2019'), None)
    """
    place, colon, split = str(path).rpartition(":")
    if colon and split in SPLITS:
        return Path(place), split
    return Path(path), None


def is_ccpd(path: str | Path) -> bool:
    """Whether a folder is CCPD as it is unpacked, or one of its subsets; not what was cut of it."""
    place, _ = without_split(path)
    if not place.is_dir() or any((place / name).is_file() for name in LABEL_FILES):
        return False
    folders = [place, *(inner for inner in place.iterdir() if inner.is_dir())]
    subsets = [folder for folder in folders if folder.name.startswith("ccpd_")]
    photographs = (file for folder in subsets for file in pictures_in(folder))
    return any(parse_name(file, "") is not None for file in photographs)


def read_ccpd_records(path: str | Path, schema: LabelSchema) -> tuple[list[PlateRecord], list[str]]:
    """The plates of a tree, and of those that were left out why.

    Left out are plates that the schema cannot spell and texts that no kind of plate has; pictures
    without a label, as `ccpd_np` has them, are passed over.

    Args:
        path: the tree, or one of its `ccpd_…` folders; `…:train`, `…:validation` and `…:test` are
            parts by the official split.
        schema: what the labels are made for.

    Raises:
        InputError: the tree holds no labelled plate, or none of that split.
    """
    place, split = without_split(path)
    plates = [p for p in read_ccpd(place).plates if split is None or p.split == split]
    if not plates:
        what = "labelled plate" if split is None else f"plate of the split {split}"
        raise InputError(f"{place} holds no {what}")
    records, skipped = [], []
    for number, plate in enumerate(plates, 1):
        try:
            records.append(_record(plate, schema, number))
        except InputError as error:
            skipped.append(f"{plate.path}: {error}")
    return records, skipped


def _record(plate: PhotographedPlate, schema: LabelSchema, number: int) -> PlateRecord:
    colours = schema.head_of("colour")
    colour = plate.colour if colours and plate.colour in colours.indices else None
    rows = plate.rows if schema.head_of("rows") else None
    labels = encode(schema, plate.text, colour, rows)
    if not is_possible(plate.text, schema):
        raise InputError(f"{plate.text!r} is of no kind of plate")
    return PlateRecord(plate.path, labels, plate.text, colour, rows, number, plate.box)

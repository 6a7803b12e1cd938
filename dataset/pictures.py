"""The pictures of records: cut out where a record says so, kept in memory where that is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..plate.image import ImageError, load_image, resize
from .batch_reader import Picture
from .plate_cut import cut_box
from .records import PlateRecord


def picture_of(record: PlateRecord) -> Picture:
    """The path of a record's picture, or the plate cut out of it, uint8 RGB [h, w, 3].

    Raises:
        ImageError: the picture that it is cut out of cannot be read, named.
    """
    if record.box is None:
        return str(record.path)
    return cut_box(load_image(record.path), record.box, None)


def readable_source(record: PlateRecord) -> np.ndarray | Path:
    """What a reader is given: as `picture_of`, and the path of what cannot be read."""
    if record.box is None:
        return record.path
    try:
        return cut_box(load_image(record.path), record.box, None)
    except ImageError:
        return record.path


class Pictures:
    """Pictures of records by number, in threads as well.

    Args:
        records: the plates.
        keep: height and width; pictures are decoded once, resized to it and kept; None: they are
            read anew each time. A plate of 94 x 24 takes 6.8 kB.
    """

    def __init__(self, records: Sequence[PlateRecord], keep: tuple[int, int] | None = None) -> None:
        self._records = records
        self._keep = keep
        self._kept: dict[int, np.ndarray] = {}

    def __call__(self, numbers: Iterable[int]) -> list[Picture]:
        """The pictures of these records, in order.

        Raises:
            ImageError: one that is kept or cut out cannot be read, named.
        """
        return [self._picture(int(number)) for number in numbers]

    def _picture(self, number: int) -> Picture:
        if self._keep is None:
            return picture_of(self._records[number])
        if number not in self._kept:
            picture = picture_of(self._records[number])
            image = picture if isinstance(picture, np.ndarray) else load_image(picture)
            self._kept[number] = resize(image, *self._keep)
        return self._kept[number]

"""What one labelled picture of a plate is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class PlateRecord:
    """One picture and what it shows.

    Attributes:
        path: of the picture.
        labels: int32 [heads] of the schema that it was read with, -1 masked.
        text: as printed, `?` for an unknown character; empty where there is no readable plate.
        colour: a colour of the schema, or None: unknown.
        rows: how many rows of characters, or None: unknown.
        line: where it stands in its label file, from 1.
        box: x1, y1, x2, y2 in pixels, the last two exclusive: where the plate is; None: the
            picture is the plate.
    """

    path: Path
    labels: np.ndarray
    text: str
    colour: str | None
    rows: int | None
    line: int
    box: tuple[int, int, int, int] | None = None

"""How far a training has come, inside its `last.keras`: read without building the network.

An optimizer does not know it: half precision skips updates whose gradients overflow, and gathered
gradients make one update of several batches.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import NamedTuple

from ..keras_file import POSITION


class Position(NamedTuple):
    """Epochs that are trained whole, and batches of the one behind them."""

    epoch: int
    step: int


def store_position(file: Path, position: Position) -> None:
    """Adds the position to a `.keras` file that has none."""
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(POSITION, json.dumps(position._asdict()))


def position_in(file: Path) -> Position | None:
    """The position in a `.keras` file; None where it has none, as those of older versions."""
    with zipfile.ZipFile(file) as archive:
        if POSITION not in archive.namelist():
            return None
        values = json.loads(archive.read(POSITION))
    return Position(int(values["epoch"]), int(values["step"]))

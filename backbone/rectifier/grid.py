"""The regular places of a picture's pixels, in the coordinates of `sampling.py`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def regular_grid(height: int, width: int) -> npt.NDArray[np.float64]:
    """x and y of every pixel, float64 `[height * width, 2]`, row after row, from -1 to 1."""
    columns, rows = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    return np.stack([columns.ravel(), rows.ravel()], axis=1)

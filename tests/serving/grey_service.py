"""A reader of grey levels and pictures for it: what a service says is known beforehand."""

from __future__ import annotations

import threading
from typing import Any

import cv2
import numpy as np
from chepai.inference.reading import Reading
from patience import PATIENCE


class GreyReader:
    """Reads the text 042 on a picture whose middle has the grey level 42, with confidence 0.9.

    It waits before each run until `gate` is set, which it is at first.
    """

    input_size = (8, 24)
    parallel = True

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def read_pixels(self, pixels: np.ndarray, **_: Any) -> list[Reading]:
        assert pixels.dtype == np.uint8 and pixels.shape[1:] == (8, 24, 3)
        assert self.gate.wait(PATIENCE)
        self.batches.append(len(pixels))
        if self.error is not None:
            raise self.error
        return [self._reading(int(level)) for level in pixels[:, 4, 12, 0]]

    def _reading(self, level: int) -> Reading:
        text = f"{level:03}"
        return Reading(text, 0.9, True, tuple((digit, 0.9) for digit in text), "blue", 1, True)


def picture(level: int, width: int = 48, height: int = 16, suffix: str = ".png") -> bytes:
    """A file of one grey level."""
    return cv2.imencode(suffix, np.full((height, width, 3), level, np.uint8))[1].tobytes()

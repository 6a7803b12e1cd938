"""Regions of a picture, as requests name them: `x1,y1,x2,y2[,…]`."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..plate.image import MIN_HEIGHT, MIN_WIDTH, ImageError
from .errors import ServiceError

_FURTHEST = 1_000_000  # pixels; beyond any picture


class Rectangle(NamedTuple):
    """Pixels from the upper left corner (x1, y1), which belongs to it, to (x2, y2), which does not.

    The picture is the upright one, turned as its EXIF says.
    """

    x1: int
    y1: int
    x2: int
    y2: int

    def cut(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The region of `image`, as a view; what lies beyond the picture's edges is left out.

        Raises:
            ImageError: too little of it lies within the picture.
        """
        part = image[max(0, self.y1) : max(0, self.y2), max(0, self.x1) : max(0, self.x2)]
        if part.shape[0] < MIN_HEIGHT or part.shape[1] < MIN_WIDTH:
            height, width = image.shape[:2]
            raise ImageError(
                f"the rectangle {','.join(map(str, self))} has {part.shape[1]}x{part.shape[0]} "
                f"pixels within the picture of {width}x{height}; {MIN_WIDTH}x{MIN_HEIGHT} at least"
            )
        return part


def parse_rectangles(text: str, most: int) -> tuple[Rectangle, ...]:
    """The rectangles of a `rect` field; none for an empty one.

    Numbers are whole or decimal (then rounded), and may lie beyond the picture.

    Raises:
        ServiceError: 422; no numbers, not four each, more than `most`, or corners exchanged.
    """
    if not text.strip():
        return ()
    words = text.split(",", 4 * most)
    if len(words) > 4 * most:
        raise _wrong(f"rect holds more than {most} rectangles", "rects")
    numbers = [_number(word) for word in words]
    if len(numbers) % 4:
        raise _wrong(f"rect holds {len(numbers)} numbers; four each are wanted: x1,y1,x2,y2")
    rectangles = tuple(Rectangle(*numbers[i : i + 4]) for i in range(0, len(numbers), 4))
    for rectangle in rectangles:
        if rectangle.x2 <= rectangle.x1 or rectangle.y2 <= rectangle.y1:
            shown = ",".join(map(str, rectangle))
            raise _wrong(f"the rectangle {shown} is empty; x1 < x2 and y1 < y2 are wanted")
    return rectangles


def _number(word: str) -> int:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not abs(value) <= _FURTHEST:
        raise _wrong(f"rect holds {word.strip()[:20]!r}, which is no number of pixels")
    return round(value)


def _wrong(sentence: str, reason: str = "rect") -> ServiceError:
    return ServiceError(422, sentence, reason)

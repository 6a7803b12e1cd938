"""From an upload to the model's pixels: checked by its header first, then decoded and cut."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ..plate.image import ImageError, load_image, resize
from ..plate.picture_guard import refusal
from ..plate.picture_header import picture_header
from .rectangles import Rectangle

# Others are too slow to decode for strangers, or nobody has them.
_FORMATS = ("JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF")


class Upload(NamedTuple):
    """One picture of a request, and the regions to read of it; none: the picture as a whole."""

    name: str | None
    data: bytes
    rectangles: tuple[Rectangle, ...] = ()

    @property
    def plates(self) -> int:
        """How many readings it asks for."""
        return len(self.rectangles) or 1


class Region(NamedTuple):
    """The model's pixels uint8 RGB [height, width, 3], or why there are none.

    `status` is that of an answer with nothing but this error in it.
    """

    pixels: npt.NDArray[np.uint8] | None
    error: str | None = None
    status: int = 422


class PictureDecoder:
    """Decodes uploads to one size, never more than `max_pixels` at once in all threads.

    So memory stays bounded however many threads decode: plates go side by side, a large
    photograph goes alone.
    """

    def __init__(self, height: int, width: int, max_pixels: int) -> None:
        self._size = (height, width)
        self._most = max_pixels
        self._free = max_pixels
        self._turn = threading.Lock()
        self._changed = threading.Condition()

    def decode(self, upload: Upload) -> list[Region]:
        """A region for each reading that the upload asks for; errors are told, not raised."""
        wrong = self._refusal(upload.data)
        header = picture_header(upload.data)
        if wrong is not None or header is None:
            return [wrong or _NOT_A_PICTURE] * upload.plates
        with self._room_for(header.pixels):
            try:
                image = load_image(upload.data, self._most)
            except ImageError as error:
                return [Region(None, error.reason)] * upload.plates
            # OpenCV's own limits, and a size that memory cannot hold after all.
            except (cv2.error, MemoryError, ValueError) as error:
                return [Region(None, f"cannot be decoded: {type(error).__name__}")] * upload.plates
            return self._regions(image, upload.rectangles)

    def _refusal(self, data: bytes) -> Region | None:
        refused = refusal(data, self._most)
        if refused is None:
            header = picture_header(data)
            return None if header is not None and header.format in _FORMATS else _NOT_A_PICTURE
        if refused.kind == "unknown":
            return _NOT_A_PICTURE
        return Region(None, refused.reason, 413 if refused.kind in ("pixels", "bytes") else 422)

    def _regions(
        self, image: npt.NDArray[np.uint8], rectangles: tuple[Rectangle, ...]
    ) -> list[Region]:
        if not rectangles:
            return [self._fit(image)]
        found = []
        for rectangle in rectangles:
            try:
                found.append(self._fit(rectangle.cut(image)))
            except ImageError as error:
                found.append(Region(None, error.reason))
        return found

    def _fit(self, image: npt.NDArray[np.uint8]) -> Region:
        pixels = resize(image, *self._size)
        # A view would keep the whole photograph in memory until its plate is read.
        return Region(pixels.copy() if pixels.base is not None else pixels)

    @contextmanager
    def _room_for(self, pixels: int) -> Iterator[None]:
        # Whoever waits for much room keeps the turn: a stream of small ones would starve it.
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._free >= pixels)
            self._free -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()


_NOT_A_PICTURE = Region(
    None, "not a picture that is understood; JPEG, PNG, WebP, BMP, GIF and TIFF are", 415
)

"""Pictures: reading them from files, bytes and arrays, and the one resize."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError

# OpenCV's own complaints about a bad file are ours to tell, in one sentence.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

MIN_HEIGHT, MIN_WIDTH = 6, 12  # pixels; below this no plate can be read by anyone
IMAGE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".bmp",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
    ".jp2",
    ".ppm",
    ".pgm",
)


class ImageError(InputError):
    """A picture that cannot be read; `reason` says why, without the file's name."""

    def __init__(self, reason: str, path: str | PathLike[str] | None = None) -> None:
        super().__init__(reason if path is None else f"cannot read the image {path}: {reason}")
        self.reason = reason


def load_image(source: str | PathLike[str] | bytes | np.ndarray) -> np.ndarray:
    """Any picture as uint8 RGB [height, width, 3].

    Turned as its EXIF says; 16 bits become 8; transparency is laid over
    white; of an animation the first frame. Arrays are RGB, RGBA or grey, uint8 or uint16.

    Raises:
        ImageError: missing, empty, cut off, too small, or not a picture.
    """
    if isinstance(source, np.ndarray):
        return _checked_size(_to_rgb(source, "rgb"))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _checked_size(decode_image(bytes(source)))
    try:
        return _checked_size(decode_image(_read(Path(source))))
    except ImageError as error:
        raise ImageError(error.reason, source) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError("there is no such file") from error
    except OSError as error:
        raise ImageError(error.strerror or str(error)) from error


def decode_image(data: bytes) -> np.ndarray:
    """The bytes of an image file as uint8 RGB [height, width, 3]. Raises ImageError."""
    if not data:
        raise ImageError("the file is empty")
    if _is_cut_off(data):
        raise ImageError("the file is cut off: its end is missing")
    image = None
    order = "bgr"
    if data[:2] == b"\xff\xd8":
        # Nothing but colours can be in it, so that it is decoded to the wanted order at once.
        image, order = _decode(data, cv2.IMREAD_COLOR_RGB), "rgb"
    elif _may_have_alpha(data):
        image = _decode(data, cv2.IMREAD_UNCHANGED)
        if image is not None and not (image.ndim == 3 and image.shape[2] == 4):
            image = None  # no alpha after all: decode once more, turned as EXIF says
    if image is None and order == "bgr":
        image = _decode(data, cv2.IMREAD_COLOR)
    if image is None or image.size == 0:
        raise ImageError("not an image, or damaged")
    return _to_rgb(image, order)


def _decode(data: bytes, flags: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None


def _may_have_alpha(data: bytes) -> bool:
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return data[25:26] in (b"\x04", b"\x06") or b"tRNS" in data[:4096]
    return data[:4] in (b"GIF8", b"RIFF", b"II*\0", b"MM\0*")


def _is_cut_off(data: bytes) -> bool:
    """Whether an image file lacks its end. Decoders fill such pictures with grey in silence."""
    if data[:2] == b"\xff\xd8":
        return not data.endswith(b"\xff\xd9") and data.find(b"\xff\xd9", _jpeg_scan(data)) < 0
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return data.rfind(b"IEND\xaeB`\x82") < 0
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return len(data) < int.from_bytes(data[4:8], "little") + 8
    if data[:2] == b"BM":
        return len(data) < int.from_bytes(data[2:6], "little")
    return False


def _jpeg_scan(data: bytes) -> int:
    """Where the first scan of a JPEG begins, past its headers (which may hold a thumbnail)."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != 0xDA:
        if data[position + 1] == 0xFF:  # a fill byte
            position += 1
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return position


def _to_rgb(image: np.ndarray, order: str) -> np.ndarray:
    """A grey, colour or alpha array of `order` ("rgb", "bgr") as contiguous uint8 RGB."""
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or image.size == 0:
        raise ImageError(f"an array [height, width, 1, 3 or 4] is wanted; received {image.shape}")
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.dtype != np.uint8:
        raise ImageError(f"an array of uint8 is wanted; received {image.dtype}")
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    if image.shape[2] == 4:
        image = _over_white(image)
    if order == "bgr":
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2RGB)
    return np.ascontiguousarray(image)


def _over_white(image: np.ndarray) -> np.ndarray:
    alpha = image[:, :, 3:]
    if alpha.min() == 255:
        return image[:, :, :3]
    share = alpha.astype(np.float32) / 255
    return np.rint(image[:, :, :3] * share + 255 * (1 - share)).astype(np.uint8)


def _checked_size(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    if height < MIN_HEIGHT or width < MIN_WIDTH:
        raise ImageError(
            f"{width}x{height} pixels are too few for a plate; {MIN_WIDTH}x{MIN_HEIGHT} at least"
        )
    return image


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """The one resize of training and reading: uint8 [h, w, 3] -> [height, width, 3].

    Every axis on its own: linear where it grows or shrinks to no less than a half (each pixel
    still counts), else linear to the next whole multiple, whose cells are then averaged. So
    nothing is skipped, at a fraction of the time of OpenCV's area averaging by a broken factor.
    An image that has the size already is returned itself, not copied.
    """
    old_height, old_width = image.shape[:2]
    rows, columns = max(1, old_height // height), max(1, old_width // width)
    if (rows * height, columns * width) != (old_height, old_width):
        image = cv2.resize(image, (columns * width, rows * height), interpolation=cv2.INTER_LINEAR)
    if rows > 1 or columns > 1:
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return image

"""Pictures: reading them from files, bytes and arrays, and the one resize."""

from __future__ import annotations

import stat
from os import PathLike
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError, one_line
from .picture_guard import MOST_BYTES, MOST_PIXELS, refusal, too_many_bytes

# OpenCV's own complaints about a bad file are ours to tell, in one sentence.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

MIN_HEIGHT, MIN_WIDTH = 6, 12  # pixels; below this no plate can be read by anyone
_AT_ONCE = 2**16  # pixels whose transparency is blended at a time
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
    """A picture that cannot be read; `reason` says why, without the file's name, `path`."""

    def __init__(self, reason: str, path: str | PathLike[str] | None = None) -> None:
        super().__init__(reason if path is None else f"cannot read the image {path}: {reason}")
        self.reason = one_line(reason)
        self.path = path


def load_image(
    source: str | PathLike[str] | bytes | np.ndarray, most_pixels: int = MOST_PIXELS
) -> np.ndarray:
    """Any picture as uint8 RGB [height, width, 3].

    Turned as its EXIF says; 16 bits become 8; transparency is laid over
    white; of an animation the first frame. Arrays are RGB, RGBA or grey, uint8 or uint16.

    Args:
        source: a path, the bytes of a file, or an array.
        most_pixels: that a file may declare; what is larger is not decoded.

    Raises:
        ImageError: missing, no file, empty, cut off, too large or small, or not a picture.
    """
    if isinstance(source, np.ndarray):
        return _checked_size(_to_rgb(source, "rgb"))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _checked_size(decode_image(bytes(source), most_pixels))
    try:
        return _checked_size(decode_image(read_picture_file(Path(source)), most_pixels))
    except ImageError as error:
        raise ImageError(error.reason, source) from error


def read_picture_file(path: Path) -> bytes:
    """The bytes of a picture's file. Raises ImageError where it is none, or too large for one."""
    if "\0" in str(path):
        raise ImageError("no file has such a name")
    try:
        found = path.stat()
        # A pipe or a device may give nothing, or bytes without end.
        if not stat.S_ISREG(found.st_mode):
            kind = "a directory" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
            raise ImageError(f"it is no file but {kind}")
        if found.st_size > MOST_BYTES:
            raise ImageError(too_many_bytes(found.st_size))
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError("there is no such file") from error
    except OSError as error:
        raise ImageError(error.strerror or str(error)) from error


def decode_image(data: bytes, most_pixels: int = MOST_PIXELS) -> np.ndarray:
    """The bytes of an image file as uint8 RGB [height, width, 3]. Raises ImageError."""
    refused = refusal(data, most_pixels)
    if refused is not None:
        raise ImageError(refused.reason)
    image = None
    order = "bgr"
    if data[:2] == b"\xff\xd8":
        # Nothing but colours can be in it, so that it is decoded to the wanted order at once.
        image, order = _decode(data, cv2.IMREAD_COLOR_RGB), "rgb"
    elif _may_have_alpha(data):
        image = _decode(data, cv2.IMREAD_UNCHANGED)
        if image is not None and not (_has_alpha(image) or data[:4] == b"GIF8"):
            image = None  # decoded once more, turned as EXIF says
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


def _has_alpha(image: np.ndarray) -> bool:
    return image.ndim == 3 and image.shape[2] == 4 and image.dtype in (np.uint8, np.uint16)


def _to_rgb(image: np.ndarray, order: str) -> np.ndarray:
    """A grey, colour or alpha array of `order` ("rgb", "bgr") as contiguous uint8 RGB."""
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or image.size == 0:
        raise ImageError(f"an array [height, width, 1, 3 or 4] is wanted; received {image.shape}")
    if image.dtype == np.uint16:
        image = np.right_shift(image, 8, out=np.empty_like(image, np.uint8), casting="unsafe")
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
    """A picture uint8 [h, w, 4] over white, uint8 [h, w, 3]."""
    if image[:, :, 3].min() == 255:
        return image[:, :, :3]
    # Rows at a time: what is computed in between takes eight times the memory of the pixels.
    parts = np.array_split(image, max(1, image.shape[0] * image.shape[1] // _AT_ONCE))
    return np.concatenate([_blended(part) for part in parts])


def _blended(image: np.ndarray) -> np.ndarray:
    alpha = image[:, :, 3:].astype(np.uint16)
    # At most 255 * 255 + 128: within 16 bits. The sum and its high byte divide by 255, rounded.
    weighted = image[:, :, :3] * alpha
    weighted += 255 * (255 - alpha) + 128
    weighted += weighted >> 8
    weighted >>= 8
    return weighted.astype(np.uint8)


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

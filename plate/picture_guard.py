"""Which files are not worth a decoder: cut off, unknown, or made to cost time and memory.

A hundred bytes can declare gigabytes of pixels, and a megabyte a thousand passes over them. What
a file would cost is told from its bytes before anything decodes it.
"""

from __future__ import annotations

import re
import struct
from typing import Literal, NamedTuple

from .picture_header import PictureHeader, picture_header, sample_bits

MOST_BYTES = 64 * 2**20  # of a file: more is no picture of a plate
MOST_PIXELS = 25_000_000  # of a picture: what common decoders do in less than a second
FORMATS = ("JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", "JPEG 2000", "PNM")

# Each scan of a progressive JPEG costs a pass over all pixels; encoders make about ten.
_MOST_SCANS = 64
_MOST_PASSES = 16  # over the most pixels that a picture may have
# A pixel of these costs as much as so many of the other formats; one of 16 bits twice as much.
_COSTS = {"JPEG 2000": 4, "WebP": 2}
_ZIP = b"PK\x03\x04"
_MOST_BITS = 16
_MOST_SEGMENTS = 5000
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 20_000  # of a PNG; 25 million pixels in pieces of 8 KB are half of that
_AFTER_FILL = re.compile(rb"[^\xff]")

Kind = Literal["empty", "bytes", "cut", "unknown", "pixels", "work"]


class Refusal(NamedTuple):
    """Why a file is not decoded: one sentence, and a word to tell refusals apart."""

    kind: Kind
    reason: str


def refusal(data: bytes, most_pixels: int = MOST_PIXELS) -> Refusal | None:
    """Why the file `data` is not to be decoded; None where it may be.

    Args:
        data: the whole file.
        most_pixels: of the picture that it declares; formats that are slow to decode may have
            fewer.
    """
    if not data:
        return Refusal("empty", "the file is empty")
    if len(data) > MOST_BYTES:
        return Refusal("bytes", too_many_bytes(len(data)))
    if data[:4] == _ZIP:
        return Refusal("unknown", "a zip archive is no picture")
    if _is_cut_off(data):
        return Refusal("cut", "the file is cut off: its end is missing")
    header = picture_header(data)
    if header is None:
        return Refusal("unknown", f"not an image, or damaged; {_listed(FORMATS)} are read")
    return _too_costly(header, data, most_pixels)


def too_many_bytes(size: int) -> str:
    """The sentence of a file that is larger than `MOST_BYTES`."""
    return f"{size} bytes are too many for a picture of a plate; {MOST_BYTES} at most"


def _too_costly(header: PictureHeader, data: bytes, most_pixels: int) -> Refusal | None:
    bits = sample_bits(data)
    if bits > _MOST_BITS:
        return Refusal("unknown", f"its pixels have {bits} bits a colour; {_MOST_BITS} at most")
    most = most_pixels // (_COSTS.get(header.format, 1) * (1 + (bits > 8)))
    if header.pixels > most:
        size = f"{header.width}x{header.height}"
        return Refusal("pixels", f"{size} pixels are too many; {most:,} at most")
    if header.format == "JPEG":
        scans = data.count(b"\xff\xda")
        if scans > _MOST_SCANS or scans * header.pixels > _MOST_PASSES * most_pixels:
            return Refusal("work", "the JPEG has too many scans for its size")
    if header.format == "PNG" and _png_end(data) is None:
        return Refusal("work", f"the PNG has more than {_MOST_CHUNKS:,} chunks")
    return None


def _is_cut_off(data: bytes) -> bool:
    """Whether an image file lacks its end. Decoders fill such pictures with grey in silence."""
    if data[:2] == b"\xff\xd8":
        return not data.endswith(b"\xff\xd9") and data.find(b"\xff\xd9", _jpeg_scan(data)) < 0
    if data[:8] == _PNG:
        return (_png_end(data) or 0) > len(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return len(data) < int.from_bytes(data[4:8], "little") + 8
    if data[:2] == b"BM":
        return len(data) < int.from_bytes(data[2:6], "little")
    return False


def _png_end(data: bytes) -> int | None:
    """Where a PNG's chunks end if each is as long as it claims to be; None where they are endless.

    OpenCV makes room for what a chunk claims, up to 4 GB, before it looks whether that is there.
    """
    place = len(_PNG)
    for _ in range(_MOST_CHUNKS):
        size, kind = struct.unpack(">I4s", data[place : place + 8].ljust(8, b"\xff"))
        place += 12 + size
        if kind == b"IEND" or place > len(data):
            return place
    return None


def _jpeg_scan(data: bytes) -> int:
    """Where the first scan of a JPEG begins, past its headers (which may hold a thumbnail)."""
    position = 2
    for _ in range(_MOST_SEGMENTS):
        marker = _AFTER_FILL.search(data, position)
        at_segment = data[position : position + 1] == b"\xff"
        if not at_segment or marker is None or marker[0] == b"\xda":
            break
        place = marker.start() + 1
        position = place + int.from_bytes(data[place : place + 2], "big")
    return position


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"

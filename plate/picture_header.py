"""What the first bytes of a picture's file say, read without decoding a pixel.

A hundred bytes can declare a picture of gigabytes; whoever takes files from strangers asks here
before a decoder does. References: ITU-T T.81 (JPEG) annex B, the PNG, GIF89a and TIFF 6.0
specifications, RFC 9649 (WebP), the BITMAPINFOHEADER of Windows, ITU-T T.800 (JPEG 2000) annex A
and Netpbm's ppm(5).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import NamedTuple

_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG: frame headers, which hold the size
_ALONE = {0x01, *range(0xD0, 0xD8)}  # JPEG: markers without a length
_MOST_PARTS = 5000  # segments or directory entries before the size; more are an attack on time
_TIFF_WIDTH, _TIFF_LENGTH, _TIFF_BITS = 256, 257, 258  # TIFF: tags
_MOST_SAMPLES = 64  # TIFF: numbers that a pixel is made of
_CODESTREAM = b"\xff\x4f\xff\x51"  # JPEG 2000: its first two markers, SOC and SIZ
_PNM = re.compile(rb"P[1-6](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})[\s#]")


class PictureHeader(NamedTuple):
    """The format's name and the size that the file declares, pixels."""

    format: str
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """How many pixels a decoder would make room for."""
        return self.width * self.height


def picture_header(data: bytes) -> PictureHeader | None:
    """The header of a JPEG, PNG, GIF, BMP, WebP, TIFF, JPEG 2000 or PNM file; None for all else.

    None, too, where such a file is so damaged that its size cannot be told.
    """
    for magic, name, size_of in _FORMATS:
        if data.startswith(magic):
            try:
                width, height = size_of(data)
            except (struct.error, IndexError, LookupError):
                return None
            return PictureHeader(name, width, height) if width > 0 and height > 0 else None
    return None


def sample_bits(data: bytes) -> int:
    """Of how many bits the numbers are that a PNG or TIFF's pixels are made of; 8 for all else.

    Of a file whose header `picture_header` could read.
    """
    if data.startswith(b"\x89PNG"):
        return data[24]
    return _tiff_tags(data)[_TIFF_BITS] if data[:2] in (b"II", b"MM") else 8


def _jpeg_size(data: bytes) -> tuple[int, int]:
    place = 2
    for _ in range(_MOST_PARTS):
        if data[place] != 0xFF:
            raise LookupError
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
        elif marker in _ALONE:
            place += 2
        elif marker in _SOF:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        elif marker in (0xD9, 0xDA):  # the end, or pixels without a frame
            raise LookupError
        else:
            place += 2 + struct.unpack_from(">H", data, place + 2)[0]
    raise LookupError


def _png_size(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR":
        raise LookupError
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _gif_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _bmp_size(data: bytes) -> tuple[int, int]:
    (size_of_header,) = struct.unpack_from("<I", data, 14)
    if size_of_header == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return width, abs(height)  # rows from above have a negative height


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if data[8:12] != b"WEBP":
        raise LookupError
    if kind == b"VP8X":
        return 1 + _uint24(data, 24), 1 + _uint24(data, 27)
    if kind == b"VP8L" and data[20] == 0x2F:
        (packed,) = struct.unpack_from("<I", data, 21)
        return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise LookupError


def _uint24(data: bytes, place: int) -> int:
    low, high = struct.unpack_from("<HB", data, place)
    return int(low | high << 16)


def _tiff_size(data: bytes) -> tuple[int, int]:
    """Width and length of the first directory."""
    found = _tiff_tags(data)
    return found[_TIFF_WIDTH], found[_TIFF_LENGTH]


def _tiff_tags(data: bytes) -> dict[int, int]:
    """Size and bits of the first directory; a file that repeats them counts by its largest."""
    order = "<" if data[:2] == b"II" else ">"
    (place,) = struct.unpack_from(f"{order}I", data, 4)
    (entries,) = struct.unpack_from(f"{order}H", data, place)
    if entries > _MOST_PARTS:
        raise LookupError
    found = {_TIFF_WIDTH: 0, _TIFF_LENGTH: 0, _TIFF_BITS: 1}
    for entry in range(place + 2, place + 2 + 12 * entries, 12):
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, entry)
        if tag in found:
            # There is one size; each of a pixel's numbers has its bits.
            most = _MOST_SAMPLES if tag == _TIFF_BITS else 1
            values = _tiff_values(
                data, entry + 8, order, {1: "B", 3: "H", 4: "I"}[kind], count, most
            )
            found[tag] = max(found[tag], *values)
    return found


def _tiff_values(
    data: bytes, place: int, order: str, form: str, count: int, most: int
) -> tuple[int, ...]:
    if not 0 < count <= most:
        raise LookupError
    form = f"{order}{count}{form}"
    if struct.calcsize(form) > 4:  # they stand elsewhere
        (place,) = struct.unpack_from(f"{order}I", data, place)
    return struct.unpack_from(form, data, place)


def _jpeg2000_size(data: bytes) -> tuple[int, int]:
    """Of all codestreams in the file the largest: which of them is decoded is not our choice."""
    sizes: list[tuple[int, int]] = []
    place = data.find(_CODESTREAM)
    while place >= 0 and len(sizes) < _MOST_PARTS:
        right, lower, left, upper = struct.unpack_from(">IIII", data, place + 8)
        sizes.append((right - left, lower - upper))
        place = data.find(_CODESTREAM, place + 4)
    return max(sizes, key=lambda size: size[0] * size[1]) if sizes else (0, 0)


def _pnm_size(data: bytes) -> tuple[int, int]:
    found = _PNM.match(data)
    if found is None:
        raise LookupError
    return int(found[1]), int(found[2])


_FORMATS: tuple[tuple[bytes, str, Callable[[bytes], tuple[int, int]]], ...] = (
    (b"\xff\xd8\xff", "JPEG", _jpeg_size),
    (b"\x89PNG\r\n\x1a\n", "PNG", _png_size),
    (b"RIFF", "WebP", _webp_size),
    (b"GIF8", "GIF", _gif_size),
    (b"BM", "BMP", _bmp_size),
    (b"II*\0", "TIFF", _tiff_size),
    (b"MM\0*", "TIFF", _tiff_size),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", _jpeg2000_size),
    (_CODESTREAM, "JPEG 2000", _jpeg2000_size),
    *((b"P%d" % number, "PNM", _pnm_size) for number in range(1, 7)),
)

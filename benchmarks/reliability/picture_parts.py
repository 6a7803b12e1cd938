"""Files of pictures taken to parts by their grammar, and put together again."""

from __future__ import annotations

import struct
import zlib

PNG = b"\x89PNG\r\n\x1a\n"


def split(data: bytes) -> list[bytes]:
    """The segments, chunks or blocks of a file, in order; joined they are the file again."""
    for magic, cut in _GRAMMARS:
        if data.startswith(magic):
            return [part for part in cut(data) if part]
    return [data[i : i + 64] for i in range(0, len(data), 64)]


def join(parts: list[bytes]) -> bytes:
    """The file of these parts, with checksums and lengths of the whole that fit them.

    A file with a wrong checksum is refused at once; what lies behind it would never be tried.
    """
    if parts and parts[0] == PNG:
        return PNG + b"".join(map(_with_checksum, parts[1:]))
    data = b"".join(parts)
    if data[:4] == b"RIFF":
        return data[:4] + struct.pack("<I", (len(data) - 8) & 0xFFFFFFFF) + data[8:]
    if data[:2] == b"BM":
        return data[:2] + struct.pack("<I", len(data)) + data[6:]
    return data


def _with_checksum(chunk: bytes) -> bytes:
    if len(chunk) < 12:
        return chunk
    return chunk[:-4] + struct.pack(">I", zlib.crc32(chunk[4:-4]))


def _jpeg(data: bytes) -> list[bytes]:
    parts, place = [data[:2]], 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xD9:
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        parts.append(data[place:end])
        place = end
        if parts[-1][1:2] == b"\xda":  # its pixels, up to the next marker
            while place < len(data) - 1 and (
                data[place] != 0xFF or data[place + 1] in (0, *range(0xD0, 0xD8))
            ):
                place += 1
            parts.append(data[end:place])
    return [*parts, data[place:]]


def _png(data: bytes) -> list[bytes]:
    parts, place = [PNG], 8
    while place + 8 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        parts.append(data[place:end])
        place = end
    return [*parts, data[place:]]


def _riff(data: bytes) -> list[bytes]:
    parts, place = [data[:12]], 12
    while place + 8 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        parts.append(data[place : place + 8 + size + size % 2])
        place += 8 + size + size % 2
    return [*parts, data[place:]]


def _gif(data: bytes) -> list[bytes]:
    place = 13 + _table(data[10])
    parts = [data[:6], data[6:13], data[13:place]]
    while place < len(data) and data[place] in (0x21, 0x2C):
        begin = place
        place += 2 if data[place] == 0x21 else 11 + _table(data[place + 9])
        while place < len(data) and data[place]:
            place += 1 + data[place]
        place += 1
        parts.append(data[begin:place])
    return [*parts, data[place:]]


def _table(flags: int) -> int:
    """Bytes of a GIF's table of colours."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _bmp(data: bytes) -> list[bytes]:
    header = 14 + int.from_bytes(data[14:18], "little")
    start = int.from_bytes(data[10:14], "little")
    fields = [data[i : i + 4] for i in range(14, header, 4)]
    return [data[:14], *fields, data[header:start], data[start:]]


def _tiff(data: bytes) -> list[bytes]:
    """Its first directory an entry a part; what lies before and behind it is one part each."""
    order = "<" if data[:2] == b"II" else ">"
    (place,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, place)
    first = place + 2
    entries = [data[first + 12 * i : first + 12 * (i + 1)] for i in range(count)]
    return [data[:8], data[8:place], data[place:first], *entries, data[first + 12 * count :]]


_GRAMMARS = (
    (b"\xff\xd8", _jpeg),
    (PNG, _png),
    (b"RIFF", _riff),
    (b"GIF8", _gif),
    (b"BM", _bmp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)

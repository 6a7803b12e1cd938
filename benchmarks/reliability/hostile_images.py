"""Hostile pictures, each with a name that says what is wrong with it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from picture_parts import PNG, join, split
from picture_seeds import HEIGHT, WIDTH, noise, seeds

_CUT = ("plain.jpg", "progressive.jpg", "plain.png", "animated.gif", "plain.webp", "plain.bmp",
        "tiff_lzw.tif", "plain.jp2", "plain.ppm")  # fmt: skip
_MAGICS = (b"\xff\xd8\xff\xe0", PNG, b"GIF89a", b"RIFF\0\0\0\0WEBP", b"BM", b"II*\0", b"MM\0*",
           b"\0\0\0\x0cjP  \r\n\x87\n", b"P6 96 32 255\n", b"II+\0\x08\0\0\0", b"#?RADIANCE\n",
           b"\0\0\0\x1cftypavif", b"v/1\x01", b"\x59\xa6\x6a\x95", b"PF\n96 32\n-1\n")  # fmt: skip
_MOST = 2**31 - 1

Named = tuple[str, bytes]


def hostile_images() -> Iterator[Named]:
    """All of them: (name, bytes)."""
    yield from seeds().items()
    yield from truncations()
    yield from flips()
    yield from wrong_magics()
    yield from declared_sizes()
    yield from odd_shapes()
    yield from costly()
    yield from nested()
    yield from no_pictures()


def truncations() -> Iterator[Named]:
    """Each format cut off at every 1 % of its length."""
    for name in _CUT:
        data = seeds()[name]
        for share in range(100):
            yield f"{share} % of {name}", data[: len(data) * share // 100]


def flips(count: int = 8) -> Iterator[Named]:
    """Single bits of every whole file."""
    for number, (name, data) in enumerate(seeds().items()):
        for place in np.random.default_rng(number).integers(8 * len(data), size=count):
            flipped = bytearray(data)
            flipped[place // 8] ^= 1 << place % 8
            yield f"bit {place} of {name}", bytes(flipped)


def wrong_magics() -> Iterator[Named]:
    """Each file with the first bytes of each other format."""
    for name in _CUT:
        for magic in _MAGICS:
            yield f"{magic!r} before {name}", magic + seeds()[name][len(magic) :]


def declared_sizes() -> Iterator[Named]:
    """A few bytes that promise a picture of gigabytes, or of nothing."""
    sizes = ((0, 0), (1, 0), (1, 1), (11, 5), (60_000, 60_000), (_MOST, _MOST), (_MOST, 1))
    for width, height in sizes:
        for form, data in _of_size(width, height).items():
            yield f"{form} of {width}x{height}", data


def _of_size(width: int, height: int) -> dict[str, bytes]:
    small = (min(width, 0xFFFF), min(height, 0xFFFF))
    jpeg, gif, bmp = seeds()["plain.jpg"], seeds()["plain.gif"], seeds()["plain.bmp"]
    frame = jpeg.index(b"\xff\xc0") + 5
    tiff = seeds()["plain.tif"]
    for tag, value in ((256, width), (257, height)):
        tiff = _with_tag(tiff, tag, value)
    return {
        "jpg": jpeg[:frame] + struct.pack(">HH", small[1], small[0]) + jpeg[frame + 4 :],
        "png": png(width, height, [zlib.compress(bytes(1 + 3 * WIDTH) * HEIGHT)]),
        "gif": gif[:6] + struct.pack("<HH", *small) + gif[10:],
        "bmp": bmp[:18] + struct.pack("<ii", width, height) + bmp[26:],
        "bmp from above": bmp[:18] + struct.pack("<ii", width, -height) + bmp[26:],
        "tif": tiff,
        "webp": _riff_of(b"VP8X", b"\x10\0\0\0" + _three(width) + _three(height)),
        "pnm": b"P6 %d %d 255\n" % (width, height) + bytes(3 * WIDTH * HEIGHT),
        "jp2": _jpeg2000_of(width, height),
    }


def _with_tag(tiff: bytes, tag: int, value: int) -> bytes:
    """The little-endian TIFF with another value of one tag of its first directory."""
    entry = struct.pack("<HHII", tag, 4, 1, value)
    parts = split(tiff)
    return join([entry if part[:2] == entry[:2] and len(part) == 12 else part for part in parts])


def _riff_of(kind: bytes, data: bytes) -> bytes:
    return join([b"RIFF\0\0\0\0WEBP", kind + struct.pack("<I", len(data)) + data])


def _three(size: int) -> bytes:
    return struct.pack("<I", (max(1, size) - 1) & 0xFFFFFF)[:3]


def _jpeg2000_of(width: int, height: int) -> bytes:
    data = seeds()["plain.jp2"]
    place = data.index(b"\xff\x4f\xff\x51") + 8
    return data[:place] + struct.pack(">II", width, height) + data[place + 8 :]


def odd_shapes() -> Iterator[Named]:
    """As wide or as high as a format goes, and whole."""
    for suffix in (".jpg", ".png", ".bmp", ".gif", ".tif", ".ppm"):
        for width, height in ((50_000, 20), (20, 50_000), (50_000, 1), (11, 6), (12, 6)):
            yield f"{width}x{height}{suffix}", _encoded(suffix, width, height)
    yield "16383x20.webp", _encoded(".webp", 16_383, 20)


def _encoded(suffix: str, width: int, height: int) -> bytes:
    return cv2.imencode(suffix, noise(width, height))[1].tobytes()


def costly() -> Iterator[Named]:
    """Small files that want much memory or time."""
    rows = zlib.compress(bytes((1 + 3 * 5000) * 5000), 9)
    yield "25 million pixels of nothing.png", png(5000, 5000, [rows])
    yield "900 million pixels of nothing.png", png(30_000, 30_000, [rows])
    for kind in (b"tRNS", b"tEXt", b"IDAT", b"IEND"):
        claim = struct.pack(">I", 0xFFFF0001) + kind
        yield f"{kind.decode()} of 4 GB.png", _before_the_end(png(WIDTH, HEIGHT, [_PIXELS]), claim)
    yield "too few rows.png", png(5000, 4000, [rows[:1000]])
    bomb = b"a\0\0" + zlib.compress(bytes(50_000_000), 9)
    for kind in (b"zTXt", b"iCCP", b"iTXt"):
        yield f"{kind.decode()} of 50 MB.png", png(WIDTH, HEIGHT, [_PIXELS], [(kind, bomb)])
    yield "100,000 chunks.png", png(WIDTH, HEIGHT, [_PIXELS], [(b"tEXt", b"a\0b")] * 100_000)
    yield "100,000 empty pieces.png", png(WIDTH, HEIGHT, [_PIXELS, *[b""] * 100_000])
    progressive = seeds()["progressive.jpg"]
    scan = progressive[progressive.index(b"\xff\xda") : -2]
    yield "1,000 scans.jpg", progressive[:-2] + scan * 200 + b"\xff\xd9"
    yield "16 MB of fill.jpg", b"\xff\xd8" + b"\xff" * 16_000_000
    yield "4 million segments.jpg", b"\xff\xd8" + b"\xff\xe0\0\0" * 4_000_000
    yield "20,000 comments.jpg", progressive[:2] + b"\xff\xfe\0\x02" * 20_000 + progressive[2:]
    yield from _costly_gifs()
    yield "tile of gigabytes.tif", _tiled(0x8000, 0x8000)
    yield "tile beyond numbers.tif", _tiled(0xFFFFFFF0, 0xFFFFFFF0)
    yield "directory of itself.tif", _ring()
    yield "25 million pixels of 64 bits.tif", deep_tiff(5000, 5000, 64)
    yield "25 million pixels of 16 bits.tif", deep_tiff(5000, 5000, 16)
    yield "64 MB of zeros.bmp", b"BM" + bytes(64_000_000)


def _before_the_end(whole: bytes, chunk: bytes) -> bytes:
    """A PNG with a chunk before its last one, and before its pixels."""
    pixels, end = whole.index(b"IDAT") - 4, whole.index(b"IEND") - 4
    return whole[:pixels] + chunk + whole[pixels:end] + chunk + whole[end:]


def _costly_gifs() -> Iterator[Named]:
    parts = split(seeds()["animated.gif"])
    frames = [part for part in parts if part[:1] in (b"\x21", b"\x2c")]
    yield "20,000 frames.gif", join([*parts[:3], *frames * 7000, b";"])
    screen = struct.pack("<HH", 5000, 5000) + parts[1][4:]
    yield "frames on a large screen.gif", join([parts[0], screen, *parts[2:]])
    outside = [part[:1] + b"\xff\xff\xff\xff" + part[5:] if part[:1] == b"," else part
               for part in parts]  # fmt: skip
    yield "frames beyond the screen.gif", join(outside)


def _tiled(width: int, height: int) -> bytes:
    """A TIFF of one pixel whose only tile is of this size."""
    values = {256: WIDTH, 257: HEIGHT, 258: 8, 259: 1, 262: 1, 277: 1,
              322: width, 323: height, 324: 8, 325: 16}  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    return b"II*\0" + struct.pack("<I", 24) + bytes(16) + struct.pack("<H", len(values)) + entries


def deep_tiff(width: int, height: int, bits: int, rows: int = 50) -> bytes:
    """A TIFF of three colours, all of whose strips are one: its zeros packed."""
    strip = zlib.compress(bytes(rows * width * 3 * bits // 8), 9)
    count, start = height // rows, 8 + 2 + 12 * 11 + 4
    deep, floats = struct.pack("<3H", *[bits] * 3), struct.pack("<3H", *[3 if bits > 16 else 1] * 3)
    ends = [start, start + len(deep), start + 2 * len(deep), start + 2 * len(deep) + 4 * count]
    places = struct.pack(f"<{count}I", *[ends[3] + 4 * count] * count)
    sizes = struct.pack(f"<{count}I", *[len(strip)] * count)
    entries = (
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, ends[0]), (259, 3, 1, 8),
        (262, 3, 1, 2), (273, 4, count, ends[2]), (277, 3, 1, 3), (278, 4, 1, rows),
        (279, 4, count, ends[3]), (284, 3, 1, 1), (339, 3, 3, ends[1]),
    )  # fmt: skip
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    return head + deep + floats + places + sizes + strip


def _ring() -> bytes:
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 0) + struct.pack("<I", 8)


def png(
    width: int, height: int, pixels: list[bytes], others: list[tuple[bytes, bytes]] | None = None
) -> bytes:
    """A PNG of 8-bit colours; `pixels` are the pieces of its compressed rows."""
    header = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), *(others or ()), *((b"IDAT", piece) for piece in pixels)]
    parts = [
        struct.pack(">I", len(d)) + kind + d + bytes(4) for kind, d in (*chunks, (b"IEND", b""))
    ]
    return join([PNG, *parts])


_PIXELS = zlib.compress(bytes(1 + 3 * WIDTH) * HEIGHT)


def nested() -> Iterator[Named]:
    """Files within files, and files of two kinds at once."""
    jpeg, picture = seeds()["plain.jpg"], seeds()["plain.png"]
    thumbnail = b"\xff\xe1" + struct.pack(">H", len(jpeg) + 2) + jpeg
    yield "jpg in its own header.jpg", jpeg[:2] + thumbnail + jpeg[2:]
    yield "cut off, its thumbnail whole.jpg", (jpeg[:2] + thumbnail + jpeg[2:])[:-300]
    yield "png behind a jpg.jpg", jpeg + picture
    yield "zip behind a png.png", picture + b"PK\x05\x06" + bytes(18)
    yield "jpg as a bmp's pixels.bmp", _compressed_bmp(4, jpeg)
    yield "png as a bmp's pixels.bmp", _compressed_bmp(5, picture)
    yield "runs beyond the row.bmp", _compressed_bmp(1, b"\xff\x01" * 4000)
    yield "jumps beyond the picture.bmp", _compressed_bmp(1, b"\0\x02\xff\xff" * 4000)
    yield "png in a png.png", png(WIDTH, HEIGHT, [_PIXELS], [(b"eXIf", picture)])
    yield "script in a gif.gif", b"GIF89a/*" + seeds()["plain.gif"][8:] + b"*/=1;alert(1)"


def _compressed_bmp(compression: int, data: bytes) -> bytes:
    header = struct.pack(
        "<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, compression, len(data), 0, 0, 256, 0
    )
    start = 14 + len(header) + 1024
    head = b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start)
    return head + header + bytes(1024) + data


def no_pictures() -> Iterator[Named]:
    """Empty, text, and what else people call .jpg."""
    yield "empty.jpg", b""
    for size in (1, 2, 3, 4, 8, 12, 26):
        for magic in _MAGICS[:6]:
            yield f"{size} bytes of {magic!r}", magic[:size].ljust(size, b"\0")
    yield "text.jpg", "车牌\tplate\n".encode() * 200
    yield "page.jpg", b"<html><script>alert(1)</script></html>"
    yield "entities.svg", b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
    yield "address.jpg", b"http://127.0.0.1:9/plate.jpg"
    yield "program.jpg", b"\x7fELF" + bytes(400)
    yield "document.jpg", b"%PDF-1.7\n" + bytes(400)
    yield "pickle.jpg", b"cos\nsystem\n(S'true'\ntR."
    yield "zeros.jpg", bytes(100_000)
    yield "chance.jpg", np.random.default_rng(0).bytes(100_000)

"""Sizes are read from headers as decoders see them, and hostile headers cost no time."""

from __future__ import annotations

import io
import struct
import time

import cv2
import numpy as np
import pytest
from chepai.plate.picture_header import picture_header, sample_bits
from PIL import Image

FORMATS = {
    ".jpg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".webp": "WebP", ".gif": "GIF", ".tif": "TIFF",
}  # fmt: skip


def noise(width: int, height: int) -> np.ndarray:
    rng = np.random.default_rng(width)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("size", [(61, 23), (300, 7), (1, 1)])
def test_the_size_is_that_of_the_decoded_picture(suffix: str, size: tuple[int, int]):
    data = cv2.imencode(suffix, noise(*size))[1].tobytes()
    assert picture_header(data) == (FORMATS[suffix], *size)
    assert picture_header(data).pixels == size[0] * size[1]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_bits_of_a_colour_are_those_that_were_written(suffix: str, channels: int):
    shape = (9, 14, channels)
    kinds = [np.uint8, np.uint16] + [np.float32, np.float64] * (suffix == ".tif")
    for kind in kinds:
        data = cv2.imencode(suffix, np.ones(shape, kind))[1].tobytes()
        assert sample_bits(data) == 8 * np.dtype(kind).itemsize


def test_formats_of_eight_bits_have_eight():
    for suffix in (".jpg", ".bmp", ".webp", ".gif"):
        assert sample_bits(cv2.imencode(suffix, noise(20, 20))[1].tobytes()) == 8


def test_a_tiff_whose_colours_are_too_many_to_count_is_none_of_ours():
    for count in (0, 65, 2**32 - 1):
        bits = struct.pack("<HHII", 258, 3, count, 8)
        sizes = struct.pack("<HHII", 256, 4, 1, 50) + struct.pack("<HHII", 257, 4, 1, 20)
        data = b"II*\0" + struct.pack("<IH", 8, 3) + sizes + bits + bytes(400)
        assert picture_header(data) is None


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("JPEG", {"progressive": True, "exif": Image.Exif()}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0", "quality": 50}),
        ("WEBP", {"save_all": True, "append_images": [Image.new("RGB", (70, 33))]}),
        ("GIF", {"save_all": True, "append_images": [Image.new("RGB", (70, 33))]}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
    ],
)
def test_files_of_another_writer_are_understood(name: str, options: dict):
    file = io.BytesIO()
    Image.fromarray(noise(70, 33)).save(file, name, **options)
    header = picture_header(file.getvalue())
    assert header is not None and (header.width, header.height) == (70, 33)


def test_a_big_endian_tiff_and_a_bmp_from_above_and_an_old_one():
    entries = struct.pack(">HHHII", 2, 256, 4, 1, 90_000) + struct.pack(">HHIHH", 257, 3, 1, 77, 0)
    assert picture_header(b"MM\0*" + struct.pack(">I", 8) + entries) == ("TIFF", 90_000, 77)
    above = b"BM" + bytes(12) + struct.pack("<Iii", 40, 12, -34)
    assert picture_header(above) == ("BMP", 12, 34)
    assert picture_header(b"BM" + bytes(12) + struct.pack("<IHH", 12, 56, 78)) == ("BMP", 56, 78)


def test_a_declared_size_of_gigabytes_is_told_from_a_few_bytes():
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 2**31 - 1, 2**31 - 1)
    assert picture_header(png).pixels == (2**31 - 1) ** 2


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_cut_off_anywhere_gives_its_size_or_none(suffix: str):
    data = cv2.imencode(suffix, noise(40, 20))[1].tobytes()
    found = {picture_header(data[:length]) for length in range(min(400, len(data)))}
    assert found <= {None, (FORMATS[suffix], 40, 20)} and None in found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"\xff\xd8\xff" + b"\xff" * 3_000_000,
        b"\xff\xd8" + b"\xff\xe0\0\0" * 1_000_000,
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xda\0\0",
        b"GIF89a\0\0\0\0",
        b"RIFF\0\0\0\0WAVEfmt ",
        b"RIFF\0\0\0\0WEBPVP8 " + bytes(30),
        b"II*\0\x08\0\0\0\xff\xff" + bytes(20 * 65535),
        b"MM\0*\xff\xff\xff\xff",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_picture_costs_no_time(data: bytes):
    start = time.process_time()
    assert picture_header(data) is None
    assert time.process_time() - start < 0.5

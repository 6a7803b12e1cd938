"""Requests to the service with what their answers have to be: readings, or refusals."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from chepai import Reader, Reading
from chepai.inference.files import sample_pictures
from chepai.plate.image import load_image

_BOUNDARY = b"chepai-load"
_TYPE = b"multipart/form-data; boundary=" + _BOUNDARY
# Readings in batches differ by the last digits of float32.
_TOLERANCE = 1e-5
TEXTS, READ = "/api/ml/st_lpr", "/api/v1/read"


@dataclass(frozen=True)
class Request:
    """The bytes of a request.

    Attributes:
        name: what it is, for reports.
        data: head and body.
        readings: what it has to be answered with; none: a refusal.
        statuses: of the refusal.
        texts: whether the answer is a list of texts.
        cut: how much of it is sent before the connection is closed; None: all of it.
    """

    name: str
    data: bytes
    readings: tuple[Reading, ...] = ()
    statuses: tuple[int, ...] = (200,)
    texts: bool = False
    cut: int | None = None

    @property
    def is_hostile(self) -> bool:
        return not self.readings

    def fault_of(self, status: int, body: bytes) -> str | None:
        """What is wrong with an answer, or None; 503 is nobody's fault."""
        if status == 503 and b'"error"' in body:
            return None
        if status not in self.statuses:
            return f"{self.name}: status {status}, {body[:80]!r}"
        if self.is_hostile:
            told = b'"error"' in body or body.startswith(b"Invalid HTTP request")
            return None if told else f"{self.name}: status {status} without a reason"
        rows = json.loads(body)
        same = len(rows) == len(self.readings) and all(map(self._is_same, rows, self.readings))
        return None if same else f"{self.name}: {body[:200]!r}"

    def _is_same(self, row: Any, reading: Reading) -> bool:
        if self.texts:
            return bool(row == reading.text)
        wanted = (reading.text, reading.accepted, reading.colour, reading.rows)
        return (
            (row["text"], row["accepted"], row["colour"], row["rows"]) == wanted
            and abs(row["confidence"] - reading.confidence) < _TOLERANCE
            and [c for c, _ in row["characters"]] == [c for c, _ in reading.characters]
        )


def all_requests(model: str) -> tuple[list[Request], list[Request]]:
    """Good ones and hostile ones."""
    pictures = [file.read_bytes() for file in sample_pictures()]
    reader = Reader(model)
    readings = reader.read(pictures)
    good = []
    for data, reading in zip(pictures, readings, strict=True):
        good.append(Request(f"a plate {reading.text}", form([data]), (reading,)))
    good.append(Request("four plates", form(pictures[:4]), tuple(readings[:4])))
    good.append(Request("a text", form(pictures[:1], TEXTS), tuple(readings[:1]), texts=True))
    return [*good, _photograph(reader, pictures[:2])], hostile(pictures[0])


def form(pictures: Sequence[bytes], path: str = READ, rect: bytes | None = None) -> bytes:
    """A request with pictures."""
    parts = [(b'name="img"; filename="a.jpg"', data) for data in pictures]
    parts += [] if rect is None else [(b'name="rect"', rect)]
    body = b"".join(
        b"--" + _BOUNDARY + b"\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + data
        + b"\r\n" for head, data in parts
    )  # fmt: skip
    return post(body + b"--" + _BOUNDARY + b"--\r\n", path)


def post(body: bytes, path: str = READ, kind: bytes = _TYPE) -> bytes:
    """A request with any body."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Content-Type: " + kind + b"\r\n\r\n" + body


def _photograph(reader: Reader, plates: Sequence[bytes]) -> Request:
    """Plates side by side in one picture, told by rectangles."""
    images = [cv2.resize(load_image(data), (180, 60)) for data in plates]
    _, png = cv2.imencode(".png", cv2.cvtColor(np.hstack(images), cv2.COLOR_RGB2BGR))
    rect = b"0,0,180,60,180,0,360,60"
    return Request("two regions", form([png.tobytes()], rect=rect), tuple(reader.read(images)))


def hostile(plate: bytes) -> list[Request]:
    """What strangers send: each is refused, and says why."""
    whole = form([plate])
    huge = _png_of(60_000, 60_000)
    damaged = bytes([*plate[: len(plate) // 2], *b"\0" * 400])
    made = [
        ("no picture", form([b"no picture at all"]), (415,)),
        ("nothing", form([b""]), (415, 422)),
        ("a huge size", form([huge]), (413,)),
        ("cut off", form([plate[: len(plate) // 3]]), (422,)),
        ("damaged", form([damaged]), (422,)),
        ("not a form", post(b"{}", kind=b"application/json"), (415,)),
        ("broken form", post(b"--" + _BOUNDARY + b"\r\n\r\n\0\0\0"), (400,)),
        ("no fields", post(b"--" + _BOUNDARY + b"--\r\n"), (400, 422)),
        ("a wrong rect", form([plate], rect=b"1,2,drop table"), (422,)),
        ("too many rects", form([plate], rect=b",".join([b"0,0,9,9"] * 999)), (413, 422)),
        ("too many pictures", form([plate] * 40), (413,)),
        ("elsewhere", form([plate], "/api/../../etc/passwd"), (404,)),
        ("no HTTP", b"\x16\x03\x01\x02\x00 hello\r\n\r\n", (400,)),
    ]
    requests = [Request(name, data, statuses=statuses) for name, data, statuses in made]
    cut = Request("breaks off", whole, statuses=(), cut=len(whole) // 2)
    return [*requests, cut]


def _png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    )

"""Folders of pictures that were singled out while reading."""

from __future__ import annotations

import hashlib
from itertools import count
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError
from ..files import atomic_path
from ..plate.image import ImageError
from .sources import Source, decode, file_bytes, name_of

_LONGEST_STEM = 150
"""Bytes; what is added to a name must fit into what file systems take."""


class PictureFolder:
    """A folder that takes pictures under their own names, and under no name two.

    Of pictures with the same name the second is `name-2.jpg` and so on. One that lies there
    already is not added again, so that a run which goes on after it was stopped leaves the same
    files as one that was not.

    Args:
        path: made where it is missing.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        # For each name the contents that lie here under it, by their digests.
        self._known: dict[str, set[bytes]] = {}
        try:
            self._path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the folder {path}: {error.strerror}") from error

    def add_file(self, source: Source) -> None:
        """Copies a source's file; one that has no bytes to copy is left out."""
        try:
            data = file_bytes(source)
        # A path may hold what no file system takes: ValueError.
        except (ImageError, OSError, ValueError):
            return
        self._add(_name(source), data)

    def add_input(self, source: Source, height: int, width: int) -> None:
        """Keeps what a network of this input sees of a source, as a PNG; nothing if unreadable."""
        picture = decode(source, height, width)
        if picture.pixels is not None:
            data = cv2.imencode(".png", np.ascontiguousarray(picture.pixels[..., ::-1]))[1]
            self._add(Path(_name(source)).stem + ".png", data.tobytes())

    def _add(self, name: str, data: bytes) -> None:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._lying_here(name)
        digest = hashlib.sha256(data).digest()
        if digest in known:
            return
        known.add(digest)
        number = len(known)
        while (path := self._path / _numbered(name, number)).exists():
            number += 1
        try:
            with atomic_path(path) as temporary:
                temporary.write_bytes(data)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error

    def _lying_here(self, name: str) -> set[bytes]:
        digests = set()
        for number in count(1):
            path = self._path / _numbered(name, number)
            if not path.exists():
                break
            digests.add(hashlib.sha256(path.read_bytes()).digest())
        return digests


def _name(source: Source) -> str:
    """A source's last name; one that names no file becomes `picture`."""
    name = (name_of(source) or "").replace("\\", "/").rpartition("/")[2]
    return name if name.strip(".") else "picture"


def _numbered(name: str, number: int) -> str:
    path = Path(name)
    stem, suffix = _cut(path.stem, _LONGEST_STEM), _cut(path.suffix, 20)
    return f"{stem}-{number}{suffix}" if number > 1 else stem + suffix


def _cut(text: str, longest: int) -> str:
    """The beginning of a text, of so many bytes at most; no character is cut in two."""
    data = text.encode("utf-8", "surrogateescape")
    return data[:longest].decode("utf-8", "ignore") if len(data) > longest else text

"""From whatever a user has to pixels: paths, bytes and arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from ..plate.image import ImageError, load_image, read_picture_file, resize


@dataclass(frozen=True)
class NamedPicture:
    """A picture that is no file of this machine, such as a member of an archive.

    Attributes:
        file: what its reading is called.
        load: gives the bytes of its file; raises ImageError or OSError where there are none.
    """

    file: str
    load: Callable[[], bytes]


# One picture: the path of a file, the bytes of a file, RGB or grey pixels, or one with a name.
Source: TypeAlias = str | os.PathLike[str] | bytes | npt.NDArray[Any] | NamedPicture


def broken(file: str, reason: str) -> NamedPicture:
    """Stands for what cannot be read, so that it has a row like any other picture."""

    def fail() -> bytes:
        raise ImageError(reason)

    return NamedPicture(file, fail)


def is_hidden(name: str) -> bool:
    """Whether a member of an archive, or a folder that it is in, begins with a dot."""
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))


@dataclass(frozen=True)
class Picture:
    """A decoded source: the model's pixels uint8 RGB [height, width, 3], or why there are none."""

    file: str | None
    pixels: npt.NDArray[np.uint8] | None
    error: str | None = None


def each_source(sources: Source | Iterable[Source]) -> Iterable[Source]:
    """One source, or several: an array [n, h, w, 3] counts as n pictures."""
    one_array = isinstance(sources, np.ndarray) and sources.ndim < 4
    one = str | os.PathLike | bytes | bytearray | memoryview | NamedPicture
    if one_array or isinstance(sources, one):
        return (sources,)  # type: ignore[return-value]
    return sources


def name_of(source: Source) -> str | None:
    """What a source's reading is called: its path as given, or its name; None without either."""
    if isinstance(source, NamedPicture):
        return source.file
    return os.fspath(source) if isinstance(source, str | os.PathLike) else None


def file_bytes(source: Source) -> bytes:
    """The bytes of a source's file, undecoded. Raises ImageError or OSError."""
    plain = _plain(source)
    if isinstance(plain, np.ndarray):
        raise ImageError("an array is no file")
    return plain if isinstance(plain, bytes) else read_picture_file(plain)


def decode(source: Source, height: int, width: int) -> Picture:
    """Loads and resizes one source; what is wrong with it is told, not raised."""
    file = name_of(source)
    try:
        image = load_image(_plain(source))
        return Picture(file, resize(image, height, width))
    except ImageError as error:
        return Picture(file, None, error.reason)
    # A path may hold what no file system takes; a picture may be larger than memory.
    except (OSError, ValueError, MemoryError, cv2.error) as error:
        return Picture(file, None, str(error) or type(error).__name__)


def batches_of(sources: Iterable[Source], size: int) -> Iterator[list[Source]]:
    """The sources, `size` at a time, safe to be decoded later."""
    remaining = iter(sources)
    # Who yields frames may fill the same array again before it is decoded.
    while batch := [
        source.copy() if isinstance(source, np.ndarray) else source
        for source in islice(remaining, size)
    ]:
        yield batch


def _plain(source: Source) -> Path | bytes | npt.NDArray[Any]:
    if isinstance(source, NamedPicture):
        return source.load()
    if isinstance(source, str | os.PathLike):
        return Path(source)
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, bytes | np.ndarray):
        return source
    raise ImageError(f"a path, bytes or an array was expected, not {type(source).__name__}")

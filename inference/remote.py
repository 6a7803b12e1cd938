"""Pictures in object storage and on servers, by fsspec: `s3://bucket/plates/*.jpg` and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, BinaryIO

from ..errors import InputError
from ..plate.image import ImageError
from ..plate.picture_guard import MOST_BYTES
from .sources import NamedPicture

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def is_remote(name: str) -> bool:
    """Whether a name is an address, `protocol://…`, and no path of this machine.

    >>> is_remote("s3://bucket/a.jpg"), is_remote("folder/a.jpg")
    (True, False)
    """
    return _ADDRESS.match(name) is not None


def remote_picture(address: str) -> NamedPicture:
    """A picture that is fetched when it is decoded."""
    return NamedPicture(address, partial(read_remote, address))


def remote_names(address: str) -> Iterator[str]:
    """The address itself, or of a folder or a pattern the addresses of all files, sorted.

    Raises:
        InputError: fsspec or what it needs for this protocol is missing, nothing is there, or
            it cannot be reached.
    """
    fsspec = _fsspec()
    try:
        system, path = fsspec.core.url_to_fs(address)
        if any(sign in path for sign in "*?["):
            found = system.glob(path, detail=True)
        elif system.isdir(path):
            found = system.find(path, detail=True)
        else:
            # Whoever reads the file finds out whether it is there.
            found = {path: {"type": "file"}}
    except Exception as error:  # every file system raises its own
        raise InputError(f"cannot list {address}: {_reason(error)}") from error
    files = sorted(name for name, entry in found.items() if entry["type"] == "file")
    names = [system.unstrip_protocol(name) for name in files]
    if not names:
        raise InputError(f"{address} holds no files; name pictures or a folder of them")
    yield from names


def read_remote(address: str) -> bytes:
    """The bytes of a file. Raises ImageError with the reason where it cannot be fetched."""
    try:
        with _fsspec().open(address, "rb") as stream:
            data: bytes = stream.read(MOST_BYTES + 1)
    except InputError as error:
        raise ImageError(str(error)) from error
    except FileNotFoundError as error:
        raise ImageError("there is no such file") from error
    except Exception as error:  # every file system raises its own
        raise ImageError(_reason(error)) from error
    if len(data) > MOST_BYTES:
        raise ImageError(f"more than {MOST_BYTES} bytes are too many for a picture of a plate")
    return data


@contextmanager
def open_remote(address: str) -> Iterator[BinaryIO]:
    """A file to read from its beginning. Raises InputError where it cannot be opened."""
    fsspec = _fsspec()
    try:
        opened = fsspec.open(address, "rb").open()
    except Exception as error:  # every file system raises its own
        raise InputError(f"cannot open {address}: {_reason(error)}") from error
    with opened as stream:
        yield stream


def _fsspec() -> Any:
    try:
        return import_module("fsspec")
    except ModuleNotFoundError as error:
        raise InputError('addresses need fsspec: pip install "chepai[remote]"') from error


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

"""What a command line names as pictures: files, folders, patterns, lists, archives, addresses."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from glob import iglob
from pathlib import Path
from typing import BinaryIO, TypeAlias

from ..errors import InputError
from .archives import archive_pictures, count_pictures, is_archive
from .files import Skip, nothing, picture_files
from .remote import is_remote, open_remote, remote_names, remote_picture
from .sources import NamedPicture, Source, broken

STANDARD_INPUT = "-"
_NO_LIST = (b"\xff\xd8\xff", b"\x89PNG", b"PK\x03\x04", b"\x1f\x8b")
_MOST_LINE = 65536
"""Bytes of a list's line; no file system takes a longer path."""


@dataclass(frozen=True)
class _Archive:
    path: Path


_Item: TypeAlias = Path | NamedPicture | _Archive


class Inputs:
    """Pictures in a fixed order, found as they are asked for.

    Args:
        names: paths of pictures, folders or tar archives; patterns such as `2026-*/*.jpg`;
            addresses such as `s3://bucket/folder`; `-` for a list on standard input.
        lists: files that name one picture, folder, archive or address a line. A line is no
            pattern: it names what is called so.
        skip: what is left out of folders.
    """

    def __init__(
        self, names: Iterable[str | Path], lists: Sequence[str] = (), skip: Skip = nothing
    ) -> None:
        self._names = [str(name) for name in names]
        self._lists = list(lists)
        self._skip = skip

    def __iter__(self) -> Iterator[Source]:
        """The pictures; what a line of a list cannot give is a picture that cannot be loaded.

        Raises:
            InputError: a name gives nothing at all, or a list cannot be read.
        """
        for item in self._items():
            if isinstance(item, _Archive):
                yield from archive_pictures(item.path)
            else:
                yield item

    def files(self) -> Iterator[Path | NamedPicture]:
        """The pictures, each a file of its own: archives are refused.

        Raises:
            InputError: as iterating does, or there is an archive.
        """
        for item in self._items():
            if isinstance(item, _Archive):
                raise InputError(f"{item.path} is an archive, which only one machine reads")
            yield item

    @property
    def all_missing(self) -> bool:
        """Whether single paths are named, and nothing lies at any of them."""
        return bool(self._names) and not self._lists and not any(map(_may_exist, self._names))

    def count(self) -> int | None:
        """How many there are, by looking; None where only reading tells: on standard input.

        Raises:
            InputError: as iterating does.
        """
        if STANDARD_INPUT in self._names or STANDARD_INPUT in self._lists:
            return None
        counts = (
            count_pictures(item.path) if isinstance(item, _Archive) else 1 for item in self._items()
        )
        return sum(counts)

    def _items(self) -> Iterator[_Item]:
        for name in self._names:
            if name == STANDARD_INPUT:
                yield from _listed(name, self._skip)
            else:
                yield from _matching(name, self._skip)
        for name in self._lists:
            yield from _listed(name, self._skip)


def _may_exist(name: str) -> bool:
    elsewhere = name == STANDARD_INPUT or is_remote(name)
    return elsewhere or os.path.exists(name) or _is_pattern(name)


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def _matching(name: str, skip: Skip) -> Iterator[_Item]:
    if is_remote(name) or os.path.exists(name) or not _is_pattern(name):
        yield from _called(name, skip)
        return
    matches = sorted(iglob(name, recursive=True))
    if not matches:
        raise InputError(f"no file matches {name}")
    for match in matches:
        yield from _called(match, skip)


def _called(name: str, skip: Skip) -> Iterator[_Item]:
    """What a name means that is no pattern."""
    if is_remote(name):
        for address in remote_names(name):
            yield remote_picture(address)
        return
    for path in picture_files([name], skip):
        yield _Archive(path) if is_archive(path.name) and os.path.isfile(path) else path


def _listed(name: str, skip: Skip) -> Iterator[_Item]:
    with _open_list(name) as stream:
        for line in _lines(stream, name):
            try:
                yield from _called(line, skip)
            except InputError as error:
                yield broken(line, str(error))


def _open_list(name: str) -> AbstractContextManager[BinaryIO]:
    if name == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    if is_remote(name):
        return open_remote(name)
    try:
        return open(name, "rb")
    except OSError as error:
        raise InputError(f"cannot read the list {name}: {error.strerror}") from error


def _lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines that are not empty, in whatever bytes the file system's names have."""
    number = 0
    while line := stream.readline(_MOST_LINE):
        number += 1
        if len(line) == _MOST_LINE:
            raise InputError(f"line {number} of the list {name} is longer than any path")
        if number == 1 and line.startswith(_NO_LIST):
            raise InputError(f"{name} is no list: name pictures and archives without --list")
        text = os.fsdecode(line.removeprefix(codecs.BOM_UTF8).strip(b"\r\n"))
        if text:
            yield text

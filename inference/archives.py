"""Pictures in archives, read one after another without writing any of them to disk."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from tarfile import (
    GNUTYPE_LONGLINK,
    GNUTYPE_LONGNAME,
    SOLARIS_XHDTYPE,
    XGLTYPE,
    XHDTYPE,
    HeaderError,
    ReadError,
    TarError,
    TarFile,
    TarInfo,
)
from tarfile import open as open_archive
from typing import Any, Self

from ..plate.picture_guard import MOST_BYTES, too_many_bytes
from .sources import NamedPicture, broken, is_hidden
from .zip_archives import count_zip, zip_pictures

_ZIP = ".zip"
SUFFIXES = (_ZIP, ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

_OPENERS: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
# Headers whose content tarfile holds in memory, and how much of it names may take.
_HELD = (GNUTYPE_LONGNAME, GNUTYPE_LONGLINK, XHDTYPE, XGLTYPE, SOLARIS_XHDTYPE)
_MOST_HELD = 2**20
# What damaged archives raise, by who notices; tarfile lets ValueErrors of odd numbers through.
_DAMAGE = (TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


def is_archive(name: str) -> bool:
    """Whether a file's name ends as archives' do."""
    return name.lower().endswith(SUFFIXES)


def archive_pictures(path: Path) -> Iterator[NamedPicture]:
    """The files of an archive in its order, named `ARCHIVE/MEMBER`.

    Folders, links, devices and hidden members are left out. Each picture holds its bytes; the
    archive is read on when the next one is asked for. What is wrong with the archive comes last,
    as a picture of the archive's own name that cannot be loaded.
    """
    if path.suffix.lower() == _ZIP:
        yield from zip_pictures(path)
        return
    last = "its beginning"
    try:
        for archive, member in _members(path):
            last = _name(member)
            yield _picture(f"{path}/{last}", archive, member)
    except _DAMAGE as error:
        reason = str(error) or type(error).__name__
        yield broken(str(path), f"the archive is damaged or cut off after {last}: {reason}")


def count_pictures(path: Path) -> int:
    """How many pictures `archive_pictures` gives, one for damage included."""
    if path.suffix.lower() == _ZIP:
        return count_zip(path)
    count = 0
    try:
        for _ in _members(path):
            count += 1
    except _DAMAGE:
        count += 1
    return count


class _StrictHeader(TarInfo):
    """As tarfile's, without two of its ways.

    It takes a damaged header for the archive's end; what follows would be lost unsaid. And it
    holds long names and their like in memory, however long they say they are.
    """

    @classmethod
    def fromtarfile(cls, tarfile: TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except HeaderError as error:
            if type(error).__name__ == "EOFHeaderError":
                raise
            raise ReadError(str(error)) from error

    def _proc_member(self, tarfile: TarFile) -> Any:
        if self.type in _HELD and self.size > _MOST_HELD:
            raise ReadError(f"a name of {self.size} bytes")
        return super()._proc_member(tarfile)  # type: ignore[misc]


def _members(path: Path) -> Iterator[tuple[TarFile, TarInfo]]:
    """The members that may be pictures, each to be read before the next one is asked for."""
    with (
        path.open("rb") as file,
        _decompressed(file) as stream,
        open_archive(fileobj=stream, mode="r|", tarinfo=_StrictHeader) as archive,
    ):
        while (member := archive.next()) is not None:
            # It keeps all members it has seen, for seeking; of a stream nobody asks for them.
            archive.members.clear()  # type: ignore[attr-defined]
            if member.isreg() and not is_hidden(member.name):
                yield archive, member


def _decompressed(file: BufferedReader) -> Any:
    head = file.peek(6)
    found = (opener for magic, opener in _OPENERS.items() if head.startswith(magic))
    opener = next(found, None)
    return file if opener is None else opener(file)


def _picture(name: str, archive: TarFile, member: TarInfo) -> NamedPicture:
    if member.size > MOST_BYTES:
        return broken(name, too_many_bytes(member.size))
    stream = archive.extractfile(member)
    assert stream is not None  # a regular file has a content
    try:
        data = stream.read()
    except _DAMAGE:
        return broken(name, "it is cut off in the archive")
    return NamedPicture(name, lambda: data)


def _name(member: TarInfo) -> str:
    return member.name.removeprefix("./").lstrip("/")

"""Pictures in zip archives, read one after another without writing any of them to disk."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from ..plate.picture_guard import MOST_BYTES, too_many_bytes
from .sources import NamedPicture, broken, is_hidden

MOST_MEMBERS = 1_000_000
"""Their names are in memory at once, as zip archives have them at their end."""
_DAMAGE = (BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError)
_UTF8, _ENCRYPTED = 0x800, 0x1  # flags of a member


def zip_pictures(path: Path) -> Iterator[NamedPicture]:
    """The files of an archive in its order, named `ARCHIVE/MEMBER`, each with its bytes.

    Folders and hidden members are left out. What is wrong with the archive itself is a picture of
    its name that cannot be loaded.
    """
    try:
        with ZipFile(path) as archive:
            for member in _members(archive):
                yield _picture(f"{path}/{member_name(member)}", archive, member)
    except _DAMAGE as error:
        yield broken(str(path), f"the archive is damaged or cut off: {error}")


def count_zip(path: Path) -> int:
    """How many pictures `zip_pictures` gives, one for damage included."""
    try:
        with ZipFile(path) as archive:
            return len(_members(archive))
    except _DAMAGE:
        return 1


def member_name(member: ZipInfo) -> str:
    """A member's name; those without a mark are UTF-8 or, from Chinese Windows, GBK."""
    name = member.filename
    if not member.flag_bits & _UTF8:
        data = name.encode("cp437")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = data.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.removeprefix("./").lstrip("/")


def _members(archive: ZipFile) -> list[ZipInfo]:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise BadZipFile(f"{len(members)} members are too many, {MOST_MEMBERS} at most")
    return [each for each in members if not each.is_dir() and not _is_hidden(each.filename)]


def _picture(name: str, archive: ZipFile, member: ZipInfo) -> NamedPicture:
    if member.flag_bits & _ENCRYPTED:
        return broken(name, "it is encrypted")
    if member.file_size > MOST_BYTES:
        return broken(name, too_many_bytes(member.file_size))
    try:
        data = archive.read(member)
    # A way of packing that Python does not know is a RuntimeError too.
    except _DAMAGE as error:
        return broken(name, f"it is damaged in the archive: {error}")
    return NamedPicture(name, lambda: data)


def _is_hidden(name: str) -> bool:
    # macOS packs what it knows of each file into a folder of its own.
    return name.startswith("__MACOSX/") or is_hidden(name)

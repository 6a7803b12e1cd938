"""The pictures that a command line names: files, and folders with all that lies in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from ..errors import InputError

Skip: TypeAlias = Callable[[Path], bool]
SAMPLES = Path(__file__).with_name("samples")


def sample_pictures() -> list[Path]:
    """Rendered plates of many kinds that lie in the package, named after their texts."""
    return sorted(SAMPLES.glob("*.jpg"))


def nothing(_: Path) -> bool:
    """Leaves no file out."""
    return False


def picture_files(paths: Iterable[str | Path], skip: Skip = nothing) -> Iterator[Path]:
    """The files named, and every file below each folder named, one folder at a time.

    A folder's entries come sorted by name; hidden ones (a leading dot) are left out, and no file
    is judged by its suffix: whoever reads it says what is wrong with it.

    Args:
        skip: files and folders in folders that are left out too.

    Raises:
        InputError: a folder that holds no file, or that may not be listed.
    """
    for path in map(Path, paths):
        # os.path's answers False where Path's would raise: for a name that no file system takes.
        if not os.path.isdir(path):
            yield path
            continue
        empty = True
        for file in _below(path, (), skip):
            empty = False
            yield file
        if empty:
            raise InputError(f"the folder {path} holds no files; name pictures or a folder of them")


def _below(folder: Path, parents: tuple[Path, ...], skip: Skip) -> Iterator[Path]:
    real = folder.resolve()
    # A link back to a folder that we are in would never end.
    if real in parents:
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot list the folder {folder}: {error.strerror}") from error
    for entry in entries:
        if entry.name.startswith(".") or skip(entry):
            continue
        if os.path.isdir(entry):
            yield from _below(entry, (*parents, real), skip)
        else:
            yield entry

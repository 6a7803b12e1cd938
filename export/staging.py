"""A place to write a model in until it is proven, so that a failing one is never left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yields a path of `target`'s name in a new folder beside it.

    Whatever lies in that folder when the block ends is moved beside `target` under its own name:
    files that belong together, or a folder with all that is in it. When the block raises, it is
    removed, and everything stays as it was.

    Raises:
        InputError: the folder cannot be made or written.
    """
    folder = target.parent / f".{target.name}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True)
        yield folder / target.name
        for entry in sorted(folder.iterdir()):
            _move(entry, target.parent / entry.name)
    except PermissionError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    os.replace(source, target)

"""A place to write a model in until it is proven, so that a failing one is never left."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files import WriteError, why_unwritable


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yields a path of `target`'s name in a new folder beside it.

    Whatever lies in that folder when the block ends is moved beside `target` under its own name:
    files that belong together, or a folder with all that is in it. When the block raises, it is
    removed, and everything stays as it was.

    Raises:
        WriteError: the folder cannot be made or written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(".partial", f".{target.name}.", target.parent))
    except OSError as error:
        raise WriteError(f"cannot write {target}: {error.strerror}") from error
    try:
        yield folder / target.name
        for entry in sorted(folder.iterdir()):
            _move(entry, target.parent / entry.name)
    except OSError as error:
        reason = why_unwritable(error)
        if reason is None:
            raise
        raise WriteError(f"cannot write {target}: {reason}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    if source.is_dir() and target.is_dir():
        shutil.rmtree(target)
    os.replace(source, target)

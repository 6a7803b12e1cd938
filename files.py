"""Writing files so that neither a kill nor a full disk leaves half of one."""

from __future__ import annotations

import errno
import logging
import logging.handlers
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .errors import InputError

try:
    import fcntl
except ModuleNotFoundError:  # Windows, which has no such locks
    fcntl = None  # type: ignore[assignment]

LOG_BYTES, LOG_FILES = 10_000_000, 5
"""A log begins anew at that size; so many older ones are kept."""

_UNWRITABLE = {
    getattr(errno, name)
    for name in (
        "EACCES",
        "EPERM",
        "EROFS",
        "ENOSPC",
        "EDQUOT",
        "EFBIG",
        "EIO",
        "EISDIR",
        "ENOTDIR",
        "ENAMETOOLONG",
    )
    if hasattr(errno, name)
}
# HDF5, NumPy and TensorFlow tell of a full disk in exceptions of their own, each in its words.
_FULL = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|errno = (?:27|28|122)\b"
    r"|requested and \d+ written"
)


class WriteError(InputError):
    """A file that cannot be written: what is it, and why (a full disk, no permission)."""


@contextmanager
def atomic_path(path: str | Path, durable: bool = False) -> Iterator[Path]:
    """Yields a temporary path beside `path`, with the same suffix, that is renamed to it.

    When the block raises, the temporary file is removed and `path` stays as it was.
    Missing parent folders are made.

    Args:
        path: of the file.
        durable: waits until the disk has it, so that it outlasts the machine's sudden end too.

    Raises:
        WriteError: the folder cannot be made or the file not written, the block's own file or
            another.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot make the folder {target.parent}: {error.strerror}") from error
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")
    try:
        yield temporary
        if durable:
            _wait_for_disk(temporary)
        os.replace(temporary, target)
    except Exception as error:
        reason = why_unwritable(error)
        if reason is None:
            raise
        raise WriteError(f"cannot write {target}: {reason}") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_place(path: str | Path) -> None:
    """Raises WriteError where a folder lies at the place of a file, or nothing may be written.

    For long work, before it.
    """
    if Path(path).is_dir():
        raise WriteError(f"cannot write {path}: it is a folder; give the name of a file")
    folder = next(parent for parent in Path(path).absolute().parents if parent.exists())
    if not os.access(folder, os.W_OK):
        raise WriteError(f"cannot write {path}: the folder {folder} may not be written to")


def why_unwritable(error: Exception) -> str | None:
    """What an exception says of a disk that is full or takes no files; None where it does not."""
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return error.strerror
    # A sentence of ours that speaks of another file stays as it is.
    if isinstance(error, InputError) or not _FULL.search(str(error)):
        return None
    return os.strerror(errno.ENOSPC)


def _wait_for_disk(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def write_text(path: str | Path, text: str) -> None:
    """Writes `text` to `path` as UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_partials(folder: str | Path) -> None:
    """Removes what killed processes left of `atomic_path`'s files in a folder.

    Files of processes that still run stay.
    """
    for file in Path(folder).glob(".*.partial*"):
        number = re.search(r"\.(\d+)\.partial(?:\.[^.]*)?$", file.name)
        if number and not _runs(int(number[1])):
            file.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    if process == os.getpid() or os.name == "nt":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def lock(stream: IO[Any]) -> bool:
    """Whether this process has an open file for itself from now on, until it is closed.

    Always, where the system or the disk has no such locks.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


class RotatingLog(logging.handlers.RotatingFileHandler):
    """A log that stays small, and that a full disk makes shorter instead of ending the work.

    Where a line cannot be written, standard error says so once, until one can be again.

    Raises:
        WriteError: the file cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            super().__init__(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
        except OSError as error:
            raise WriteError(f"cannot write the log {path}: {error.strerror}") from error
        self._told = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        super().emit(record)
        self._told = self._told and self._failed

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        self._failed = True
        if not self._told:
            self._told = True
            reason = sys.exc_info()[1]
            sentence = f"chepai: cannot write the log {self.baseFilename}: {reason}; it has gaps"
            print(sentence, file=sys.stderr, flush=True)

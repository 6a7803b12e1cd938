"""Tables that grow row by row and go on after whatever stopped them, at whatever byte."""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import InputError
from ..files import atomic_path, lock
from .row_formats import DoneRow, RowFormat, utf8
from .sources import Source, name_of


@dataclass(frozen=True)
class Done:
    """The rows that an earlier run has finished: the first `size` bytes of `path`."""

    path: Path
    format: RowFormat
    size: int
    count: int

    def rows(self) -> Iterator[DoneRow]:
        """One after another. Raises InputError where one is not what `predict` writes."""
        if not self.count:
            return
        with self.path.open("rb") as stream:
            try:
                yield from self.format.rows(_first_lines(stream, self.size))
            except (ValueError, KeyError, TypeError, csv.Error) as error:
                raise InputError(f"{self.path} is no table that predict wrote: {error}") from error


class Remaining:
    """The sources that have no row yet, in their order; counts those that have.

    As long as sources come in the order of the rows, no row is kept in memory. Sources that are
    new, gone or elsewhere in the order are told by their names: each row stands for one of them.
    """

    def __init__(self, sources: Iterable[Source], done: Done | None) -> None:
        self._sources = sources
        self._done = done
        self.skipped = self.failed = 0

    def __iter__(self) -> Iterator[Source]:
        sources = iter(self._sources)
        rows = iter(() if self._done is None else self._done.rows())
        for row in rows:
            source = next(sources, None)
            if source is None:
                return
            if _written(source) != row.file:
                yield from self._unordered(chain([source], sources), chain([row], rows))
                return
            self._skip(row.failed)
        yield from sources

    def _unordered(self, sources: Iterable[Source], rows: Iterable[DoneRow]) -> Iterator[Source]:
        waiting = Counter(rows)
        for source in sources:
            name = _written(source)
            row = next((r for r in (DoneRow(name, False), DoneRow(name, True)) if waiting[r]), None)
            if row is None:
                yield source
            else:
                waiting[row] -= 1
                self._skip(row.failed)

    def _skip(self, failed: bool) -> None:
        self.skipped += 1
        self.failed += failed


@contextmanager
def row_file(output: Path, form: RowFormat, resume: bool) -> Iterator[tuple[BinaryIO, Done]]:
    """The open table, past the rows that are done, and these.

    Rows go to `partial_path(output)`, which becomes `output` when the block ends well. Otherwise
    it stays, unless it holds no row, and the next call with `resume` goes on with it; where
    there is none, with `output` itself.

    Raises:
        InputError: it cannot be written, is no such table, or another run is writing it; without
            `resume`, there are rows of an earlier one.
    """
    partial = partial_path(output)
    if resume and output.is_file() and not partial.exists():
        with atomic_path(partial) as copy:
            shutil.copyfile(output, copy)
    stream = _open_locked(partial)
    try:
        done = _whole_rows(stream, partial, form)
        if done.count and not resume:
            raise InputError(
                f"{partial} keeps what a stopped run has read: go on with it by "
                "--resume, or delete it"
            )
        with writing(partial):
            stream.truncate(done.size)
            stream.seek(done.size)
            if not done.size:
                stream.write(form.header)
        yield stream, done
        with writing(partial):
            stream.flush()
            os.fsync(stream.fileno())
            stream.close()
            os.replace(partial, output)
    except BaseException:
        # Where the disk is full, closing complains once more.
        with suppress(OSError):
            stream.close()
        if partial.stat().st_size <= len(form.header):
            partial.unlink()
        raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what goes wrong with writing into one sentence, an InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def partial_path(output: Path) -> Path:
    """Where the rows of an unfinished run lie: `x.csv.partial` beside `x.csv`."""
    return output.with_name(f"{output.name}.partial")


def _open_locked(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream: Any = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    if not lock(stream):
        stream.close()
        raise InputError(f"another run is writing {path}")
    return stream


def _whole_rows(stream: BinaryIO, path: Path, form: RowFormat) -> Done:
    """What is whole of the open table at `path`; a torn last row is not."""
    header = stream.read(len(form.header))
    if header != form.header:
        if form.header.startswith(header):
            return Done(path, form, 0, 0)
        raise InputError(f"{path} is no table that predict wrote: its first line is another")
    size, count = form.whole(stream)
    return Done(path, form, len(header) + size, count)


def _first_lines(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (line := stream.readline()):
        size -= len(line)
        yield line


def _written(source: Source) -> str:
    return utf8(name_of(source) or "")

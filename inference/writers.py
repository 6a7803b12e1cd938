"""Readings as CSV, JSON, JSON lines or Parquet, written as they come."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ..errors import InputError
from ..files import atomic_path, check_place
from .parquet_writer import parquet_rows
from .reading import Reading
from .resuming import Done, row_file, writing
from .row_formats import JSON_LINES, csv_format

CSV_COLUMNS = (
    "file", "text", "confidence", "accepted", "colour", "rows", "char_confidences", "error",
)  # fmt: skip
SUFFIXES = (".csv", ".json", ".jsonl", ".parquet")
# How much of a table that grows is lost when the machine itself stops.
FLUSH_SECONDS = 1.0

Write = Callable[[Reading], None]


@dataclass(frozen=True)
class Writer:
    """An open output: `add` takes the next reading; `done` is what an earlier run left."""

    add: Write
    done: Done | None = None


@contextmanager
def open_writer(output: str | Path, resume: bool = False) -> Iterator[Writer]:
    """Opens `output` by its suffix.

    A file appears, whole, when the block ends well; until then the rows of .csv and .jsonl lie
    beside it in a file that ends in `.partial`. `-` is CSV on standard output.

    Args:
        output: ends in one of `SUFFIXES`, or is `-`.
        resume: keep the rows of a run that was stopped, or of a finished one, and add to them.

    Raises:
        InputError: another suffix, one that cannot be resumed, a place that cannot be written,
            or that another run is writing.
    """
    path = Path(output)
    suffix = path.suffix.lower()
    if resume and suffix not in _ROWS:
        raise InputError(
            f"--resume goes on with {' and '.join(_ROWS)}; {output} is written as a whole"
        )
    check_place(path)
    if str(output) == "-":
        yield Writer(_csv_rows(_standard_output()))
    elif suffix in _ROWS:
        with _growing(path, suffix, resume) as writer:
            yield writer
    elif suffix == ".json":
        with atomic_path(path) as temporary, _open_text(temporary) as stream:
            yield from _json_list(stream)
    elif suffix == ".parquet":
        with parquet_rows(path) as add:
            yield Writer(add)
    else:
        raise InputError(f"--output ends in {', '.join(SUFFIXES)} or is -; received {output}")


def csv_row(reading: Reading) -> list[str]:
    """The values of `CSV_COLUMNS`; what a reading lacks is empty."""
    return [
        reading.file or "",
        reading.text,
        f"{reading.confidence:.6f}",
        _truth(reading.accepted),
        reading.colour or "",
        "" if reading.rows is None else str(reading.rows),
        " ".join(f"{value:.6f}" for _, value in reading.characters),
        reading.error or "",
    ]


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _standard_output() -> TextIO:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    csv.writer(sys.stdout, lineterminator="\n").writerow(CSV_COLUMNS)
    return sys.stdout


def _open_text(path: Path) -> TextIO:
    # A file name that is no UTF-8 must not end a run of thousands of pictures: backslashreplace.
    try:
        return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        raise InputError(f"cannot write {path.parent}: {error.strerror}") from error


@contextmanager
def _growing(path: Path, suffix: str, resume: bool) -> Iterator[Writer]:
    form, make = _ROWS[suffix]
    with row_file(path, form, resume) as (stream, done):
        text = io.TextIOWrapper(stream, "utf-8", "backslashreplace", newline="")
        try:
            yield Writer(_flushed(make(text), text, path), done)
        finally:
            with writing(path):
                text.detach()


def _flushed(write: Write, stream: TextIO, path: Path) -> Write:
    """`write`, after which nothing waits long in memory."""
    last = time.monotonic()

    def add(reading: Reading) -> None:
        nonlocal last
        with writing(path):
            write(reading)
            if (now := time.monotonic()) - last >= FLUSH_SECONDS:
                stream.flush()
                last = now

    return add


def _csv_rows(stream: TextIO) -> Write:
    rows = csv.writer(stream, lineterminator="\n")
    # A carriage return ends a row for those who read tables, but not for the writer.
    quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def add(reading: Reading) -> None:
        row = csv_row(reading)
        (quoted if any("\r" in value for value in row) else rows).writerow(row)

    return add


def _json_lines(stream: TextIO) -> Write:
    return lambda reading: print(_json(reading), file=stream)


def _json_list(stream: TextIO) -> Iterator[Writer]:
    separator = "\n"

    def add(reading: Reading) -> None:
        nonlocal separator
        stream.write(separator + _json(reading))
        separator = ",\n"

    stream.write("[")
    yield Writer(add)
    stream.write("\n]\n")


def _json(reading: Reading) -> str:
    return json.dumps(reading.to_dict(), ensure_ascii=False)


_ROWS = {".csv": (csv_format(CSV_COLUMNS), _csv_rows), ".jsonl": (JSON_LINES, _json_lines)}

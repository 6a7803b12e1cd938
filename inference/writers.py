"""Readings as CSV, JSON or JSON lines, written as they come."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ..errors import InputError
from ..files import atomic_path
from .reading import Reading

CSV_COLUMNS = (
    "file", "text", "confidence", "accepted", "colour", "rows", "char_confidences", "error",
)  # fmt: skip

Write = Callable[[Reading], None]


@contextmanager
def open_writer(output: str | Path) -> Iterator[Write]:
    """Opens `output` by its suffix (.csv, .json, .jsonl) and yields a function that adds a reading.

    A file appears, whole, when the block ends well. `-` is CSV on standard output.

    Raises:
        InputError: another suffix, or a place that cannot be written.
    """
    if str(output) == "-":
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
        with _csv_rows(sys.stdout) as write:
            yield write
        return
    path = Path(output)
    make = _FORMATS.get(path.suffix.lower())
    if make is None:
        raise InputError(f"--output ends in {', '.join(_FORMATS)} or is -; received {output}")
    with atomic_path(path) as temporary, _open_text(temporary) as stream, make(stream) as write:
        yield write


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


def _open_text(path: Path) -> TextIO:
    # A file name that is no UTF-8 must not end a run of thousands of pictures: backslashreplace.
    try:
        return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        raise InputError(f"cannot write {path.parent}: {error.strerror}") from error


@contextmanager
def _csv_rows(stream: TextIO) -> Iterator[Write]:
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
    yield lambda reading: rows.writerow(csv_row(reading))


@contextmanager
def _json_list(stream: TextIO) -> Iterator[Write]:
    separator = "\n"

    def write(reading: Reading) -> None:
        nonlocal separator
        stream.write(separator + _json(reading))
        separator = ",\n"

    stream.write("[")
    yield write
    stream.write("\n]\n")


@contextmanager
def _json_lines(stream: TextIO) -> Iterator[Write]:
    yield lambda reading: print(_json(reading), file=stream)


def _json(reading: Reading) -> str:
    return json.dumps(reading.to_dict(), ensure_ascii=False)


_FORMATS = {".csv": _csv_rows, ".json": _json_list, ".jsonl": _json_lines}

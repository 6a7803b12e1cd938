"""Tables of one reading after another, read back: which rows are whole, and what they are of."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class DoneRow(NamedTuple):
    """What a finished row says about its picture; `file` as `written_name` gives it."""

    file: str
    failed: bool


@dataclass(frozen=True)
class RowFormat:
    """How a table of one reading after another is read back.

    Attributes:
        header: its first line, empty where there is none.
        whole: the bytes and the number of the rows that are whole, header apart, of lines.
        rows: finished rows of lines, header included.
    """

    header: bytes
    whole: Callable[[Iterable[bytes]], tuple[int, int]]
    rows: Callable[[Iterable[bytes]], Iterator[DoneRow]]


def utf8(name: str) -> str:
    """A name as tables hold it: what is no UTF-8 stands as `\\udcff`."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def csv_format(columns: tuple[str, ...]) -> RowFormat:
    """A table of comma-separated values with these columns, `file` and `error` among them."""
    header = (",".join(columns) + "\n").encode()

    def rows(lines: Iterable[bytes]) -> Iterator[DoneRow]:
        for row in csv.DictReader((line.decode("utf-8") for line in lines), strict=True):
            yield DoneRow(row["file"], bool(row["error"]))

    return RowFormat(header, _whole_csv, rows)


def _whole_csv(lines: Iterable[bytes]) -> tuple[int, int]:
    offset = size = count = quotes = 0
    for line in lines:
        offset += len(line)
        quotes += line.count(b'"')
        # Within quotes a line's end belongs to a value, such as a file's name.
        if line.endswith(b"\n") and quotes % 2 == 0:
            size, count = offset, count + 1
    return size, count


def _json_rows(lines: Iterable[bytes]) -> Iterator[DoneRow]:
    for line in lines:
        row = json.loads(line)
        yield DoneRow(utf8(row["file"] or ""), row["error"] is not None)


def _whole_lines(lines: Iterable[bytes]) -> tuple[int, int]:
    size = count = 0
    for line in lines:
        if line.endswith(b"\n"):
            size, count = size + len(line), count + 1
    return size, count


JSON_LINES = RowFormat(b"", _whole_lines, _json_rows)

"""Label files of several readers as lines that say which picture shows what; nothing is judged.

Told apart by the first line that is not blank:

| format | first line |
|---|---|
| `tsv` | a header with `file` and `text` between tabs, perhaps `colour` and `rows` |
| `fast-plate-ocr` | a header with `image_path` and `plate_text` between commas |
| `paddleocr` | `path<TAB>text` |
| `original` | `name l0 l1 … l9`: class indices between blanks, -1 unknown |
| `names` | a folder: the texts are in the file names |
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import InputError, quoted
from ..plate.grammar import colour_of, text_in_name
from ..plate.image import IMAGE_SUFFIXES
from ..plate.schema import LabelSchema

LabelFormat = Literal["tsv", "fast-plate-ocr", "paddleocr", "original", "names"]
# A folder that holds one of these is read by it, not by its file names.
LABEL_FILES = ("labels.tsv", "label.txt")
MOST_LINE = 8192
"""Characters of a line; no path is longer, nor a plate."""
_INTEGER = re.compile(r"[+-]?\d+")
_LONGEST_NUMBER = 12  # digits


@dataclass(frozen=True)
class LabelLine:
    """One line. `fault` says why it could not be understood; the rest is then as far as it was.

    `labels` are class indices (format `original`), else `text` is what was written. `name` is the
    picture's path as written, `path` where it is, `raw` the whole line.
    """

    line: int
    raw: str
    name: str
    path: Path
    text: str | None = None
    labels: tuple[int, ...] | None = None
    colour: str | None = None
    rows: int | None = None
    fault: str | None = None


@dataclass(frozen=True)
class LabelFile:
    """A label file's lines; `header` is its first line where that is one."""

    path: Path
    format: LabelFormat
    header: str | None
    lines: tuple[LabelLine, ...]


def read_label_file(path: str | Path, schema: LabelSchema) -> LabelFile:
    """Reads a label file or a folder of pictures named after their plates.

    Raises:
        InputError: it cannot be read, is empty, or its first line is of no known format.
    """
    path = Path(path)
    if path.is_dir():
        own = next((path / name for name in LABEL_FILES if (path / name).is_file()), None)
        if own is None:
            return LabelFile(path, "names", None, tuple(_names(path, schema)))
        path = own
    lines = [
        (number, line)
        for number, line in enumerate(_split(read_text(path)), start=1)
        if line and not line.isspace()
    ]
    if not lines:
        raise InputError(f"the label file {path} is empty")
    _check_first(*lines[0], path)
    label_format = _format_of(lines[0][1], path)
    header = None
    if label_format in ("tsv", "fast-plate-ocr"):
        header = lines.pop(0)[1]
    parse = _careful(_parser(label_format, header, path.parent), path.parent)
    return LabelFile(path, label_format, header, tuple(parse(*line) for line in lines))


def _split(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _check_first(number: int, raw: str, path: Path) -> None:
    if len(raw) > MOST_LINE:
        raise InputError(f"{path}, line {number}: {_too_long(raw)}")


def _too_long(raw: str) -> str:
    return f"{len(raw)} characters are no label; {MOST_LINE} at most"


def _careful(
    parse: Callable[[int, str], LabelLine], folder: Path
) -> Callable[[int, str], LabelLine]:
    """Parses a line unless it is too long to be one; its beginning then stands for it."""

    def parse_carefully(number: int, raw: str) -> LabelLine:
        if len(raw) <= MOST_LINE:
            return parse(number, raw)
        name = raw[:40]
        return LabelLine(number, name, name, folder, fault=_too_long(raw))

    return parse_carefully


def read_text(path: Path) -> str:
    """A text file's content: UTF-8 or UTF-16 with or without its mark, else GBK.

    Raises:
        InputError: there is no such file, or it is of another encoding.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError(f"{path} is not a text in UTF-8; save it as UTF-8")


def _format_of(first: str, path: Path) -> LabelFormat:
    if {"file", "text"} <= set(_columns(first, "\t")):
        return "tsv"
    if {"image_path", "plate_text"} <= set(_columns(first, ",")):
        return "fast-plate-ocr"
    if "\t" in first:
        return "paddleocr"
    words = first.split()
    if len(words) > 1 and _INTEGER.fullmatch(words[-1]):
        return "original"
    raise InputError(
        f"{path}, line 1: not a known label format; known are a TSV with the header "
        "file<TAB>text, the original's `name l0 l1 …`, fast-plate-ocr's CSV, PaddleOCR's "
        f"path<TAB>text, and a folder of pictures named after their plates; found {first[:60]!r}"
    )


def _columns(header: str, separator: str) -> list[str]:
    names = (name.strip().strip('"').lower() for name in header.split(separator))
    return ["colour" if name == "color" else name for name in names]


def _parser(
    label_format: LabelFormat, header: str | None, folder: Path
) -> Callable[[int, str], LabelLine]:
    if label_format == "original":
        return lambda number, raw: _original(number, raw, folder)
    separator, columns = _table(label_format, header)
    return lambda number, raw: _table_row(number, raw, separator, columns, folder)


def _table(label_format: LabelFormat, header: str | None) -> tuple[str, list[str]]:
    """What stands between a table's fields, and what they are."""
    if label_format == "paddleocr":
        return "\t", ["file", "text"]
    separator = "\t" if label_format == "tsv" else ","
    columns = _columns(header or "", separator)
    return separator, [{"image_path": "file", "plate_text": "text"}.get(c, c) for c in columns]


def _fields(raw: str, separator: str) -> list[str]:
    return next(csv.reader([raw])) if separator == "," else raw.split(separator)


def line_with_name(file: LabelFile, line: LabelLine, name: str) -> str:
    """A line of a file, as text, with another name of its picture; all else stays as it is."""
    if file.format == "original":
        return line.raw.replace(line.name, name, 1)
    separator, columns = _table(file.format, file.header)
    fields = _fields(line.raw, separator)
    fields[columns.index("file")] = name
    if separator != ",":
        return separator.join(fields)
    quoted_row = io.StringIO()
    csv.writer(quoted_row, lineterminator="").writerow(fields)
    return quoted_row.getvalue()


def _original(number: int, raw: str, folder: Path) -> LabelLine:
    words = raw.split()
    count = 0
    while count < len(words) - 1 and _INTEGER.fullmatch(words[-1 - count]):
        count += 1
    name = raw.strip().rsplit(maxsplit=count)[0] if count else words[0]
    fault = None
    # A blank may be part of a name, but not of what follows its last dot.
    if len(name.split()) > 1 and not re.fullmatch(r"\.\w+", Path(name).suffix):
        fault = f"{quoted(name.split()[-1])} is not a class number"
    elif not count:
        fault = "no class numbers after the file name"
    labels = tuple(map(_class_number, words[len(words) - count :]))
    return LabelLine(number, raw, name, folder / name, labels=labels, fault=fault)


def _class_number(word: str) -> int:
    # Python refuses to read a number of thousands of digits; no head has so many classes.
    return int(word[:_LONGEST_NUMBER])


def _table_row(
    number: int, raw: str, separator: str, columns: list[str], folder: Path
) -> LabelLine:
    fields = _fields(raw, separator)
    values = dict(zip(columns, (field.strip() for field in fields), strict=False))
    name = values.get("file", "")
    fault = None
    if "text" not in values or len(fields) > len(columns):
        fault = f"{len(fields)} fields; {len(columns)} are wanted"
    elif not name:
        fault = "no file is named"
    colour, rows = values.get("colour") or None, values.get("rows", "")
    if rows and not _is_count(rows) and rows != "?":
        fault = f"{quoted(rows)} is not a number of rows"
    return LabelLine(
        number,
        raw,
        name,
        folder / name,
        text=values.get("text", ""),
        colour=colour,
        rows=int(rows) if _is_count(rows) else _rows_in(colour),
        fault=fault,
    )


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) <= _LONGEST_NUMBER


def _rows_in(colour: str | None) -> int | None:
    """Two, where a free colour says so, as in `yellow-double-row`."""
    return 2 if colour is not None and "double" in colour.lower() else None


def picture_paths(folder: Path) -> list[Path]:
    """All picture files below a folder, sorted; hidden ones and folders are left out."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in IMAGE_SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )


def _names(folder: Path, schema: LabelSchema) -> Iterator[LabelLine]:
    files = picture_paths(folder)
    if not files:
        raise InputError(f"the folder {folder} holds no pictures")
    for number, file in enumerate(files, start=1):
        name = file.relative_to(folder).as_posix()
        text = text_in_name(file.stem, schema)
        # The original's folders are named blue, yellow, green, white.
        colour = file.parent.name if colour_of(file.parent.name, schema) else None
        fault = None if text else f"no plate's text in the file name {file.name}"
        yield LabelLine(number, name, name, file, text=text, colour=colour, fault=fault)

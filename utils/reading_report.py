"""Readings beside their pictures: HTML pages that need nothing besides themselves."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, TextIO

from ..errors import InputError
from .html_picture import html_picture

PLATES_A_PAGE = 500
"""More would make pages of many megabytes, which browsers are slow to open."""


class Read(Protocol):
    """What was read; `chepai.inference.reading.Reading` is one."""

    @property
    def text(self) -> str: ...
    @property
    def confidence(self) -> float: ...
    @property
    def accepted(self) -> bool: ...
    @property
    def characters(self) -> Sequence[tuple[str, float]]: ...
    @property
    def colour(self) -> str | None: ...
    @property
    def rows(self) -> int | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def file(self) -> str | None: ...


class ReadingReport:
    """Pages that are written as readings come: `x.html`, `x-2.html` and so on.

    A page appears when it is full, and the last one when the report is closed, however that
    comes about. Each links to its neighbours, and can show some kinds of readings only.

    Args:
        path: of the first page.
        model: which model read and how, for the headline.
        page_size: readings on a page.

    Raises:
        InputError: another suffix than .html, or a place that cannot be written.
    """

    def __init__(self, path: str | Path, model: str, page_size: int = PLATES_A_PAGE) -> None:
        self._path = Path(path)
        if self._path.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"a report ends in .html; received {path}")
        self._model = model
        self._page_size = page_size
        self._number = 0
        self._count = 0
        self._stream: TextIO | None = None
        self._open_page()

    def close(self) -> None:
        """Ends the last page."""
        self._close_page(last=True)

    def add(self, reading: Read, picture: str | PathLike[str] | bytes) -> None:
        """The next reading and the path, or the bytes, of its picture."""
        if self._count == self._page_size:
            self._close_page(last=False)
            self._open_page()
        self._count += 1
        self._write(_row(reading, picture))

    def _open_page(self) -> None:
        self._number += 1
        self._count = 0
        partial = self._partial()
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            self._stream = partial.open("w", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise InputError(f"cannot write {partial.parent}: {error.strerror}") from error
        title = f"Plates read by {html.escape(self._model)}, page {self._number}"
        self._write(_HEAD.replace("TITLE", title))

    def _close_page(self, last: bool) -> None:
        if self._stream is None:
            return
        links = [] if self._number == 1 else [self._link(self._number - 1, "previous page")]
        if not last:
            links.append(self._link(self._number + 1, "next page"))
        self._write(_FOOT.replace("LINKS", " · ".join(links)))
        self._stream.close()
        self._stream = None
        os.replace(self._partial(), self._page(self._number))

    def _link(self, number: int, text: str) -> str:
        return f'<a href="{html.escape(self._page(number).name)}">{text}</a>'

    def _page(self, number: int) -> Path:
        name = self._path.name if number == 1 else f"{self._path.stem}-{number}{self._path.suffix}"
        return self._path.with_name(name)

    def _partial(self) -> Path:
        page = self._page(self._number)
        return page.with_name(f".{page.name}.{os.getpid()}.partial")

    def _write(self, text: str) -> None:
        assert self._stream is not None  # a report that is closed takes no more readings
        try:
            self._stream.write(text + "\n")
        except OSError as error:
            raise InputError(f"cannot write {self._path}: {error.strerror}") from error


def _row(reading: Read, picture: str | PathLike[str] | bytes) -> str:
    kind = "failed" if reading.error is not None else "yes" if reading.accepted else "no"
    cells = [html_picture(picture), *_words(reading), f"<small>{_text(reading.file)}</small>"]
    return f'<tr class="{kind}">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _words(reading: Read) -> tuple[str, str, str]:
    """What was read, how surely, and of what kind of plate; or why nothing was."""
    if reading.error is not None:
        return f"<i>{_text(reading.error)}</i>", "", ""
    sure = " ".join(f"{_text(char)}&#8239;{value:.2f}" for char, value in reading.characters)
    verdict = "accepted" if reading.accepted else "not accepted"
    rows = {1: "one row", 2: "two rows"}.get(reading.rows or 0, "")
    kind = ", ".join(word for word in (_text(reading.colour), rows) if word)
    return (
        f'<b class="plate">{_text(reading.text)}</b><br><small>{sure}</small>',
        f"{reading.confidence:.4f}<br><small>{verdict}</small>",
        kind,
    )


def _text(value: Any) -> str:
    return html.escape(value or "")


_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>TITLE</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; }
h1 { font-size: 1.2rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .35rem .6rem; text-align: left; border-bottom: 1px solid #ddd; }
.plate { font-size: 1.3rem; letter-spacing: .05em; white-space: nowrap; }
.no .plate { color: #a33; }
small { color: #555; overflow-wrap: anywhere; }
#only-yes:checked ~ table tr:is(.no, .failed), #only-no:checked ~ table tr:is(.yes, .failed),
#only-failed:checked ~ table tr:is(.yes, .no) { display: none; }
</style>
</head>
<body>
<h1>TITLE</h1>
<input type="radio" name="only" id="all" checked><label for="all">all</label>
<input type="radio" name="only" id="only-yes"><label for="only-yes">accepted</label>
<input type="radio" name="only" id="only-no"><label for="only-no">not accepted</label>
<input type="radio" name="only" id="only-failed"><label for="only-failed">unreadable</label>
<table>
<thead><tr><th>picture</th><th>reading</th><th>confidence</th><th>plate</th><th>file</th></tr>
</thead>
<tbody>"""
_FOOT = """</tbody>
</table>
<nav>LINKS</nav>
</body>
</html>"""

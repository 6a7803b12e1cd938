"""Progress of long work: a bar on a terminal, now and then a plain line in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

Item = TypeVar("Item")

_BAR_WIDTH = 30
_BAR_SECONDS = 0.1
_LINE_SECONDS = 10.0


def progress(
    items: Iterable[Item], total: int | None, what: str, stream: TextIO | None = None
) -> Iterator[Item]:
    """Yields `items` and tells on `stream` (standard error) how far they are.

    Args:
        total: how many there are; None where that is not known.
        what: their name in the plural, as `pictures`.
    """
    stream = stream or sys.stderr
    bar = stream.isatty()
    interval = _BAR_SECONDS if bar else _LINE_SECONDS
    start = last = time.monotonic()
    count = 0
    try:
        for count, item in enumerate(items, start=1):
            yield item
            now = time.monotonic()
            if now - last >= interval:
                last = now
                _show(progress_line(count, total, now - start, what), stream, bar)
    finally:
        if bar:
            _show(progress_line(count, total, time.monotonic() - start, what), stream, bar)
            stream.write("\n")


def progress_line(count: int, total: int | None, seconds: float, what: str) -> str:
    """One line such as `[######----] 60/100 pictures, 30/s, 0:01 left`."""
    rate = count / seconds if seconds > 0 else 0.0
    speed = f"{what}, {rate:.0f}/s"
    if not total:
        return f"{count} {speed}"
    filled = min(_BAR_WIDTH, _BAR_WIDTH * count // total)
    left = (total - count) / rate if rate else 0.0
    bar = "#" * filled + "-" * (_BAR_WIDTH - filled)
    return f"[{bar}] {count}/{total} {speed}, {left // 60:.0f}:{left % 60:02.0f} left"


def _show(line: str, stream: TextIO, bar: bool) -> None:
    # On a terminal the line is drawn over the one before it and the rest of that is erased.
    stream.write(f"\r{line}\x1b[K" if bar else f"{line}\n")
    stream.flush()

"""Progress of long work: a bar on a terminal, now and then a plain line in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TextIO, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

LINE_SECONDS = 10.0


def progress(
    items: Iterable[Item], total: int | None, what: str, stream: TextIO | None = None
) -> Iterator[Item]:
    """Yields `items` and tells on `stream` (standard error) how far they are.

    Args:
        total: how many there are; None where that is not known.
        what: their name in the plural, as `pictures`.
    """
    stream = stream or sys.stderr
    if stream.isatty():
        yield from tqdm(items, total=total, unit=f" {what}", file=stream, dynamic_ncols=True)
        return
    start = last = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            last = now
            print(_line(count, total, what, now - start), file=stream, flush=True)


def _line(count: int, total: int | None, what: str, seconds: float) -> str:
    """How far, how fast, and how long yet.

    >>> _line(500, 2000, "plates", 10.0)
    '500 of 2000 plates, 50/s, 0:00:30 left'
    """
    speed = count / seconds
    shown = f"{speed:.0f}/s" if speed >= 10 else f"{speed:.2g}/s"
    if total is None:
        return f"{count} {what}, {shown}"
    left = timedelta(seconds=round(max(0, total - count) / speed))
    return f"{count} of {total} {what}, {shown}, {left} left"

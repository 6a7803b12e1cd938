"""Progress of long work: a bar on a terminal, now and then a plain line in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
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
            of = f" of {total}" if total is not None else ""
            print(f"{count}{of} {what}, {count / (now - start):.0f}/s", file=stream, flush=True)

"""Mode `predict`: reads plates from pictures and folders."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ._reading_options import add_reading_options, resolve_min_confidence

if TYPE_CHECKING:
    from ..inference.reading import Reading

HELP = "read plates from pictures and folders of pictures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "pictures",
        nargs="*",
        metavar="PICTURE",
        help="a cropped plate's picture, or a folder; none: the package's own sample plates",
    )
    add_reading_options(parser)
    parser.add_argument(
        "--output", metavar="FILE", help="write .csv, .json or .jsonl; - is CSV on standard output"
    )


def run(args: argparse.Namespace) -> int:
    """Reads every picture; 1 when one of them could not be read."""
    from ..inference.files import picture_files, sample_pictures
    from ..inference.reader import Reader
    from ..utils.progress import progress

    # Counting first also finds a wrong folder before the work begins.
    pictures = args.pictures or sample_pictures()
    total = sum(1 for _ in picture_files(pictures))
    reader = Reader(args.model, args.runtime, args.threads)
    valid_only = not args.any_text
    minimum = resolve_min_confidence(args.min_confidence, reader, valid_only)
    readings: Iterable[Reading] = reader.read_stream(picture_files(pictures), minimum, valid_only)
    if args.output not in (None, "-"):
        readings = progress(readings, total, "pictures")
    tally = _Tally()
    _write(tally.counting(readings), args.output)
    print(tally.summary(minimum), file=sys.stderr)
    return 1 if tally.failed else 0


class _Tally:
    """Counts readings as they pass."""

    def __init__(self) -> None:
        self.read = self.accepted = self.failed = self.impossible = 0

    def counting(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        for reading in readings:
            self.failed += reading.error is not None
            self.read += reading.error is None
            self.accepted += reading.accepted
            self.impossible += reading.raw_valid is False
            yield reading

    def summary(self, minimum: float) -> str:
        unread = f"; {self.failed} could not be read" if self.failed else ""
        wrong = f"; the raw readings of {self.impossible} are no valid plates"
        impossible = wrong if self.impossible else ""
        return (
            f"{self.read + self.failed} pictures: {self.read} read, "
            f"{self.accepted} accepted at confidence {minimum:g}{impossible}{unread}"
        )


def _write(readings: Iterable[Reading], output: str | None) -> None:
    if output is None:
        _print_table(readings)
        return
    from ..inference.writers import open_writer

    with open_writer(output) as write:
        for reading in readings:
            write(reading)


def _print_table(readings: Iterable[Reading]) -> None:
    """Rows as they come; the file stands last because nobody knows the longest in advance."""
    print("text        confidence  accepted  colour  rows  file")
    for reading in readings:
        if reading.error is not None:
            print(f"{'-':12}{'':34}{reading.file}: {reading.error}", flush=True)
            continue
        # A Chinese character takes two columns of a terminal.
        wide = sum(ord(char) > 0x2E80 for char in reading.text)
        print(
            f"{reading.text:{12 - wide}}{reading.confidence:<12.4f}"
            f"{'yes' if reading.accepted else 'no':10}{reading.colour or '-':8}"
            f"{reading.rows or '-'!s:6}{reading.file}",
            flush=True,
        )

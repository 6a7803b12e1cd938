"""Mode `predict`: reads plates from pictures and whatever holds pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import one_line
from ._reading_options import (
    add_picture_arguments,
    add_reading_options,
    open_reader,
    resolve_min_confidence,
)

if TYPE_CHECKING:
    from ..inference.inputs import Inputs
    from ..inference.reader import Reader
    from ..inference.reading import Reading

HELP = "read plates from pictures, folders, lists and archives"
ENGINES = ("local", "ray")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    add_picture_arguments(
        parser,
        "a cropped plate's picture, a folder, an archive (zip, tar), a pattern in quotes, an "
        "address (s3://…); - is a list on standard input; none: the package's own sample plates",
    )
    add_reading_options(parser)
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="write .csv, .jsonl, .json or .parquet; - is CSV on standard output",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with an --output of .csv or .jsonl: pictures that have a row are left out",
    )
    parser.add_argument(
        "--report", metavar="FILE.html", help="write pages of the readings beside their pictures"
    )
    parser.add_argument(
        "--save-rejected",
        metavar="DIR",
        help="copy the pictures that were not accepted or could not be read into DIR",
    )
    parser.add_argument(
        "--save-crops",
        metavar="DIR",
        help="write what the network sees of each picture into DIR, as PNG",
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="local",
        help="where pictures are read: here, or on all machines of a Ray cluster",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="of --engine ray; none: one a processor"
    )


def run(args: argparse.Namespace) -> int:
    """Reads every picture; 1 when one of them could not be read."""
    from ..errors import InputError
    from ..inference.files import sample_pictures
    from ..inference.inputs import Inputs
    from ._bulk import own_outputs

    if args.resume and args.output is None:
        raise InputError("--resume needs the --output that it goes on with")
    named = bool(args.pictures or args.list)
    inputs = Inputs(args.pictures if named else sample_pictures(), args.list, own_outputs(args))
    # Counting first also finds a wrong folder before the work begins.
    total = inputs.count()
    reader = open_reader(args)
    if inputs.all_missing:
        raise InputError(f"there is no {args.pictures[0]}; name pictures, folders or archives")
    minimum = resolve_min_confidence(args.min_confidence, reader, not args.any_text)
    tally = _Tally()
    try:
        _read_all(args, inputs, total, reader, minimum, tally)
    except KeyboardInterrupt:
        _tell_what_is_kept(args.output)
        raise
    written = (args.output, args.report, args.save_rejected, args.save_crops)
    places = ", ".join(place for place in written if place and place != "-")
    print(tally.summary(minimum) + (f"; written: {places}" if places else ""), file=sys.stderr)
    if not named:
        print("no pictures were named: these are chepai's own rendered samples", file=sys.stderr)
    return 1 if tally.failed + tally.failed_before else 0


class _Tally:
    """Counts readings as they pass, and those that an earlier run has left."""

    def __init__(self) -> None:
        self.read = self.accepted = self.failed = self.impossible = 0
        self.before = self.failed_before = 0

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
            f"{self._summary_before()}{self.read + self.failed} pictures: {self.read} read, "
            f"{self.accepted} accepted at confidence {minimum:g}{impossible}{unread}"
        )

    def _summary_before(self) -> str:
        if not self.before:
            return ""
        unread = f", {self.failed_before} of them unreadable" if self.failed_before else ""
        return f"{self.before} were done before{unread}; "


def _read_all(
    args: argparse.Namespace,
    inputs: Inputs,
    total: int | None,
    reader: Reader,
    minimum: float,
    tally: _Tally,
) -> None:
    """Reads what has no row yet, and writes all that was asked for."""
    from ..inference.resuming import Remaining
    from ..inference.writers import open_writer
    from ..utils.progress import progress
    from ._bulk import SideOutputs, engine, read_and_keep

    files = inputs.files() if args.engine == "ray" else inputs
    with ExitStack() as stack:
        writer = stack.enter_context(open_writer(args.output, args.resume)) if args.output else None
        done = None if writer is None else writer.done
        remaining = Remaining(files, done)
        side = stack.enter_context(SideOutputs(args, reader, minimum))
        readings = tally.counting(read_and_keep(remaining, engine(args, reader, minimum), side))
        if writer is None:
            _print_table(readings)
            return
        if args.output != "-":
            left = None if total is None else max(0, total - (done.count if done else 0))
            readings = progress(readings, left, "plates")
        for reading in readings:
            writer.add(reading)
    tally.before, tally.failed_before = remaining.skipped, remaining.failed


def _tell_what_is_kept(output: str | None) -> None:
    from ..inference.resuming import partial_path

    if output is not None and (partial := partial_path(Path(output))).exists():
        print(f"{partial} keeps what was read; --resume goes on with it", file=sys.stderr)


def _print_table(readings: Iterable[Reading]) -> None:
    """Rows as they come; the file stands last because nobody knows the longest in advance."""
    print("text        confidence  accepted  colour  rows  file")
    for reading in readings:
        if reading.error is not None:
            print(f"{'-':12}{'':34}{_named(reading)}: {reading.error}", flush=True)
            continue
        # A Chinese character takes two columns of a terminal.
        wide = sum(ord(char) > 0x2E80 for char in reading.text)
        print(
            f"{reading.text:{12 - wide}}{reading.confidence:<12.4f}"
            f"{'yes' if reading.accepted else 'no':10}{reading.colour or '-':8}"
            f"{reading.rows or '-'!s:6}{_named(reading)}",
            flush=True,
        )


def _named(reading: Reading) -> str:
    """A file's name for a terminal, which a stranger's name might otherwise command."""
    return one_line(reading.file or "")

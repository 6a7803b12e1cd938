"""Mode `make-tfrecord`: labelled pictures as sharded TFRecords, or as one array."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ._numbers import at_least_one, none_or_more

if TYPE_CHECKING:
    from ..dataset.records import PlateRecord
    from ..plate.schema import LabelSchema

HELP = "write labelled pictures as sharded TFRecords, or as a memory-mapped array"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument("data", nargs="*", metavar="PATH", help="label file or folder")
    parser.add_argument(
        "--data",
        dest="more",
        action="append",
        default=[],
        metavar="PATH",
        help="the same (repeatable)",
    )
    parser.add_argument(
        "--output",
        required=True,
        metavar="PATH",
        help="DIR/NAME for DIR/NAME-00000-of-00008.tfrecord; the array's folder",
    )
    parser.add_argument("--schema", default="cn", help="cn, original, or a YAML file")
    parser.add_argument(
        "--format",
        choices=("tfrecord", "array"),
        default="tfrecord",
        help="array: pixels at the input size, which trains without TensorFlow",
    )
    parser.add_argument(
        "--shards", type=at_least_one, default=8, help="files to spread the plates over"
    )
    parser.add_argument("--size", default="144x48", metavar="WxH", help="pixels of the array")
    parser.add_argument("--workers", type=none_or_more, default=2, help="processes that read")


def run(args: argparse.Namespace) -> int:
    """Writes the data set; status 1 when pictures had to be left out."""
    from ..dataset.file_util import read_plates
    from ..plate.schema import load_schema

    paths = [*args.data, *args.more]
    if not paths:
        raise InputError("name a label file or a folder of pictures")
    if not Path(args.output).name:
        raise InputError(f"--output {args.output} is no name; such is records/train")
    schema = load_schema(args.schema)
    records = [record for path in paths for record in read_plates(path, schema)]
    write = _write_array if args.format == "array" else _write_tfrecords
    return write(records, schema, args)


def _write_tfrecords(
    records: list[PlateRecord], schema: LabelSchema, args: argparse.Namespace
) -> int:
    from ..dataset.tfrecord_writer import write_tfrecords
    from ..frameworks import import_tensorflow
    from ..utils.progress import progress

    if any(record.box is not None for record in records):
        raise InputError(
            "TFRecords hold files as they are, and of photographs the plates are wanted: cut them "
            "first (`chepai import-ccpd`), or write an array (--format array)"
        )
    import_tensorflow()
    index = write_tfrecords(
        records,
        args.output,
        schema,
        args.shards,
        args.workers,
        lambda files, total: progress(files, total, "pictures"),
    )
    for path, reason in index.skipped.items():
        print(f"left out {path}: {reason}", file=sys.stderr)
    print(f"{sum(index.shards.values())} plates in {len(index.shards)} shards: {args.output}-*")
    return 1 if index.skipped else 0


def _write_array(records: list[PlateRecord], schema: LabelSchema, args: argparse.Namespace) -> int:
    from ..dataset.array_writer import write_records
    from ..utils.progress import progress

    width, _, height = args.size.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise InputError(f"--size is WIDTHxHEIGHT in pixels, as 144x48; received {args.size!r}")
    write_records(
        args.output,
        records,
        schema,
        int(height),
        int(width),
        args.workers,
        lambda batches, total: progress(batches, total, "batches"),
    )
    print(f"{len(records)} plates in {args.output}")
    return 0

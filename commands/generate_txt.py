"""Mode `generate-txt`: label files from pictures that are named after their plates."""

from __future__ import annotations

import argparse
import sys
from math import isfinite

from ..errors import InputError
from ._numbers import none_or_more

HELP = "write label files for a folder of pictures named after their plates, split by plate"
SHOWN = 5  # pictures without a text that are named before the rest is only counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "folder", help="of pictures, as 皖A12345.jpg, 皖A12345_1.jpg or 00000001_皖A12345.jpg"
    )
    parser.add_argument(
        "--output", metavar="DIR", help="where the label files go; none: into the folder"
    )
    parser.add_argument(
        "--format",
        choices=("tsv", "label"),
        default="tsv",
        help="tsv: file, text, colour; label: class numbers, as the original's label.txt",
    )
    parser.add_argument(
        "--schema", help="cn, original or a YAML file; none: cn for tsv, original for label"
    )
    parser.add_argument(
        "--split", default="80/10/10", metavar="A/B/C", help="shares of train, validation, test"
    )
    parser.add_argument("--seed", type=none_or_more, default=800, help="of the split")


def run(args: argparse.Namespace) -> int:
    """Writes the files; 0, also when some pictures were left out (they are named)."""
    from ..plate.schema import load_schema
    from ..utils.generate_txt import SUFFIXES, generate_txt

    schema = load_schema(args.schema or ("cn" if args.format == "tsv" else "original"))
    output = args.output or args.folder
    written = generate_txt(args.folder, output, schema, args.format, _shares(args.split), args.seed)
    for name, count in written.counts.items():
        print(f"{output}/{name}{SUFFIXES[args.format]}: {count} plates")
    if written.kept:
        print(
            f"{written.kept} plates stay in the parts that the lists in {output} had them in; "
            "delete these to divide all anew"
        )
    for path in written.others[:SHOWN]:
        print(f"left out: no plate's text in the name of {path}", file=sys.stderr)
    if len(written.others) > SHOWN:
        print(f"left out: {len(written.others) - SHOWN} more", file=sys.stderr)
    return 0


def _shares(text: str) -> list[float]:
    try:
        shares = [float(part) for part in text.split("/")]
    except ValueError:
        shares = []
    if not shares or not all(map(isfinite, shares)):
        raise InputError(f"--split wants three shares, as 80/10/10; received {text!r}")
    return shares

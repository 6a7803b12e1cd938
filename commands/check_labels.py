"""Mode `check-labels`: what is wrong with a label file and its pictures."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ._numbers import at_least_one

if TYPE_CHECKING:
    from ..plate.schema import LabelSchema
    from ..utils.check_labels import CheckReport
    from ..utils.label_lines import LabelFile

HELP = "find missing, unreadable, duplicate and impossible plates in a label file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument("labels", help="a label file, or a folder of pictures named after plates")
    parser.add_argument(
        "--schema", help="cn, original or a YAML file; none: original for a label.txt, else cn"
    )
    parser.add_argument(
        "--min-size", default="30x10", metavar="WxH", help="the least width and height, pixels"
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="CATEGORY", help="do not look for this"
    )
    parser.add_argument("--fix-to", metavar="FILE", help="write the lines without findings here")
    parser.add_argument("--show", type=int, default=5, help="findings shown of each category")
    parser.add_argument("--json", metavar="PATH", help="write all findings here")
    parser.add_argument(
        "--workers", type=at_least_one, help="threads that read; none: one a processor"
    )


def run(args: argparse.Namespace) -> int:
    """Prints what was found; 1 when anything was."""
    from ..files import write_text
    from ..plate.schema import load_schema
    from ..utils.check_labels import CATEGORIES, check_labels, write_good_lines
    from ..utils.label_lines import read_label_file
    from ..utils.progress import progress

    for category in set(args.ignore) - CATEGORIES.keys():
        raise InputError(f"--ignore: no category {category!r}; there are {', '.join(CATEGORIES)}")
    schema = load_schema(args.schema or "cn")
    file = read_label_file(args.labels, schema)
    if args.schema is None and file.format == "original" and not _has_classes_of(schema, file):
        schema = load_schema("original")
    report = check_labels(
        file,
        schema,
        _size(args.min_size),
        args.ignore,
        args.workers,
        lambda pictures, total: progress(pictures, total, "pictures"),
    )
    for line in _summary(report, args.show):
        print(line)
    if args.json:
        write_text(args.json, json.dumps(_as_json(report), ensure_ascii=False, indent=1))
    if args.fix_to:
        print(f"{args.fix_to}: {write_good_lines(report, args.fix_to)} good lines")
    return 1 if report.findings else 0


def _has_classes_of(schema: LabelSchema, file: LabelFile) -> bool:
    """Whether a label.txt has a column for each head of a schema in its first line."""
    return bool(file.lines) and len(file.lines[0].labels or ()) == len(schema.heads)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        raise InputError(f"--min-size wants WIDTHxHEIGHT, as 30x10; received {text!r}")
    return int(match[1]), int(match[2])


def _summary(report: CheckReport, show: int) -> Iterable[str]:
    from ..utils.check_labels import CATEGORIES

    total, good = len(report.file.lines), len(report.good_lines)
    for category, count in report.counts.items():
        yield f"{category} ({CATEGORIES[category]}): {count}"
        found = [finding for finding in report.findings if finding.category == category]
        for finding in found[:show]:
            yield f"  line {finding.line.line}: {finding.line.name}: {finding.message}"
        if count > show > 0:
            yield f"  and {count - show} more"
    yield f"{report.file.path} ({report.file.format}): {total} lines, {good} good"


def _as_json(report: CheckReport) -> dict[str, Any]:
    return {
        "file": str(report.file.path),
        "format": report.file.format,
        "lines": len(report.file.lines),
        "good": len(report.good_lines),
        "counts": report.counts,
        "findings": [
            {
                "line": finding.line.line,
                "file": finding.line.name,
                "category": finding.category,
                "message": finding.message,
            }
            for finding in report.findings
        ],
    }

"""Mode `test`: how well a model reads labelled plates."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._reading_options import (
    add_reading_options,
    describe_reading,
    open_reader,
    resolve_min_confidence,
)

if TYPE_CHECKING:
    from ..training.evaluation import Evaluation

HELP = "evaluate a model on labelled plates: tables, JSON, plots"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "--data",
        metavar="PATH",
        action="append",
        required=True,
        help="a label file (label.txt, TSV, CSV), or a folder of pictures named after their "
        "plates (repeatable)",
    )
    add_reading_options(parser)
    parser.add_argument(
        "--schema",
        help="whose class indices a label.txt holds; none: the model's (the original's ten "
        "columns are told apart by themselves)",
    )
    parser.add_argument(
        "--half",
        action="store_true",
        help="test the model's export to half precision, made for the occasion",
    )
    parser.add_argument(
        "--json", metavar="PATH", help="write every figure as JSON; - is standard output"
    )
    parser.add_argument("--output", metavar="DIR", help="write report.md and plots into DIR")


def run(args: argparse.Namespace) -> int:
    """Reads every set, prints a row for each, writes what was asked for; 1 for unread pictures."""
    if not args.half:
        return _run(args, args.model)
    from ..inference.pretrained import looks_twice
    from ._half_precision import half_precision

    if args.second_look is None and looks_twice(args.model):
        args.second_look = True
    with half_precision(args.model) as model:
        args.model, name = model, f"{args.model} in half precision"
        return _run(args, name)


def _run(args: argparse.Namespace, name: str) -> int:
    """As `run`; `name` stands for the model."""
    from ..files import check_place
    from ..plate.schema import load_schema
    from ..training.report import summary_table
    from ._evaluating import evaluate_sets, load_set, read_set, write_report

    if args.json and args.json != "-":
        check_place(args.json)
    if args.output:
        check_place(Path(args.output) / "report.md")
    if args.output:
        # It draws the plots: that it is missing is told before the work begins.
        import_module("matplotlib")
    reader = open_reader(args)
    model = describe_reading(args, name, reader.second_look)
    valid_only = not args.any_text
    minimum = resolve_min_confidence(args.min_confidence, reader, valid_only)
    file_schema = load_schema(args.schema) if args.schema else None
    # All label files first: a damaged one is told before the work begins.
    labelled = [load_set(path, reader.schema, file_schema) for path in args.data]
    sets = [read_set(reader, each, valid_only) for each in labelled]
    evaluations = [
        evaluate_sets([each], minimum, reader.schema, each.labelled.name, model) for each in sets
    ]
    whole = evaluations[0]
    if len(sets) > 1:
        whole = evaluate_sets(sets, minimum, reader.schema, "combined", model)
    if args.json != "-":
        rows = evaluations if len(sets) == 1 else [*evaluations, whole]
        print(summary_table(rows))
    if args.json:
        _write_json(args.json, whole, evaluations)
    if args.output:
        write_report(Path(args.output), sets, evaluations, whole)
        told = sys.stderr if args.json == "-" else sys.stdout
        print(f"report and plots: {Path(args.output) / 'report.md'}", file=told)
    return 1 if any(reading.error for each in sets for reading in each.readings) else 0


def _write_json(path: str, whole: Evaluation, evaluations: list[Evaluation]) -> None:
    """The figures over everything; with several sets, those of each under `sets` too."""
    values: dict[str, Any] = whole.to_dict()
    if len(evaluations) > 1:
        values["sets"] = [evaluation.to_dict() for evaluation in evaluations]
    text = json.dumps(values, ensure_ascii=False, indent=2)
    if path == "-":
        print(text)
        return
    from ..files import write_text

    write_text(path, text + "\n")

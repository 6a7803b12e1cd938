"""Mode `audit`: which labels are probably wrong."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..configs import load_config
from ..errors import InputError
from ..utils.label_quality import SUSPICIOUS
from ._configuring import add_configuration_options
from ._families import check_heads

if TYPE_CHECKING:
    import numpy as np

    from ..plate.schema import LabelSchema
    from ._auditing import LabelledPlates, Probabilities, Suspicion

HELP = "rank labels that a model contradicts, show them, and write a cleaned label file"
SHOWN = 10
DOUBTFUL = 0.3  # a larger share of suspicious labels says more of the model than of the labels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "--data",
        metavar="PATH",
        action="append",
        required=True,
        help="a label file, or a folder of pictures named after their plates (repeatable)",
    )
    parser.add_argument(
        "--schema", help="whose class indices a label.txt holds; none: the model's, or original"
    )
    parser.add_argument("--output", default="audit", metavar="DIR", help="where the results go")
    parser.add_argument(
        "--heads",
        choices=("all", "text"),
        default="all",
        help="judge colours and rows of plates too, or only their texts",
    )
    parser.add_argument(
        "--below",
        type=_score,
        default=SUSPICIOUS,
        metavar="SCORE",
        help="what counts as suspicious, 0 to 1",
    )
    parser.add_argument(
        "--pictures", type=int, default=500, metavar="N", help="most plates on the sheet"
    )
    parser.add_argument(
        "--fix-to", metavar="FILE", help="write the label file without the suspicious lines"
    )
    parser.add_argument(
        "--reviewed",
        metavar="TSV",
        help="with --fix-to: leave out what this looked-through suspicious.tsv lists, and audit "
        "nothing",
    )
    _add_model_arguments(parser)


def _add_model_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", help="a shipped model's name or a model file that reads all; none: default"
    )
    parser.add_argument("--runtime", help="onnx or keras; none: the one of the file's suffix")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads of --model")
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="in place of --model: train K models, each to read the plates it was not shown",
    )
    add_configuration_options(parser, "of --folds: ")
    parser.add_argument(
        "--init",
        metavar="MODEL",
        help="weights that each fold begins with; they must not have seen these plates",
    )
    parser.add_argument("--seed", type=int, help="of the folds and of their training")
    parser.add_argument("--workers", type=int, help="processes that read or render")


def run(args: argparse.Namespace) -> int:
    """0; 1 when a picture could not be read; 130 when Ctrl-C stopped the training of a fold."""
    if args.fix_to and len(args.data) > 1:
        raise InputError("--fix-to writes one label file: give one --data")
    if args.reviewed:
        return _apply_review(args)
    if args.folds is not None and (args.model or args.folds < 2):
        raise InputError("--folds wants at least 2 and no --model: its models are its own")
    judged = _judge_by_folds(args) if args.folds else _judge_by_model(args)
    if judged is None:
        print("interrupted; the same command goes on where it stopped")
        return 130
    plates, probabilities, readable = judged
    return _report(args, plates, probabilities, readable)


def _judge_by_model(
    args: argparse.Namespace,
) -> tuple[LabelledPlates, Probabilities, np.ndarray]:
    """The plates, one model's probabilities of them, and which could be read."""
    from ..inference.pretrained import model_path
    from ..inference.runtimes import open_runtime
    from ._auditing import load_plates, read_probabilities

    runtime = open_runtime(model_path(args.model or "default"), args.runtime, args.threads)
    check_heads(runtime.card.family, "audit")
    plates = load_plates(args.data, runtime.card.schema, _file_schema(args))
    paths = [record.path for record in plates.records]
    return plates, *read_probabilities(paths, runtime)


def _judge_by_folds(
    args: argparse.Namespace,
) -> tuple[LabelledPlates, Probabilities, np.ndarray] | None:
    """As `_judge_by_model`, each plate by a model that was not trained on it."""
    import numpy as np

    from ..frameworks import import_keras
    from ..inference.pretrained import weights_path
    from ..plate.schema import load_schema
    from ._auditing import load_plates

    numbers = {"train.seed": args.seed, "data.workers": args.workers}
    given = [f"{key}={value}" for key, value in numbers.items() if value is not None]
    config = load_config(args.preset, args.config, [*args.overrides, *given])
    check_heads(config.family, "audit")
    if config.distill.teachers:
        raise InputError("--folds trains without teachers: take another preset or configuration")
    plates = load_plates(args.data, load_schema(config.model.label_schema), _file_schema(args))
    init = weights_path(args.init) if args.init else None
    import_keras()
    from ._audit_folds import out_of_fold

    probabilities = out_of_fold(plates, config, args.folds, Path(args.output) / "folds", init)
    if probabilities is None:
        return None
    return plates, probabilities, np.ones(len(plates.records), bool)


def _file_schema(args: argparse.Namespace) -> LabelSchema | None:
    from ..plate.schema import load_schema

    return load_schema(args.schema) if args.schema else None


def _report(
    args: argparse.Namespace,
    plates: LabelledPlates,
    probabilities: Probabilities,
    readable: np.ndarray,
) -> int:
    """Ranks, writes the table and the sheet, and cleans the label file where that is wanted."""
    from ..files import write_text
    from ..utils.audit_sheet import SheetPlate, audit_sheet
    from ._auditing import rank, suspicions, write_suspicions

    unreadable = [plates.records[i].path for i in (~readable).nonzero()[0]]
    plates = plates.only(readable)
    probabilities = {name: values[readable] for name, values in probabilities.items()}
    found = suspicions(plates, probabilities, rank(plates, probabilities, args.heads == "text"),
                       args.below)  # fmt: skip
    folder = Path(args.output)
    write_suspicions(found, folder / "suspicious.tsv")
    shown = [
        SheetPlate(str(each.record.path), each.label, each.suggestion, each.score, each.head,
                   each.reading.characters)
        for each in found[: args.pictures]
    ]  # fmt: skip
    write_text(folder / "suspicious.html", audit_sheet(shown, len(plates.records), len(found)))
    _print_summary(args, plates, found, unreadable)
    if args.fix_to:
        _write_without(args, {(each.record.path, each.record.line) for each in found})
    return 1 if unreadable else 0


def _print_summary(
    args: argparse.Namespace,
    plates: LabelledPlates,
    found: Sequence[Suspicion],
    unreadable: Sequence[Path],
) -> None:
    for each in found[:SHOWN]:
        suggestion = each.suggestion or "(no whole plate)"
        print(f"  {each.record.path}: {each.label or '(none)'} -> {suggestion}  "
              f"({each.head}, {each.score:.2g})")  # fmt: skip
    if len(found) > SHOWN:
        print(f"  and {len(found) - SHOWN} more")
    print(
        f"{len(plates.records)} labels, {len(found)} suspicious (score below {args.below:g}): "
        f"{Path(args.output) / 'suspicious.tsv'}, to look through: "
        f"{Path(args.output) / 'suspicious.html'}"
    )
    if len(found) > DOUBTFUL * len(plates.records):
        print("so many say that this model cannot read these plates: take another, or train longer")
    for many, what in ((plates.left_out, "not judged"), (unreadable, "pictures not readable")):
        if many:
            print(f"{len(many)} {what}, the first: {many[0]}")


def _write_without(args: argparse.Namespace, left_out: set[tuple[Path, int]]) -> None:
    from ..plate.schema import load_schema
    from ..utils.check_labels import write_lines
    from ..utils.label_lines import read_label_file

    file = read_label_file(args.data[0], load_schema(args.schema or "cn"))
    named = [line for line in file.lines if line.text or file.format != "names"]
    kept = [line for line in named if (line.path, line.line) not in left_out]
    write_lines(file, kept, args.fix_to)
    print(f"{args.fix_to}: {len(kept)} of {len(named)} lines")


def _apply_review(args: argparse.Namespace) -> int:
    """Leaves the lines out that a reviewed table lists."""
    from ..plate.schema import load_schema
    from ._auditing import load_plates, picture_key, read_reviewed

    if not args.fix_to:
        raise InputError("--reviewed wants --fix-to FILE, the label file to write")
    listed = read_reviewed(args.reviewed)
    plates = load_plates(args.data, load_schema(args.schema or "cn"))
    wrong = [each for each in plates.records if picture_key(each.path, each.text) in listed]
    if listed and not wrong:
        raise InputError(
            f"none of the {len(listed)} plates of {args.reviewed} is in {args.data[0]}; paths in "
            "it hold from the folder in which the audit was run"
        )
    _write_without(args, {(each.path, each.line) for each in wrong})
    return 0


def _score(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1, not {text!r}")
    return value

"""Mode `distill`: trains a small student by what larger teachers answer."""

from __future__ import annotations

import argparse

from ..configs import load_config
from ..errors import InputError
from . import train

HELP = "train a small student by what larger teachers answer, on labelled and unlabelled plates"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `train`, which are the student's, and the teachers."""
    train.add_arguments(parser)
    parser.add_argument(
        "--teacher",
        metavar="MODEL",
        action="append",
        default=[],
        dest="teachers",
        help="a shipped model's name or a .keras file (repeatable: their answers are averaged)",
    )
    parser.add_argument(
        "--unlabelled",
        metavar="DIR",
        action="append",
        default=[],
        help="a folder of plates without labels (repeatable)",
    )


def run(args: argparse.Namespace) -> int:
    """Trains the student as `train` does, then shows what it reads."""
    overrides = train.overrides_of(args)
    for key, values in (("teachers", args.teachers), ("unlabelled", args.unlabelled)):
        if values:
            overrides.append(train.list_override(f"distill.{key}", values))
    if args.resume:
        _check_resumed(args)
    elif not load_config(args.preset, args.config, overrides).distill.teachers:
        raise InputError("distill wants a teacher: --teacher default, or a .keras file")
    return train.run_training(args, overrides)


def _check_resumed(args: argparse.Namespace) -> None:
    from ..training.run_folder import RunFolder

    if args.teachers or args.unlabelled:
        raise InputError(
            "a resumed student keeps its teachers and its pictures: leave --teacher and "
            "--unlabelled away"
        )
    if not RunFolder.open(args.resume).load_config().distill.teachers:
        raise InputError(f"{args.resume} has no teacher; continue it with --mode train --resume")

"""Mode `provinces`: which provinces' plates come here, estimated from unlabelled pictures."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, TypeAlias

from ._reading_options import add_network_options, add_picture_arguments, open_reader

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..inference.inputs import Inputs
    from ..inference.reader import Reader
    from ..plate.provinces import ProvinceShares

    Answers: TypeAlias = dict[str, npt.NDArray[np.floating]]

HELP = "estimate from a place's pictures how often plates of each province come there"
_SHOWN = 0.005
_FEW = 100  # pictures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    add_picture_arguments(
        parser, "as of predict: what the cameras of one place took, without labels"
    )
    add_network_options(parser)
    parser.add_argument(
        "--output", metavar="FILE", help="write the shares here as YAML, for `--provinces FILE`"
    )


def run(args: argparse.Namespace) -> int:
    """Estimates, tells and writes; 0, also where some of the files are no pictures."""
    from ..errors import InputError
    from ..files import check_place, write_text
    from ..inference.inputs import Inputs
    from ..plate.provinces import estimate_provinces

    if not args.pictures and not args.list:
        raise InputError("name the pictures, folders or lists of one place's plates")
    if args.output:
        check_place(args.output)
    inputs = Inputs(args.pictures, args.list)
    total = inputs.count()
    reader = open_reader(args)
    answers, unread = _read(reader, inputs, total)
    found = estimate_provinces(reader.schema, answers)
    print(_table(found))
    pictures = len(next(iter(answers.values())))
    others = f"; {len(unread)} could not be read, the first is {unread[0]}" if unread else ""
    few = "; some hundred say more" if pictures < _FEW else ""
    print(f"from {pictures} pictures{few}{others}", file=sys.stderr)
    if args.output:
        write_text(args.output, _yaml(found))
    return 0


def _read(reader: Reader, inputs: Inputs, total: int | None) -> tuple[Answers, list[str]]:
    """The answers of the heads that provinces are estimated from, and what could not be read."""
    import numpy as np

    from ..errors import InputError
    from ..plate.provinces import first_character
    from ..utils.progress import progress
    from ._families import check_heads

    check_heads(reader.card.family, "provinces")
    length = reader.schema.head_of("length")
    heads = [first_character(reader.schema)[0], *([length.name] if length else [])]
    parts: list[Answers] = []
    unread: list[str] = []
    for pictures, answers in reader.outputs(progress(inputs, total, "pictures")):
        unread += [f"{each.file}: {each.error}" for each in pictures if each.error is not None]
        if answers:
            honest = reader.card.calibration.apply(answers) if reader.card.calibration else answers
            parts.append({head: honest[head] for head in heads})
    if not parts:
        first = f"the first is {unread[0]}" if unread else "there is none"
        raise InputError(f"no picture can be read; {first}")
    return {head: np.concatenate([part[head] for part in parts]) for head in heads}, unread


def _table(found: ProvinceShares) -> str:
    """The frequent provinces, a row each, and what the others have together."""
    shares = found.to_dict()
    frequent = {name: share for name, share in shares.items() if share >= _SHOWN}
    rows = [f"{name}  {share:6.1%}" for name, share in frequent.items()]
    rest = 1 - sum(frequent.values())
    others = len(shares) - len(frequent)
    return "\n".join([*rows, f"{others} others together  {rest:.1%}"] if others else rows)


def _yaml(found: ProvinceShares) -> str:
    """Six digits each, however small; YAML takes 1e-5 for a text."""
    import numpy as np

    return "".join(
        f"{name}: {np.format_float_positional(share, 6, fractional=False, trim='0')}\n"
        for name, share in found.to_dict().items()
    )

"""Mode `average`: one model out of several that were trained on from one another."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from ..errors import InputError

HELP = "average the weights of models that were trained on from one another"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "--model",
        action="append",
        required=True,
        type=_model,
        metavar="MODEL[=SHARE]",
        help="a shipped model's name or a .keras file, and how much it counts beside the others; "
        "twice or more; none: all the same",
    )
    parser.add_argument("--output", required=True, metavar="FILE.keras", help="the averaged model")


def run(args: argparse.Namespace) -> int:
    """Averages and writes."""
    from ..files import atomic_path, check_place
    from ..inference.pretrained import weights_path
    from ..inference.runtimes.keras_model import load_keras_model
    from ..training.model_soup import Ingredient, soup

    if len(args.model) < 2:
        raise InputError("give --model twice or more: one model has no average")
    output = Path(args.output)
    if output.suffix.lower() != ".keras":
        raise InputError(f"--output ends in .keras; received {output}")
    check_place(output)
    paths = [(weights_path(name), share) for name, share in args.model]
    mixed = soup([Ingredient(str(p), load_keras_model(p), share) for p, share in paths])
    with atomic_path(output) as temporary:
        mixed.save(temporary)
    print(f"{output}: the weights of {len(paths)} models; look at what it reads with `chepai test`")
    return 0


def _model(text: str) -> tuple[str, float]:
    name, equals, share = text.rpartition("=")
    # Folders may be named after a setting.
    if not equals or Path(text).exists():
        return text, 1.0
    try:
        value = float(share)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"a share is a number above 0, not {share!r} in {text!r}")
    return name, value

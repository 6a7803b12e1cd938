"""The option `--min-confidence X|auto`, the same in every mode that accepts or refuses readings."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..inference.reading import DEFAULT_MIN_CONFIDENCE

if TYPE_CHECKING:
    from ..inference.reader import Reader


def add_min_confidence(parser: argparse.ArgumentParser) -> None:
    """Adds the option; its value goes through `resolve_min_confidence`."""
    parser.add_argument(
        "--min-confidence",
        type=_threshold,
        default=DEFAULT_MIN_CONFIDENCE,
        metavar="X|auto",
        help="what a reading must reach to be accepted; auto takes the model's calibrated one",
    )


def resolve_min_confidence(wanted: float | str, reader: Reader) -> float:
    """The number that the option means for this model."""
    if not isinstance(wanted, str):
        return wanted
    calibrated = reader.card.calibrated_threshold
    if calibrated is not None:
        return calibrated
    print(
        f"this model carries no calibrated threshold; taking {DEFAULT_MIN_CONFIDENCE}",
        file=sys.stderr,
    )
    return DEFAULT_MIN_CONFIDENCE


def _threshold(text: str) -> float | str:
    if text == "auto":
        return text
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1 or auto, not {text!r}")
    return value

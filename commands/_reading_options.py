"""The options of every mode that reads plates: which model, by what, and when to accept."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import InputError
from ..inference.reading import DEFAULT_MIN_CONFIDENCE
from ._numbers import at_least_one

if TYPE_CHECKING:
    from ..inference.reader import Reader


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Adds them; that of `--min-confidence` goes through `resolve_min_confidence`."""
    add_model_options(parser)
    add_provinces_option(parser)
    parser.add_argument(
        "--second-model",
        metavar="MODEL",
        help="reads again what --model is unsure of: `--model fast --second-model default` is "
        "nearly as right as default in a fraction of its time",
    )
    parser.add_argument(
        "--min-confidence",
        type=_threshold,
        default=DEFAULT_MIN_CONFIDENCE,
        metavar="X|auto",
        help="what a reading must reach to be accepted; auto takes the model's calibrated one",
    )


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which model, run by what, and which texts it may read."""
    add_network_options(parser)
    parser.add_argument(
        "--any-text",
        action="store_true",
        help="read the likeliest character of each place, whether or not such a plate exists; "
        "none: the likeliest plate that exists",
    )
    parser.add_argument(
        "--beam",
        type=int,
        default=0,
        metavar="N",
        help="of models that read by columns (family ctc): texts that a beam search keeps; none: "
        "the likeliest class of each column",
    )


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """Which model, run by what."""
    parser.add_argument(
        "--model",
        default="default",
        help="a shipped model's name, or the path of what train or export wrote",
    )
    parser.add_argument(
        "--runtime",
        metavar="NAME",
        help="onnx, keras, openvino, litert, tensorrt, migraphx, saved-model or frozen-graph; "
        "none: the one that the file's suffix calls for",
    )
    parser.add_argument(
        "--provider",
        metavar="NAME",
        help="what computes for ONNX Runtime: cpu, cuda, tensorrt, migraphx or openvino; none: cpu",
    )
    parser.add_argument(
        "--threads", type=at_least_one, metavar="N", help="processor threads to use at most"
    )
    parser.add_argument(
        "--second-look",
        action=argparse.BooleanOptionalAction,
        help="read pictures that are unsure again, altered, and average the answers: more is "
        "right, for some more time; none: as the model was calibrated, else only default does",
    )


def add_picture_arguments(parser: argparse.ArgumentParser, pictures: str) -> None:
    """What is to be read; `pictures` says what these are."""
    parser.add_argument("pictures", nargs="*", metavar="PICTURE", help=pictures)
    parser.add_argument(
        "--list",
        action="append",
        default=[],
        metavar="FILE",
        help="a file that names a picture, folder or archive a line (repeatable)",
    )


def add_provinces_option(parser: argparse.ArgumentParser) -> None:
    """What to expect of provinces."""
    parser.add_argument(
        "--provinces",
        type=_provinces,
        metavar="SHARES|FILE",
        help="how often plates of each province come here, such as 皖=0.9,苏=0.05 (others share "
        "the rest), or a file of `chepai provinces`; none: all are expected equally",
    )


def open_reader(args: argparse.Namespace) -> Reader:
    """The reader that the options describe."""
    from ..inference.reader import Reader

    return Reader(args.model, args.runtime, args.threads, **reader_options(args))


def reader_options(args: argparse.Namespace) -> dict[str, Any]:
    """What a reader is told beside its model, its runtime and its threads."""
    # Not every mode has all: a threshold is of one model, and provinces are not read.
    given = vars(args)
    return {
        "beam": given.get("beam", 0),
        "provider": args.provider,
        "second_look": args.second_look,
        "provinces": given.get("provinces"),
        "second_model": given.get("second_model"),
    }


def describe_reading(args: argparse.Namespace, model: str, second_look: bool) -> str:
    """What reads, for reports: the model's name, and what else the options put beside it.

    >>> options = {"second_model": "default", "provinces": {"皖": 0.9}}
    >>> describe_reading(argparse.Namespace(**options), "fast", second_look=True)
    'fast, then default, with a second look, expecting provinces (皖 90.0 % …)'
    """
    second = f", then {Path(args.second_model).name}" if args.second_model else ""
    look = ", with a second look" if second_look else ""
    if not args.provinces:
        return f"{model}{second}{look}"
    province, share = max(args.provinces.items(), key=lambda pair: pair[1])
    return f"{model}{second}{look}, expecting provinces ({province} {100 * share:.1f} % …)"


def resolve_min_confidence(
    wanted: float | Literal["auto"], reader: Reader, constrain: bool = True
) -> float:
    """The number that the option means for this model; without calibration it says so."""
    if wanted == "auto" and reader.card.calibration is None:
        print(
            f"this model carries no calibrated threshold; taking {DEFAULT_MIN_CONFIDENCE} "
            "(`chepai calibrate` finds one)",
            file=sys.stderr,
        )
        return DEFAULT_MIN_CONFIDENCE
    return reader.min_confidence(wanted, constrain)


def _provinces(text: str) -> dict[str, float]:
    from ..plate.provinces import read_provinces

    try:
        return read_provinces(text).to_dict()
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _threshold(text: str) -> float | Literal["auto"]:
    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1 or auto, not {text!r}")
    return value

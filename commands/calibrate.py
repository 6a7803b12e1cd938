"""Mode `calibrate`: honest confidences, and a threshold that keeps a promised precision."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ._reading_options import add_model_options, add_provinces_option, open_reader

if TYPE_CHECKING:
    from ..inference.calibration import Calibration
    from ..inference.reader import Reader
    from ..training.calibrating import Promise, Verdict

HELP = "find the threshold that keeps a promised precision, and store it with the model"
PRECISIONS = (0.99, 0.995, 0.999)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "--data",
        metavar="PATH",
        action="append",
        required=True,
        help="plates that the model was not trained on: a label file, or a folder of pictures "
        "named after their plates (repeatable)",
    )
    add_model_options(parser)
    add_provinces_option(parser)
    parser.add_argument("--schema", help="whose class indices a label.txt holds; none: the model's")
    parser.add_argument(
        "--precision",
        type=float,
        choices=PRECISIONS,
        default=PRECISIONS[-1],
        help="the share of accepted readings that is to be right, at least",
    )
    parser.add_argument(
        "--certainty", type=_certainty, default=0.95, metavar="X", help="of this promise"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the division of the plates")
    parser.add_argument(
        "--output", metavar="FILE", help="the calibrated model; none: the model's own file"
    )
    parser.add_argument(
        "--also",
        metavar="FILE",
        action="append",
        default=[],
        help="the same network in another file, to be calibrated too: the .keras of an .onnx, or "
        "the other way round (repeatable)",
    )
    parser.add_argument(
        "--plot",
        type=_picture,
        metavar="FILE",
        help="the picture; none: beside the calibrated model",
    )
    parser.add_argument("--json", metavar="PATH", help="every figure; - is standard output")


def run(args: argparse.Namespace) -> int:
    """Calibrates and stores; 1, storing nothing, where no threshold keeps the promise."""
    from ..dataset.pictures import readable_source
    from ..files import check_place
    from ..inference.pretrained import model_path
    from ..plate.schema import load_schema
    from ..training.calibrating import Promise, calibrate
    from ._calibrated_files import COMPARED, check_same_network, store_everywhere, target_of
    from ._calibration_report import errors_sentence, head_table, outcome
    from ._held_out import load_records, read_held_out

    _import_early(args.plot)
    source = model_path(args.model)
    target = target_of(args.model, source, args.output)
    for path in (target, args.plot, args.json):
        if path and path != "-":
            check_place(path)
    reader = open_reader(args)
    file_schema = load_schema(args.schema) if args.schema else None
    records, left_out = load_records(args.data, reader.schema, file_schema)
    check_same_network(
        source, args.also, [readable_source(record) for record in records[:COMPARED]]
    )
    held_out, unreadable = read_held_out(reader, records)
    promise = Promise(args.precision, args.certainty)
    verdict = calibrate(
        held_out, reader.schema, promise, not args.any_text, args.seed, reader.provinces
    )
    say = print if args.json != "-" else _to_standard_error
    say(head_table(verdict.heads))
    say(
        f"temperatures fitted to {verdict.fitted} pictures, thresholds tested on "
        f"{verdict.tested} others, one a plate{_not_used(left_out, unreadable)}"
    )
    say(errors_sentence(verdict))
    say(outcome(verdict, promise))
    _write_figures(args, verdict, promise, target)
    if verdict.found is None:
        return 1
    calibration = _calibration(verdict, promise, args, reader)
    files = store_everywhere(source, target, args.also, calibration)
    say(f"stored in {', '.join(map(str, files))}: read with --min-confidence auto")
    return 0


def _import_early(plot: str | None) -> None:
    """A missing package is told before the work, not after it; the usual picture can be missing."""
    import_module("onnx")
    if plot is not None:
        import_module("matplotlib")


def _calibration(
    verdict: Verdict, promise: Promise, args: argparse.Namespace, reader: Reader
) -> Calibration:
    from ..inference.calibration import Calibration

    assert verdict.found is not None
    return Calibration(
        temperatures=verdict.temperatures,
        min_confidence=verdict.found.threshold,
        precision=promise.precision,
        certainty=promise.certainty,
        constrained=not args.any_text,
        plates=verdict.plates,
        accepted=verdict.found.accepted,
        wrong=verdict.found.wrong,
        coverage=verdict.coverage,
        second_look=reader.second_look,
        provinces=reader.provinces,
    )


def _write_figures(
    args: argparse.Namespace, verdict: Verdict, promise: Promise, target: Path
) -> None:
    from ..files import write_text
    from ._calibration_report import figures

    _draw(verdict, promise, Path(args.plot or target.with_name(f"{target.stem}-calibration.png")))
    text = json.dumps(figures(verdict, promise, args.model, args.seed), indent=2)
    if args.json == "-":
        print(text)
    elif args.json:
        write_text(args.json, text + "\n")


def _draw(verdict: Verdict, promise: Promise, plot: Path) -> None:
    if find_spec("matplotlib") is None:
        print("no picture: matplotlib, of the extra `plot`, is not installed", file=sys.stderr)
        return
    from ..utils.calibration_plots import plot_calibration

    plot_calibration(verdict.characters, verdict.readings, verdict.tests, promise.precision, plot)
    print(f"picture: {plot}", file=sys.stderr)


def _not_used(left_out: int, unreadable: int) -> str:
    parts = []
    if left_out:
        parts.append(f"{left_out} plates that cannot be judged")
    if unreadable:
        parts.append(f"{unreadable} pictures that cannot be opened")
    return f" (left out: {', '.join(parts)})" if parts else ""


def _to_standard_error(text: str) -> None:
    print(text, file=sys.stderr)


def _certainty(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.5 <= value < 1:
        raise argparse.ArgumentTypeError(f"a number from 0.5 to below 1, not {text!r}")
    return value


def _picture(text: str) -> str:
    if Path(text).suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(f"a picture that ends in .png, not {text!r}")
    return text

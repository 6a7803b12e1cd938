"""Mode `export`: a trained model as a file that other programs run."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import InputError

HELP = "turn a trained .keras model into a file that other programs run"
FORMATS = ("onnx",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument("--model", required=True, metavar="PATH", help="a trained .keras file")
    parser.add_argument("--format", choices=FORMATS, default="onnx", help="what to write")
    parser.add_argument("--output", metavar="PATH", help="the file; none: beside the model")
    parser.add_argument(
        "--batch",
        type=_batch,
        default="dynamic",
        metavar="dynamic|N",
        help="pictures in one run: any number, or always N",
    )
    parser.add_argument(
        "--opset", type=int, default=17, metavar="N", help="of the ONNX operators, 13 to 18"
    )


def run(args: argparse.Namespace) -> int:
    """Exports, and says how far the file's answers are from the model's."""
    source = Path(args.model)
    if source.suffix.lower() != ".keras" or not source.is_file():
        raise InputError(f"export starts from a trained .keras file; {source} is none")
    from ..inference.runtimes.keras_model import load_keras_model

    model = load_keras_model(source)
    from ..export.onnx_export import export_onnx

    output = Path(args.output or source.with_suffix(".onnx"))
    result = export_onnx(model, output, args.opset, args.batch)
    print(
        f"{result.path}: {result.size / 1e6:.2f} MB, opset {args.opset}, batch {args.batch}; "
        f"probabilities differ by at most {result.difference:.1e} from the model's on "
        f"{result.pictures} pictures"
    )
    return 0


def _batch(text: str) -> int | str:
    if text == "dynamic":
        return text
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"dynamic or a whole number of at least 1, not {text!r}")
    return int(text)

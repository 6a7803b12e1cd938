"""Mode `export`: a trained model as a file that other programs run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ._export_pictures import add_picture_options, export_pictures

if TYPE_CHECKING:
    from ..export.elsewhere import Prepared
    from ..export.exporting import ExportResult
    from ..export.formats import Format

HELP = "turn a trained model into a file that other programs run, and prove that it reads the same"
# In the order of `export.formats.FORMATS`, which is imported only when one is written.
FORMATS = ("onnx", "saved-model", "frozen-graph", "litert", "openvino", "tensorrt", "migraphx")
_WITHOUT_ONNX = ("saved-model", "frozen-graph", "litert")
PRECISIONS = ("fp32", "fp16", "int8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "--model",
        required=True,
        help="a trained .keras file, an .onnx file of chepai (for formats that are made of ONNX), "
        "or a shipped model's name",
    )
    parser.add_argument("--format", type=_format, default="onnx", help=", ".join(FORMATS))
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="to compute in")
    parser.add_argument(
        "--int8",
        action="store_const",
        dest="precision",
        const="int8",
        help="the same as --precision int8",
    )
    parser.add_argument(
        "--output", metavar="PATH", help="the file, or a SavedModel's folder; none: beside --model"
    )
    parser.add_argument(
        "--batch",
        type=_batch,
        metavar="dynamic|N",
        help="pictures in one run: any number (the default), or always N",
    )
    parser.add_argument(
        "--opset", type=int, metavar="N", help="of the ONNX operators, 10 to 18; none: 17"
    )
    add_picture_options(parser)


def run(args: argparse.Namespace) -> int:
    """Exports and says how the file reads; 1 where its engine has to be built elsewhere."""
    from ..export.elsewhere import is_missing, prepare
    from ..export.exporting import export
    from ..export.formats import ExportOptions, find_format
    from ..export.source import open_source

    if args.opset is not None and args.format in _WITHOUT_ONNX:
        raise InputError(f"--opset is of ONNX, which {args.format} is not made of: leave it away")
    found = find_format(args.format, args.precision)
    model = _model_file(args.model)
    source = open_source(model)
    target = _target(args, found, model)
    pictures = export_pictures(args, source.card, args.precision == "int8")
    options = ExportOptions(args.precision, args.opset, args.batch, pictures.calibrated)
    if is_missing(args.format):
        _tell_prepared(prepare(args.format, source, target, options, pictures.compared), args)
        return 1
    _tell(export(source, found, target, options, pictures.compared))
    return 0


def _model_file(name: str) -> Path:
    """Of a shipped model the weights, or its ONNX file where they are not installed."""
    from ..inference.pretrained import SHIPPED_NAMES, model_path, weights_path

    if name not in SHIPPED_NAMES:
        return Path(name)
    try:
        return weights_path(name)
    except InputError:
        return model_path(name)


def _target(args: argparse.Namespace, found: Format, model: Path) -> Path:
    """Where the export goes: of a SavedModel the folder of its next version."""
    from ..inference.pretrained import SHIPPED_NAMES

    # Beside the model; a shipped one lies where nothing else belongs.
    folder = Path() if args.model in SHIPPED_NAMES else model.parent
    precision = "" if args.precision == "fp32" else f"-{args.precision}"
    if found.suffix:
        return Path(args.output or folder / f"{model.stem}{precision}{found.suffix}")
    base = Path(args.output or folder / f"{model.stem}-serving")
    if base.is_file():
        raise InputError(f"--output {base} is a file; a SavedModel is a folder of versions")
    versions = [int(entry.name) for entry in base.glob("*") if entry.name.isdigit()]
    return base / str(max(versions, default=0) + 1)


def _tell(result: ExportResult) -> None:
    found = result.agreement
    print(
        f"{result.path}: {result.size / 1e6:.2f} MB, {result.precision}; on {found.pictures} "
        f"plates probabilities differ by at most {found.difference:.1e} from the model's, "
        f"{found.changed} readings changed, {found.changed_sure} of the {found.sure} sure ones"
    )
    if result.left_out:
        print(f"left in float32: {', '.join(result.left_out)}")
    if result.lost_calibration:
        print(
            "the model's calibrated threshold was proven in float32 and not carried over: "
            f"chepai calibrate --model {result.path} proves one"
        )


def _tell_prepared(prepared: Prepared, args: argparse.Namespace) -> None:
    _tell(prepared.onnx)
    print(
        f"{args.format} is not installed here ({prepared.remedy}); where it is, this builds the "
        f"engine, which reads with {prepared.sidecar.name} beside it:\n  {prepared.command}"
    )


def _format(text: str) -> str:
    name = text.replace("_", "-").lower()
    if name not in FORMATS:
        raise argparse.ArgumentTypeError(f"one of {', '.join(FORMATS)}, not {text!r}")
    return name


def _batch(text: str) -> int | None:
    if text == "dynamic":
        return None
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"dynamic or a whole number of at least 1, not {text!r}")
    return int(text)

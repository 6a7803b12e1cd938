"""The plates of an export: rendered ones, or the user's own."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..export.pictures import Plate
    from ..inference.model_card import ModelCard

# To compare on, and for int8 besides: half to take ranges from, half to choose nodes by.
COMPARED, CALIBRATED = 128, 512


class ExportPictures(NamedTuple):
    """Pictures uint8 [n, height, width, 3]; no picture is in both."""

    compared: npt.NDArray[np.uint8]
    calibrated: npt.NDArray[np.uint8] | None


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Where the plates come from."""
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="PATH",
        help="plates to compare on and to calibrate int8 with: a folder of pictures or a label "
        "file (repeatable); none: rendered ones",
    )
    parser.add_argument("--glyphs", metavar="DIR", help="of rendered ones; none: open fonts")
    parser.add_argument("--backgrounds", metavar="DIR", help="of rendered ones, besides drawn ones")


def export_pictures(args: argparse.Namespace, card: ModelCard, int8: bool) -> ExportPictures:
    """The plates that the options ask for, at the size of the model's input.

    Raises:
        InputError: nothing in `--data` can be read, or the renderer is not installed.
    """
    if args.data and (args.glyphs or args.backgrounds):
        raise InputError("--glyphs and --backgrounds are of rendered plates: leave them or --data")
    wanted = COMPARED + (CALIBRATED if int8 else 0)
    pictures = _read(args, card, wanted) if args.data else _rendered(args, card, wanted)
    if not int8:
        return ExportPictures(pictures, None)
    # Few pictures are shared out as many are.
    compared = max(1, len(pictures) * COMPARED // wanted)
    if len(pictures) == 1:
        return ExportPictures(pictures, pictures)
    return ExportPictures(pictures[:compared], pictures[compared:])


def _read(args: argparse.Namespace, card: ModelCard, count: int) -> npt.NDArray[np.uint8]:
    from ..export.pictures import pictures_of

    plates = [plate for path in args.data for plate in _plates(path, card)]
    return pictures_of(plates, card.height, card.width, count)


def _plates(path: str, card: ModelCard) -> Iterator[Plate]:
    from ..dataset.ccpd_records import is_ccpd
    from ..dataset.file_util import read_plates
    from ..dataset.pictures import readable_source
    from ..inference.files import picture_files

    if Path(path).is_dir() and not is_ccpd(path):
        # Pictures are enough, whatever they are called.
        yield from (partial(Path, file) for file in picture_files([path]))
    else:
        records = read_plates(path, card.schema, skip_unencodable=True)
        yield from (partial(readable_source, record) for record in records)


def _rendered(args: argparse.Namespace, card: ModelCard, count: int) -> npt.NDArray[np.uint8]:
    from ..configs import RenderConfig
    from ..export.pictures import rendered_pictures

    render = RenderConfig(glyphs=args.glyphs, backgrounds=args.backgrounds)
    try:
        return rendered_pictures(card.height, card.width, count, render)
    except ImportError as error:
        raise InputError(
            "the exported file is compared on rendered plates, which need the renderer: "
            'pip install "chepai[render]", or give plates of your own with --data'
        ) from error

"""Mode `render`: makes rendered plates with labels, frozen sets, and sheets to look at."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ._numbers import at_least_one, none_or_more

if TYPE_CHECKING:
    import numpy as np

    from ..dataset.synthetic.renderer import PlateRenderer
    from ..dataset.synthetic.sets import PlateRequest

HELP = "make rendered plates with labels, frozen evaluation sets, or a sheet of examples"
_SHEET_PLATES = 96
_DEFAULT_PLATES = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument("--set", metavar="NAME", help="write a frozen set, as eval-v1")
    parser.add_argument(
        "--count",
        type=at_least_one,
        metavar="N",
        help=f"plates (of each scene of a set); none: {_DEFAULT_PLATES}, or the whole set",
    )
    parser.add_argument(
        "--scene",
        default="mix",
        help="gate, parking, road, stored, reject, or mix (as trainings see them; of a set: all)",
    )
    parser.add_argument("--output", default="generated", metavar="DIR", help="folder to write to")
    parser.add_argument("--glyphs", metavar="DIR", help="glyph images; none: open fonts")
    parser.add_argument("--backgrounds", metavar="DIR", help="scenes besides the drawn ones")
    parser.add_argument("--schema", default="cn", help="label schema: a name or a YAML file")
    parser.add_argument(
        "--seed", type=none_or_more, default=0, help="of the plates that are no set's"
    )
    parser.add_argument("--workers", type=none_or_more, default=2, help="processes; 0: this one")
    parser.add_argument("--sheet", metavar="FILE", help="write one picture of many plates instead")
    parser.add_argument(
        "--show-augmented",
        metavar="FILE",
        help="write one picture of what augmentation does to rendered plates instead",
    )


def run(args: argparse.Namespace) -> int:
    """Renders what the options ask for; 0."""
    from ..dataset.synthetic import sets
    from ..dataset.synthetic.renderer import PlateRenderer
    from ..plate.schema import load_schema

    renderer = PlateRenderer(args.glyphs, args.backgrounds, load_schema(args.schema))
    if args.sheet or args.show_augmented:
        if args.sheet:
            _write_sheet(renderer, args)
        if args.show_augmented:
            _write_augmented(renderer, args)
        return 0
    if args.set:
        scene = None if args.scene == "mix" else args.scene
        folder = sets.render_set(args.set, args.output, renderer, args.count, args.workers, scene)
    else:
        folder = Path(args.output)
        count = args.count or _DEFAULT_PLATES
        requests = sets.mixed_requests(args.scene, count, args.seed)
        sets.write_plates(requests, folder, renderer, args.workers)
    print(f"rendered plates and labels.tsv: {folder}")
    return 0


def _write_sheet(renderer: PlateRenderer, args: argparse.Namespace) -> None:
    from ..dataset.synthetic import sets

    requests = _requests(renderer, args, args.count or _SHEET_PLATES)
    images = [sets.render_request(renderer, request).image for request in requests]
    sets.write_jpeg(_picture_path(args.sheet), sets.contact_sheet(images))
    print(f"a sheet of {len(images)} rendered plates: {args.sheet}")


def _requests(renderer: PlateRenderer, args: argparse.Namespace, count: int) -> list[PlateRequest]:
    from ..dataset.synthetic import sets

    if not args.set:
        return sets.mixed_requests(args.scene, count, args.seed)
    chosen = sets.find_set(args.set)
    scene = "gate" if args.scene == "mix" else args.scene
    return [sets.set_request(chosen, scene, i, renderer.kinds) for i in range(count)]


def _write_augmented(renderer: PlateRenderer, args: argparse.Namespace) -> None:
    from ..configs import AugmentConfig
    from ..dataset.augment import augmented_sheet
    from ..dataset.synthetic import sets

    requests = sets.mixed_requests("gate", 12, args.seed)
    images = [_tile(sets.render_request(renderer, request).image) for request in requests]
    picture = augmented_sheet(images, AugmentConfig(), args.seed)
    sets.write_jpeg(_picture_path(args.show_augmented), picture)
    print(f"what each augmentation does: {args.show_augmented}")


def _tile(image: np.ndarray) -> np.ndarray:
    from ..plate.image import resize

    return resize(image, 72, 216)


def _picture_path(name: str) -> Path:
    from ..errors import InputError

    path = Path(name)
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise InputError(f"a picture is written as .png or .jpg; received {name!r}")
    return path

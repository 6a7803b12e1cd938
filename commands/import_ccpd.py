"""Mode `import-ccpd`: plates cut from the photographs of CCPD and CLPD, with label files."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ._numbers import at_least_one

if TYPE_CHECKING:
    from ..dataset.ccpd import CcpdTree
    from ..dataset.plate_cut import CutReport, PhotographedPlate

HELP = "cut the plates out of CCPD2019, CCPD2020 or CLPD, with label files by split"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "folder", nargs="?", help="what CCPD was unpacked into, or one of its ccpd_… folders"
    )
    parser.add_argument("--clpd", metavar="FILE", help="CLPD.csv, in place of or beside CCPD")
    parser.add_argument("--output", metavar="DIR", required=True, help="where the plates go")
    parser.add_argument(
        "--cut",
        choices=("rectify", "box"),
        default="rectify",
        help="rectify: by the four corners; box: the upright box, as detectors give it",
    )
    parser.add_argument(
        "--size", metavar="WxH", help="of the cut plates, as 94x24; none: as in the photograph"
    )
    parser.add_argument("--schema", default="cn", help="plates that it cannot spell are left out")
    parser.add_argument(
        "--workers", type=at_least_one, help="threads that cut; none: one a processor"
    )


def run(args: argparse.Namespace) -> int:
    """Cuts all plates; 1 when some photographs could not be used."""
    from ..dataset.ccpd import CcpdTree, read_ccpd
    from ..dataset.clpd import read_clpd
    from ..dataset.plate_cut import write_plates
    from ..plate.schema import load_schema
    from ..utils.progress import progress

    if args.folder is None and args.clpd is None:
        raise InputError("name CCPD's folder, or --clpd CLPD.csv")
    schema, size = load_schema(args.schema), _size(args.size)
    tree = read_ccpd(args.folder) if args.folder is not None else CcpdTree()
    plates = list(tree.plates)
    if args.clpd is not None:
        plates += read_clpd(args.clpd)
    if not plates:
        raise InputError(f"{args.folder or args.clpd} holds no photograph with a plate's label")
    report = write_plates(
        plates,
        Path(args.output),
        schema,
        args.cut,
        size,
        args.workers,
        lambda results, total: progress(results, total, "plates"),
    )
    for line in _summary(tree, report, plates, args.output):
        print(line)
    unread = sum(report.found.values()) - sum(report.written.values())
    if unread:
        print(f"{unread} plates were left out", file=sys.stderr)
    return 1 if unread else 0


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None or not int(match[1]) or not int(match[2]):
        raise InputError(f"--size wants WIDTHxHEIGHT, as 94x24; received {text!r}")
    return int(match[1]), int(match[2])


def _summary(
    tree: CcpdTree, report: CutReport, plates: Sequence[PhotographedPlate], output: str
) -> Iterator[str]:
    yield f"{'subset':<16}{'plates':>9}{'written':>9}{'no label':>10}"
    for subset in sorted(report.found.keys() | tree.unlabelled.keys()):
        found, written = report.found[subset], report.written[subset]
        yield f"{subset:<16}{found:>9}{written:>9}{tree.unlabelled[subset]:>10}"
        for reason, count in sorted(report.left_out.get(subset, {}).items()):
            yield f"  left out: {count}: {reason}"
    if tree.splits:
        yield f"{'split file':<32}{'listed':>9}{'here':>9}"
    for name, (listed, here) in tree.splits.items():
        yield f"{name:<32}{listed:>9}{here:>9}"
    yield from _shared_texts(plates)
    for name, count in report.files.items():
        yield f"{output}/{name}: {count} plates"


def _shared_texts(plates: Sequence[PhotographedPlate]) -> Iterator[str]:
    """How many test pictures show a plate that is in the training part too."""
    trained = {plate.text for plate in plates if plate.split == "train"}
    tested = [plate for plate in plates if plate.split == "test"]
    if trained and tested:
        known = sum(plate.text in trained for plate in tested)
        yield f"{known} of {len(tested)} test pictures show a plate that is also in train"

"""What it brings to know, or to estimate, which provinces' plates come to a place.

Run from the repository's root:

    python benchmarks/provinces.py --data eval-v1/parking --model default

Of labelled plates of all provinces it makes one place for each: the plates of that province, and a
ninth as many of others, taken at random. Each place's plates are read as they are, with the shares
that are estimated from these very pictures without their labels, and with the true share of the
place's own province. Coverage is over all places together.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from chepai.commands._held_out import load_records, read_held_out
from chepai.inference.reader import Reader
from chepai.plate.codec import decode
from chepai.plate.provinces import PROVINCES, ProvinceShares, estimate_provinces
from chepai.plate.schema import LabelSchema
from chepai.training.calibrating import HeldOut
from chepai.training.scores import most_accepted, precision_curve

_HOME = 0.9


class Readings(NamedTuple):
    """Of one place's plates: which are read right, how surely, and which are its own."""

    right: npt.NDArray[np.bool_]
    confidences: npt.NDArray[np.float64]
    at_home: npt.NDArray[np.bool_]


def main() -> int:
    """Prints a row for each expectation."""
    args = arguments()
    reader = Reader(args.model, second_look=args.second_look)
    schema = reader.schema
    records, _ = load_records(args.data, schema, None)
    plates, _ = read_held_out(reader, records)
    places = list(each_place(plates, np.random.default_rng(args.seed)))
    print(f"{args.model}: {sum(len(part.texts) for _, part in places)} plates of 31 places")
    print(f"{'provinces':12} {'right':>8} {'guests':>8} {'at 99 %':>8} {'at 99.9 %':>10}")
    for way in ("equal", "estimated", "known"):
        read = [
            read_place(schema, part, province, expectation(way, schema, part, province))
            for province, part in places
        ]
        print(f"{way:12} {row(Readings(*map(np.concatenate, zip(*read, strict=True))))}")
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="PATH", action="append", required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--second-look", action=argparse.BooleanOptionalAction)
    parser.add_argument("--seed", type=int, default=0, help="of the guests")
    return parser.parse_args()


def each_place(plates: HeldOut, random: np.random.Generator) -> Iterator[tuple[str, HeldOut]]:
    """A province with its plates, and of the plates of other provinces a ninth as many."""
    first = np.array([text[:1] for text in plates.texts])
    of_provinces = np.isin(first, list(PROVINCES))
    for province in PROVINCES:
        own = np.flatnonzero(first == province)
        others = np.flatnonzero(of_provinces & (first != province))
        guests = random.choice(others, round(len(own) * (1 - _HOME) / _HOME), replace=False)
        yield province, plates.part(np.concatenate([own, guests]))


def expectation(
    way: str, schema: LabelSchema, part: HeldOut, province: str
) -> ProvinceShares | None:
    """What is expected of the plates of one place."""
    if way == "estimated":
        return estimate_provinces(schema, part.probabilities)
    return ProvinceShares.of({province: _HOME}) if way == "known" else None


def read_place(
    schema: LabelSchema, part: HeldOut, province: str, expected: ProvinceShares | None
) -> Readings:
    """The readings of valid plates of one place."""
    answers = part.probabilities if expected is None else expected.weigh(schema, part.probabilities)
    read = decode(schema, answers)
    return Readings(
        np.array([plate.text == text for plate, text in zip(read, part.texts, strict=True)]),
        np.array([plate.confidence for plate in read]),
        np.array([text[:1] == province for text in part.texts]),
    )


def row(readings: Readings) -> str:
    """Shares read right, of all and of guests, and acceptable with 99 and 99.9 % right."""
    curve = precision_curve(readings.confidences.tolist(), readings.right.tolist())
    total = len(readings.right)
    accepted = [most_accepted(curve, precision) / total for precision in (0.99, 0.999)]
    shares = [readings.right.mean(), readings.right[~readings.at_home].mean(), *accepted]
    return " ".join(
        f"{share:{width}.2%}" for share, width in zip(shares, (8, 8, 8, 10), strict=True)
    )


if __name__ == "__main__":
    raise SystemExit(main())

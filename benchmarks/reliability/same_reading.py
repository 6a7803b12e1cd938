"""The same plate, the same reading: alone, anywhere in a batch, in any batch, with any threads.

    python benchmarks/reliability/same_reading.py [PATH …] [--model NAME] [--plates 256]

Every plate is read alone, in shuffled batches of several sizes by several numbers of threads, and
as the service reads it. The plates: the samples, rendered ones of every scene, and pictures below
PATH. Texts have to be identical; the largest difference of a confidence is told. Then the model
(its `.keras` file, where there is one) is exported to every format and precision that is at hand,
and each has to agree with it within the bar that `export` holds it to. Status 1 where anything is
otherwise.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from chepai import Reader, Reading
from chepai.configs import RenderConfig
from chepai.dataset.rendered_source import plate_renderer
from chepai.dataset.synthetic.sets import set_plates
from chepai.errors import InputError
from chepai.export.agreement import BARS, agreement, answers_of
from chepai.export.exporting import export
from chepai.export.formats import FORMATS, ExportOptions
from chepai.export.pictures import rendered_pictures
from chepai.export.source import open_source
from chepai.inference.files import picture_files, sample_pictures
from chepai.inference.pretrained import model_path
from chepai.inference.runtimes import open_runtime
from chepai.plate.image import ImageError, load_image, resize
from chepai.plate.schema import load_schema

SIZES = (2, 3, 8, 17, 64)
THREADS = (1, 2, 4)
SCENES = ("gate", "parking", "road")
CALIBRATED = 128
Picture = np.ndarray


@dataclass
class Sameness:
    """How readings of the same plates compare: texts that are others, and of confidences the
    largest difference.
    """

    readings: int = 0
    others: int = 0
    difference: float = 0.0

    def compare(self, wanted: Sequence[Reading], received: Sequence[Reading]) -> None:
        """Adds readings in the same order."""
        for one, other in zip(wanted, received, strict=True):
            self.readings += 1
            self.others += one.text != other.text
            if one.text == other.text:
                pairs = zip(numbers(one), numbers(other), strict=True)
                self.difference = max(self.difference, *(abs(a - b) for a, b in pairs))


def numbers(reading: Reading) -> list[float]:
    """Its confidences: of the plate, then of the characters."""
    return [reading.confidence, *(confidence for _, confidence in reading.characters)]


def main(arguments: list[str] | None = None) -> int:
    """Prints both tables; 1 where a reading depends on more than its plate and model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", metavar="PATH", help="pictures, or folders of them")
    parser.add_argument("--model", default="default")
    parser.add_argument("--plates", type=int, default=256, help="rendered ones")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--no-exports", action="store_true", help="only batches and threads")
    part.add_argument("--no-batches", action="store_true", help="only exports")
    args = parser.parse_args(arguments)
    pictures = list(plates(args.paths, args.plates))
    print(f"{len(pictures)} plates, model {args.model}\n")
    good = args.no_batches or batches(args.model, pictures)
    return int(not (args.no_exports or exports(args.model, pictures)) or not good)


def plates(paths: Sequence[str], rendered: int) -> Iterator[Picture]:
    """uint8 RGB [h, w, 3] of any size."""
    for path in (*sample_pictures(), *picture_files(paths)):
        try:
            yield load_image(path)
        except ImageError as error:  # a folder of plates often holds their labels as well
            print(f"left out: {error}", file=sys.stderr)
    renderer = plate_renderer(RenderConfig(), load_schema("cn"))
    for scene in SCENES:
        for plate in set_plates(renderer, "eval-v1", scene, rendered // len(SCENES)):
            yield plate.image


def batches(model: str, pictures: list[Picture]) -> bool:
    """Whether all texts are those that each plate has alone."""
    one = Reader(model, threads=1)
    alone = [one.read(picture)[0] for picture in pictures]
    print("| read | readings | other texts | largest difference |\n|---|---|---|---|")
    good = row("alone, by other numbers of threads", lone(model, pictures, alone))
    for size in SIZES:
        found = Sameness()
        for threads in THREADS:
            read = Reader(model, threads=threads, batch_size=size).read
            compare_shuffled(found, read, pictures, alone, random.Random(threads))
        good &= row(f"in batches of {size}, shuffled, by {THREADS} threads", found)
    return good & row("as the service reads, in groups of 1 to 64", served(model, pictures, alone))


def lone(model: str, pictures: list[Picture], alone: Sequence[Reading]) -> Sameness:
    """Each by itself."""
    found = Sameness()
    for threads in THREADS[1:]:
        reader = Reader(model, threads=threads)
        found.compare(alone, [reader.read(picture)[0] for picture in pictures])
    return found


def served(model: str, pictures: list[Picture], alone: Sequence[Reading]) -> Sameness:
    """In groups of random size, at the model's size already."""
    found, reader, sizes = Sameness(), Reader(model, threads=1), random.Random(5)

    def read(some: list[Picture]) -> list[Reading]:
        pixels = np.stack([resize(picture, *reader.input_size) for picture in some])
        readings, first = [], 0
        while first < len(pixels):
            last = first + sizes.randint(1, 64)
            readings += reader.read_pixels(pixels[first:last])
            first = last
        return readings

    for seed in range(3):
        compare_shuffled(found, read, pictures, alone, random.Random(seed))
    return found


def compare_shuffled(
    found: Sameness,
    read: Callable[[list[Picture]], Sequence[Reading]],
    pictures: list[Picture],
    alone: Sequence[Reading],
    order: random.Random,
) -> None:
    """Reads all in another order."""
    places = order.sample(range(len(pictures)), len(pictures))
    found.compare([alone[i] for i in places], read([pictures[i] for i in places]))


def row(what: str, found: Sameness) -> bool:
    print(f"| {what} | {found.readings:,} | {found.others} | {found.difference:.1e} |", flush=True)
    return not found.others


def exports(model: str, pictures: list[Picture]) -> bool:
    """Whether every format that can be written here agrees; others are told with their reason."""
    path = model_path(model)
    trained = path.with_suffix(".keras")  # of which more formats can be made
    source = open_source(trained if trained.is_file() else path)
    size = (source.card.height, source.card.width)
    pixels = np.stack([resize(picture, *size) for picture in pictures])
    calibrated = rendered_pictures(*size, CALIBRATED, RenderConfig())
    wanted = answers_of(source.runtime, pixels)
    print("\n| export | largest difference | bar | moved | bar | other texts | of sure ones |")
    print("|---|---|---|---|---|---|---|")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for name, form in FORMATS.items():
            for precision in form.precisions:
                path = Path(folder) / f"{name}-{precision}{form.suffix}"
                options = ExportOptions(precision, pictures=calibrated)
                try:
                    export(source, form, path, options, pixels)
                    received = answers_of(open_runtime(path, form.runtime), pixels)
                except (InputError, ImportError) as error:
                    refused = "it was not kept" in str(error)
                    good &= not refused
                    print(
                        f"| {name} {precision} | {'REFUSED' if refused else 'not here'}: {error} |"
                    )
                    continue
                found, bar = agreement(source.card, wanted, received), BARS[precision]
                print(
                    f"| {name} {precision} | {found.difference:.1e} | {bar.difference:g} | "
                    f"{found.loss:.1e} | {bar.loss:g} | {found.changed} | "
                    f"{found.changed_sure} of {found.sure} |",
                    flush=True,
                )
    return good


if __name__ == "__main__":
    sys.exit(main())

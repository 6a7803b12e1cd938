"""What int8 gains in ONNX Runtime on this processor, and what it loses on labelled plates.

    python benchmarks/int8.py                                  # the shipped model, rendered plates
    python benchmarks/int8.py --data check/ --data check_ccpd/ --glyphs … --backgrounds …

Speed is a ratio of the two models run in turn, so that other work on the machine falls on both.
Status 1 where a target is missed: at least 2.5 times as fast, at most 0.3 points of plate accuracy
lost on the first plates of a scene of eval-v1, at most one plate on each `--data`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from chepai.commands._evaluating import load_set
from chepai.configs import RenderConfig
from chepai.dataset.rendered_source import plate_renderer
from chepai.dataset.synthetic.sets import set_plates
from chepai.export.agreement import answers_of
from chepai.export.exporting import export
from chepai.export.formats import FORMATS, ExportOptions
from chepai.export.pictures import rendered_pictures
from chepai.export.source import OnnxSource
from chepai.inference.pretrained import model_path
from chepai.inference.runtimes import Runtime, open_runtime
from chepai.plate.decoding import decode_outputs
from chepai.plate.image import ImageError, load_image, resize
from chepai.plate.schema import load_schema
from chepai.utils.progress import progress

FASTER, POINTS, PLATES = 2.5, 0.3, 1
COMPARED, CALIBRATED = 128, 512
CHUNK = 512

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Speed:
    """Seconds of both models in turn: medians, and the median of the ratios."""

    batch: int
    threads: int
    fp32: float
    int8: float
    ratio: float


@dataclass(frozen=True)
class Loss:
    """Plates of one set that were right before, and after, and how many changed either way."""

    name: str
    plates: int
    fp32: int
    int8: int
    lost: int
    won: int

    @property
    def points(self) -> float:
        """Of plate accuracy that int8 loses; negative where it gains."""
        return 100 * (self.fp32 - self.int8) / self.plates


def main() -> int:
    """Measures, prints the tables, and returns 1 where a target is missed."""
    args = _arguments()
    render = RenderConfig(glyphs=args.glyphs, backgrounds=args.backgrounds)
    with tempfile.TemporaryDirectory() as folder:
        fp32 = model_path(args.model)
        int8 = args.int8 or _quantise(fp32, Path(folder), render)
        speeds = [] if args.no_speed else list(_speeds(fp32, int8, args.repeats))
        models = (open_runtime(fp32), open_runtime(int8))
        rendered = [_rendered(models, scene, args.plates, render) for scene in args.scene]
        labelled = [_labelled(models, path) for path in args.data]
    _print(speeds, [*rendered, *labelled])
    if args.json:
        values = {
            "speed": [asdict(each) for each in speeds],
            "accuracy": [asdict(each) for each in (*rendered, *labelled)],
        }
        args.json.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    slow = any(each.ratio < FASTER for each in speeds)
    lossy = any(each.points > POINTS for each in rendered)
    return int(slow or lossy or any(each.fp32 - each.int8 > PLATES for each in labelled))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default", help="a shipped name or an fp32 .onnx file")
    parser.add_argument("--int8", type=Path, help="its int8 file; none: it is made first")
    parser.add_argument("--glyphs", help="of the rendered plates; none: open fonts")
    parser.add_argument("--backgrounds", help="of the rendered plates, besides drawn ones")
    parser.add_argument("--scene", action="append", help="of eval-v1; none: gate")
    parser.add_argument("--plates", type=int, default=10_000, help="of each scene")
    parser.add_argument("--data", action="append", default=[], help="labelled plates (repeatable)")
    parser.add_argument("--repeats", type=int, default=60, help="runs of each model in turn")
    parser.add_argument("--no-speed", action="store_true", help="accuracy only")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    args = parser.parse_args()
    args.scene = args.scene or ["gate"]
    return args


def _quantise(fp32: Path, folder: Path, render: RenderConfig) -> Path:
    source = OnnxSource(fp32)
    size = (source.card.height, source.card.width)
    pictures = rendered_pictures(*size, COMPARED + CALIBRATED, render)
    options = ExportOptions("int8", pictures=pictures[COMPARED:])
    path = folder / "int8.onnx"
    result = export(source, FORMATS["onnx"], path, options, pictures[:COMPARED])
    print(f"int8: {result.size / 1e6:.2f} MB; left in float32: {', '.join(result.left_out) or '-'}")
    return path


def _speeds(fp32: Path, int8: Path, repeats: int) -> Iterator[Speed]:
    """Of one picture and of a batch, on one thread and on all."""
    for threads in (1, None):
        models = (open_runtime(fp32, None, threads), open_runtime(int8, None, threads))
        card = models[0].card
        rng = np.random.default_rng(0)
        for batch in (1, 64):
            images = rng.integers(0, 256, (batch, card.height, card.width, 3), dtype=np.uint8)
            # On one thread CPU seconds, in which other work on the machine does not count.
            clock = time.process_time if threads == 1 else time.perf_counter
            seconds = _in_turn(models, images, repeats, clock)
            ratios = [one / other for one, other in zip(*seconds, strict=True)]
            medians = (statistics.median(each) for each in seconds)
            yield Speed(batch, threads or 0, *medians, statistics.median(ratios))


def _in_turn(
    models: tuple[Runtime, Runtime], images: Images, repeats: int, clock: Callable[[], float]
) -> list[list[float]]:
    seconds: list[list[float]] = [[], []]
    for repeat in range(repeats + 3):
        for model, measured in zip(models, seconds, strict=True):
            begin = clock()
            model.run(images)
            if repeat >= 3:  # the first runs allocate
                measured.append(clock() - begin)
    return seconds


def _rendered(
    models: tuple[Runtime, Runtime], scene: str, count: int, render: RenderConfig
) -> Loss:
    renderer = plate_renderer(render, load_schema("cn"))
    plates = set_plates(renderer, "eval-v1", scene, count)
    size = (models[0].card.height, models[0].card.width)
    pairs = ((resize(plate.image, *size), plate.text) for plate in progress(plates, count, scene))
    return _loss(models, f"eval-v1/{scene}", pairs)


def _labelled(models: tuple[Runtime, Runtime], path: str) -> Loss:
    labelled = load_set(path, models[0].card.schema)
    size = (models[0].card.height, models[0].card.width)

    def pairs() -> Iterator[tuple[Images, str]]:
        for record in labelled.records:
            try:
                yield resize(load_image(record.path), *size), record.text
            except ImageError:
                continue

    return _loss(models, path, pairs())


def _loss(models: tuple[Runtime, Runtime], name: str, pairs: Iterator[tuple[Images, str]]) -> Loss:
    """Reads plates a chunk at a time by both models."""
    right: list[list[bool]] = [[], []]
    images: list[Images] = []
    texts: list[str] = []

    def judge() -> None:
        for model, found in zip(models, right, strict=True):
            answers = answers_of(model, np.stack(images))
            plates = decode_outputs(model.card.schema, model.card.family, answers)
            found += [plate.text == text for plate, text in zip(plates, texts, strict=True)]
        images.clear()
        texts.clear()

    for image, text in pairs:
        images.append(image)
        texts.append(text)
        if len(images) == CHUNK:
            judge()
    if images:
        judge()
    before, after = (np.array(each) for each in right)
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    return Loss(name, len(before), int(before.sum()), int(after.sum()), lost, won)


def _print(speeds: list[Speed], losses: list[Loss]) -> None:
    """Two Markdown tables."""
    if speeds:
        print("| batch | threads | fp32, ms | int8, ms | times as fast |\n|---|---|---|---|---|")
        for each in speeds:
            threads = each.threads or "all"
            print(
                f"| {each.batch} | {threads} | {each.fp32 * 1e3:.2f} | {each.int8 * 1e3:.2f} "
                f"| {each.ratio:.2f} |"
            )
    print("| plates | count | right, fp32 | right, int8 | lost | won | points lost |")
    print("|---|---|---|---|---|---|---|")
    for loss in losses:
        print(
            f"| {loss.name} | {loss.plates} | {loss.fp32 / loss.plates:.2%} "
            f"| {loss.int8 / loss.plates:.2%} | {loss.lost} | {loss.won} | {loss.points:.2f} |"
        )


if __name__ == "__main__":
    raise SystemExit(main())

"""Our reading against a public recogniser's, in turn on one thread.

    pip install --no-deps rapidocr-onnxruntime==1.4.4 pyclipper shapely six
    python benchmarks/yardstick.py                                  # the shipped models
    python benchmarks/yardstick.py --model mine.onnx=0.145 --network
    python benchmarks/yardstick.py --model mine.onnx --network --public-lprnet   # wants PyTorch

Milliseconds differ between machines and drift on one; how many of the yardstick's times ours takes
does so much less. The yardstick is the recogniser of PP-OCRv4 mobile as rapidocr-onnxruntime 1.4.4
ships it (Apache-2.0). Its distribution wants an OpenCV beside the one here, hence `--no-deps`.
Status 1 where a model takes more than the share that stands behind its `=`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from chepai import Reader
from chepai.commands._evaluating import load_set
from chepai.errors import InputError
from chepai.inference.files import sample_pictures
from chepai.inference.machine import describe_machine
from chepai.inference.pretrained import model_path, shipped_models
from chepai.inference.runtimes import open_runtime
from chepai.plate.schema import load_schema

# What is asked of the shipped models, as shares of the yardstick's time from JPEG to text.
SHIPPED = {"default": 0.30, "fast": 0.038}
NAME = "PP-OCRv4 mobile"
PUBLIC_LPRNET = "public LPRNet"
MOST_PICTURES = 256

Step = Callable[[int], object]


@dataclass(frozen=True)
class Row:
    """One reader: median milliseconds a plate, and the median round's share of the yardstick's."""

    model: str
    milliseconds: float
    share: float
    most: float | None


def main() -> int:
    """Measures, prints the table, and returns 1 where a model takes more than its share."""
    args = _arguments()
    wanted = dict(_wanted(text) for text in args.model or shipped_models())
    pictures = [path.read_bytes() for path in _pictures(args.data)]
    steps = _network_steps(wanted) if args.network else _reading_steps(wanted, pictures)
    if args.public_lprnet:
        steps[PUBLIC_LPRNET] = _public_lprnet_step()
        wanted[PUBLIC_LPRNET] = None
    seconds = in_turn(steps, len(pictures), args.rounds + 1)
    # The first round warms up.
    seconds = {name: times[1:] for name, times in seconds.items()}
    yardstick = seconds.pop(NAME)
    rows = [Row(NAME, 1e3 * statistics.median(yardstick), 1.0, None)]
    for model, most in wanted.items():
        shares = [ours / theirs for ours, theirs in zip(seconds[model], yardstick, strict=True)]
        middle = 1e3 * statistics.median(seconds[model])
        rows.append(Row(model, middle, statistics.median(shares), most))
    _print(rows, args, len(pictures))
    return int(any(row.most is not None and row.share > row.most for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", action="append", default=[], metavar="MODEL[=SHARE]", help="none: the shipped"
    )
    parser.add_argument("--data", help="labelled plates, as of `test`; none: the package's samples")
    parser.add_argument("--network", action="store_true", help="the networks alone")
    parser.add_argument("--rounds", type=int, default=15, help="each reads every picture once")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument(
        "--public-lprnet", action="store_true", help="the public LPRNet's network beside them"
    )
    args = parser.parse_args()
    if args.public_lprnet and not args.network:
        parser.error("--public-lprnet is a network alone: give --network too")
    return args


def _wanted(text: str) -> tuple[str, float | None]:
    model, _, share = text.partition("=")
    return model, float(share) if share else SHIPPED.get(model)


def _pictures(data: str | None) -> list[Path]:
    if data is None:
        return sample_pictures()
    return [record.path for record in load_set(data, load_schema("cn")).records][:MOST_PICTURES]


def _reading_steps(models: Sequence[str], pictures: Sequence[bytes]) -> dict[str, Step]:
    """A file's bytes to its text, by each."""
    recogniser = _yardstick()
    coded = [np.frombuffer(picture, np.uint8) for picture in pictures]
    cv2.setNumThreads(1)
    steps: dict[str, Step] = {NAME: lambda i: recogniser(cv2.imdecode(coded[i], cv2.IMREAD_COLOR))}
    for model in models:
        reader = Reader(model, threads=1)
        steps[model] = lambda i, reader=reader: reader.read(pictures[i])
    return steps


def _network_steps(models: Sequence[str]) -> dict[str, Step]:
    """The networks alone, one plate of noise of each one's size at a time."""
    session = _yardstick().session
    rng = np.random.default_rng(0)
    plate = rng.uniform(-1, 1, (1, 3, 48, 320)).astype(np.float32)
    steps: dict[str, Step] = {NAME: lambda _: session(plate)}
    for model in models:
        one = open_runtime(model_path(model), threads=1)
        image = rng.integers(0, 256, (1, one.card.height, one.card.width, 3), np.uint8)
        steps[model] = lambda _, one=one, image=image: one.run(image)
    return steps


def _public_lprnet_step() -> Step:
    import onnxruntime
    from public_lprnet import write_public_lprnet

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "public-lprnet.onnx"
        write_public_lprnet(file)
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    plate = np.random.default_rng(0).uniform(-1, 1, (1, 3, 24, 94)).astype(np.float32)
    name = session.get_inputs()[0].name
    return lambda _: session.run(None, {name: plate})


def _yardstick() -> Any:
    """The public recogniser, on one thread.

    Raises:
        InputError: its package is not installed.
    """
    try:
        import rapidocr_onnxruntime
        from rapidocr_onnxruntime.ch_ppocr_rec import TextRecognizer
    except ModuleNotFoundError as error:
        raise InputError(
            f"the yardstick is not installed ({error}): see the top of {__file__}"
        ) from error
    models = Path(rapidocr_onnxruntime.__file__).parent / "models"
    return TextRecognizer(
        {
            "model_path": str(models / "ch_PP-OCRv4_rec_infer.onnx"),
            "rec_img_shape": [3, 48, 320],
            "rec_batch_num": 1,
            "intra_op_num_threads": 1,
            "inter_op_num_threads": 1,
            "use_cuda": False,
            "use_dml": False,
        }
    )


def in_turn(steps: dict[str, Step], pictures: int, rounds: int) -> dict[str, list[float]]:
    """Median seconds a picture of each step in every round, in which each reads every picture.

    Seconds of the processor, not of the clock: other work on the machine counts less.
    """
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            step(0)  # what ran before has left the caches cold
            found[name].append(statistics.median(_timed(step, i) for i in range(pictures)))
    return found


def _timed(step: Step, picture: int) -> float:
    begin = time.process_time()
    step(picture)
    return time.process_time() - begin


def _print(rows: Sequence[Row], args: argparse.Namespace, pictures: int) -> None:
    machine = describe_machine()
    scope = "network alone" if args.network else f"JPEG to text, {pictures} pictures"
    print(
        f"one thread, one plate at a time, {scope}, {args.rounds} rounds, "
        f"{machine['processor']}, {machine['date']}\n"
    )
    print("| model | ms | of the yardstick | at most |\n|---|---|---|---|")
    for row in rows:
        most = "" if row.most is None else f"{row.most:g}"
        print(f"| {row.model} | {row.milliseconds:.2f} | {row.share:.4f} | {most} |")
    if args.json:
        values = {"machine": machine, "scope": scope, "rows": [asdict(row) for row in rows]}
        args.json.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())

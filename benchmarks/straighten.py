"""A rectifier learns to straighten plates for a recogniser that knows them nearly straight.

Run from the repository's root:

    python benchmarks/straighten.py --rectifier stn --output straightened.jpg

The recogniser learns 64 plates by heart, with the rectifier left as the identity: first straight,
then a little turned, sheared and shifted, without which its answers say nothing of where a better
picture would lie. Then its weights stay, and the rectifier alone learns from the same plates ever
more distorted, anew at every step. Prints what is read of such plates before and after, and draws
some of them beside what the rectifier makes of them. Status 1 where no more are read after it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from chepai.commands._families import compiled_model
from chepai.configs import Config, override_config
from chepai.files import atomic_path
from chepai.frameworks import import_keras
from chepai.plate.schema import LabelSchema, load_schema
from chepai.training.callbacks import evaluate
from chepai.training.loop import prepare_framework
from overfit import BATCH, configuration, learn, plates

SHOWN, COLUMNS = 8, 4
COPIES = 4  # of each plate that is read before and after
MOST_TURN, MOST_SHIFT, MOST_SHEAR = 14.0, 0.10, 0.25  # degrees; of the size
KNOWN = 0.2  # of that, what the recogniser learns to bear
GROWING = 0.7  # share of the steps over which distortions grow
EVERY = 200


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="quick", help="the recogniser behind the rectifier")
    parser.add_argument("--rectifier", choices=("stn", "tps"), default="stn")
    parser.add_argument("--knowing", type=int, default=400, help="most steps of each of the "
                        "recogniser's two parts")  # fmt: skip
    parser.add_argument("--steps", type=int, default=4000, help="of the rectifier")
    parser.add_argument("--rate", type=float, default=1e-3, help="the recogniser's learning rate")
    parser.add_argument("--rectifier-rate", type=float, default=3e-4, help="the rectifier's")
    parser.add_argument("--glyphs", metavar="DIR", help="glyph pictures; none: open fonts")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the picture; none: none")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of TensorFlow")
    return parser.parse_args()


def main() -> int:
    """0 where more is read with the trained rectifier than without."""
    args = arguments()
    import_keras(args.threads)
    config = override_config(
        configuration(args.preset, args), [f"model.rectifier={args.rectifier}"]
    )
    schema = load_schema(config.model.label_schema)
    prepare_framework(config)
    images, labels = plates(config, schema)
    knowing = with_frozen(config, schema, "rectifier_*", args.rate)
    learn(knowing, images, labels, args.knowing, args.preset)
    train(knowing, images, labels, [KNOWN] * args.knowing)
    model = with_frozen(config, schema, "!rectifier_*", args.rectifier_rate)
    model.set_weights(knowing.get_weights())

    seen = distorted(np.concatenate([images] * COPIES), np.random.default_rng(2))
    truth = np.concatenate([labels] * COPIES)
    before = evaluate(model, [(seen, truth)])["plate_accuracy"]
    train(model, images, labels, growing(args.steps))
    after = evaluate(model, [(seen, truth)])["plate_accuracy"]
    print(
        f"{args.rectifier}: of {len(seen)} distorted plates {100 * before:.1f} % are read "
        f"before, {100 * after:.1f} % after"
    )
    if args.output is not None:
        draw(model, seen[:SHOWN], args.output)
    return 0 if after > before else 1


def with_frozen(config: Config, schema: LabelSchema, pattern: str, rate: float) -> Any:
    """A fresh model of which some layers stay as they are."""
    own = [f"train.freeze=['{pattern}']", f"optimizer.learning_rate={rate}"]
    return compiled_model(override_config(config, own), schema, 1)


def growing(steps: int) -> list[float]:
    """How strong the distortion of each step is: from what is known to all of it."""
    return np.interp(np.arange(steps), [0, GROWING * steps], [KNOWN, 1.0]).tolist()


def train(model: Any, images: np.ndarray, labels: np.ndarray, strengths: Sequence[float]) -> None:
    """A step for each strength, on plates distorted so much."""
    rng = np.random.default_rng(1)
    for step, strength in enumerate(strengths, start=1):
        rows = rng.choice(len(images), BATCH, replace=False)
        model.train_on_batch(distorted(images[rows], rng, strength), labels[rows])
        if step % EVERY == 0:
            read = evaluate(model, [(distorted(images, rng, strength), labels)])["plate_accuracy"]
            print(f"step {step}: of distortions of {strength:.2f} {100 * read:.1f} % are read",
                  flush=True)  # fmt: skip


def distorted(pictures: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Each turned, sheared and shifted, uint8 `[n, h, w, 3]`; the border goes on."""
    return np.stack([_distorted(picture, rng, strength) for picture in pictures])


def _distorted(picture: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    height, width = picture.shape[:2]
    turn, slant, *shifts = strength * rng.uniform(-1, 1, 4)
    angle, shear = np.deg2rad(MOST_TURN * turn), MOST_SHEAR * slant
    linear = np.array([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]])
    centre = np.array([width, height]) / 2
    shift = MOST_SHIFT * np.array(shifts) * (width, height)
    matrix = np.concatenate([linear, (centre - linear @ centre + shift)[:, None]], axis=1)
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def draw(model: Any, seen: np.ndarray, path: Path) -> None:
    """Distorted plates, below each row what the rectifier makes of them."""
    import keras

    straight = keras.Model(model.input, model.get_layer("rectifier_sampler").output)
    after = as_pixels(np.array(straight(seen, training=False)), seen)
    rows = []
    for start in range(0, len(seen), COLUMNS):
        for part in (seen, after):
            tiles = [cv2.copyMakeBorder(tile, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255,) * 3)
                     for tile in part[start : start + COLUMNS]]  # fmt: skip
            rows.append(np.concatenate(tiles, axis=1))
    sheet = cv2.resize(np.concatenate(rows), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    _, data = cv2.imencode(".jpg", sheet[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.tobytes())
    print(path)


def as_pixels(values: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Whitened values back to the pixels of the pictures that they come from."""
    mean = pictures.mean((1, 2, 3), keepdims=True)
    spread = pictures.std((1, 2, 3), keepdims=True)
    return np.clip(values * spread + mean, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    raise SystemExit(main())

"""Every recogniser learns 64 plates by heart, and a rectifier straightens a distorted copy of them.

Run from the repository's root:

    python benchmarks/overfit.py                                    # all presets, until all is read
    python benchmarks/overfit.py --presets lprnet --steps 400
    python benchmarks/overfit.py --rectified rectified.jpg --presets stn-lprnet

Status 1 where a preset has not learnt its plates. What is not read within `--steps` is no proof of
a mistake: the large networks want more of them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from chepai.commands._families import compiled_model
from chepai.configs import Config, load_config
from chepai.dataset.rendered_source import RenderedSource
from chepai.files import atomic_path
from chepai.frameworks import import_keras
from chepai.plate.schema import load_schema
from chepai.training.callbacks import evaluate
from chepai.training.loop import prepare_framework

PRESETS = (
    "lprnet", "stn-lprnet", "crnn", "crnn-attention", "vgg-bilstm-ctc", "resnet-bilstm-ctc-narrow",
    "tps-resnet-bilstm-attn-narrow", "resnet-bilstm-ctc", "tps-resnet-bilstm-attn",
)  # fmt: skip
PLATES, BATCH, EVERY = 64, 32, 25
SHOWN = 8
MOST_TURN, MOST_SHIFT, MOST_SHEAR = 14.0, 0.10, 0.25  # degrees; of the size


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), metavar="PRESET")
    parser.add_argument("--steps", type=int, default=3000, help="most training steps of each")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate, constant")
    parser.add_argument("--glyphs", metavar="DIR", help="glyph pictures; none: open fonts")
    parser.add_argument(
        "--rectified", type=Path, metavar="FILE", help="distort the plates anew at every step, and "
        "draw what the rectifier of the first preset makes of them"
    )  # fmt: skip
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of TensorFlow")
    return parser.parse_args()


def main() -> int:
    """0 where every preset reads all of its plates."""
    args = arguments()
    import_keras(args.threads)
    learnt = [overfit(preset, args) for preset in args.presets]
    return 0 if all(learnt) else 1


def overfit(preset: str, args: argparse.Namespace) -> bool:
    """Trains one preset until it reads its plates; whether it does."""
    import keras

    config = configuration(preset, args)
    schema = load_schema(config.model.label_schema)
    prepare_framework(config)
    images, labels = plates(config, schema)
    model = compiled_model(config, schema, steps_per_epoch=args.steps)
    rng, began, accuracy = np.random.default_rng(1), time.perf_counter(), 0.0
    for step in range(1, args.steps + 1):
        rows = rng.choice(PLATES, BATCH, replace=False)
        batch = images[rows]
        if args.rectified is not None:
            batch = np.stack([distorted(picture, rng) for picture in batch])
        model.train_on_batch(batch, labels[rows])
        if step % EVERY == 0:
            figures = evaluate(model, [(images, labels)])
            accuracy = figures["plate_accuracy"]
            print(
                f"{preset}: step {step}, loss {figures['loss']:.3f}, characters "
                f"{figures['char_accuracy']:.3f}, plates {accuracy:.3f}, "
                f"{time.perf_counter() - began:.0f} s",
                flush=True,
            )
            if accuracy == 1.0 and args.rectified is None:
                break
    if args.rectified is not None and preset == args.presets[0]:
        draw(model, images, args.rectified)
    keras.backend.clear_session()
    return accuracy == 1.0


def configuration(preset: str, args: argparse.Namespace) -> Config:
    """The preset at a constant rate, without dropout, averages and decay: nothing that resists."""
    own = [
        "optimizer.name=adam", "optimizer.schedule=constant", "optimizer.ema=0",
        f"optimizer.learning_rate={args.rate}", "model.dropout=0", "model.conv_decay=0",
        f"train.batch_size={BATCH}", "data.workers=0", "train.deterministic=false",
    ]  # fmt: skip
    if args.glyphs:
        own.append(f"render.glyphs='{args.glyphs}'")
    return load_config(preset, overrides=own)


def plates(config: Config, schema: Any) -> tuple[np.ndarray, np.ndarray]:
    """64 rendered plates, none of them a reject: uint8 [64, h, w, 3] and int32 [64, heads]."""
    shares = {"gate": 1.0, "parking": 0.0, "road": 0.0, "stored": 0.0, "reject": 0.0}
    render = config.render.model_copy(update=shares)
    source = RenderedSource(config.model_copy(update={"render": render}), schema)
    images, labels = zip(*source.evaluation(PLATES), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def distorted(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turned, sheared and shifted; the border goes on."""
    height, width = picture.shape[:2]
    turn = np.deg2rad(rng.uniform(-MOST_TURN, MOST_TURN))
    shear = rng.uniform(-MOST_SHEAR, MOST_SHEAR)
    linear = np.array([[np.cos(turn), -np.sin(turn) + shear], [np.sin(turn), np.cos(turn)]])
    centre = np.array([width, height]) / 2
    shift = rng.uniform(-MOST_SHIFT, MOST_SHIFT, 2) * (width, height)
    matrix = np.concatenate([linear, (centre - linear @ centre + shift)[:, None]], axis=1)
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def draw(model: Any, images: np.ndarray, path: Path) -> None:
    """Distorted plates in the upper rows, below each what the rectifier makes of it."""
    import keras

    rng = np.random.default_rng(2)
    seen = np.stack([distorted(picture, rng) for picture in images[:SHOWN]])
    straight = keras.Model(model.input, model.get_layer("rectifier_sampler").output)
    after = as_pixels(np.array(straight(seen, training=False)), seen)
    rows = []
    for start in range(0, SHOWN, 4):
        for part in (seen, after):
            tiles = [cv2.copyMakeBorder(tile, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255,) * 3)
                     for tile in part[start : start + 4]]  # fmt: skip
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

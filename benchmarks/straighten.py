"""A rectifier learns to straighten plates for a recogniser that stays as it is.

Run from the repository's root:

    python benchmarks/straighten.py --output straightened.jpg
    python benchmarks/straighten.py --model pretrained/stn-lprnet.keras --steps 0

Rendered plates, which nothing was trained on, are tilted. Prints how many of them are read without
the rectifier and with it, and draws some beside what the rectifier makes of them. With `--steps 0`
it is the model's own. Status 1 where no more are read with it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from chepai.commands._families import compiled_model
from chepai.configs import Config, override_config, parse_config
from chepai.dataset.tilted import distorted, random_map
from chepai.files import atomic_path
from chepai.frameworks import import_keras
from chepai.inference.pretrained import weights_path
from chepai.keras_file import load_checked
from chepai.plate.schema import LabelSchema, load_schema
from chepai.training.callbacks import evaluate
from chepai.training.initialise import load_initial_weights
from chepai.training.loop import prepare_framework
from chepai.training.straightening import learn_to_straighten, sampler_of
from overfit import plates

SHOWN, COLUMNS = 12, 4


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="fast", help="the recogniser: a name or a .keras file")
    parser.add_argument("--rectifier", choices=("stn", "tps"), help="none: the model's, or stn")
    parser.add_argument("--steps", type=int, default=1500, help="of the rectifier's lessons")
    parser.add_argument("--plates", type=int, default=2000, help="that are read")
    parser.add_argument("--glyphs", metavar="DIR", help="glyph pictures; none: open fonts")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the picture; none: none")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of TensorFlow")
    return parser.parse_args()


def main() -> int:
    """0 where more is read with the rectifier than without."""
    args = arguments()
    import_keras(args.threads)
    weights = weights_path(args.model)
    config = configuration(weights, args)
    schema = load_schema(config.model.label_schema)
    prepare_framework(config)
    without = ["model.rectifier=none", "train.straighten_steps=0"]
    plain = recogniser(override_config(config, without), schema, weights)
    model = recogniser(config, schema, weights)
    if args.steps:
        began = time.perf_counter()
        before, after = learn_to_straighten(model, config, schema)
        seconds = time.perf_counter() - began
        print(f"error {before:.3f} -> {after:.3f} in {seconds:.0f} s")

    straight, labels = plates(config, schema, args.plates)
    tilted = tilt(straight)
    found: dict[str, float] = {}
    print(f"of {len(tilted)} plates are read")
    for name, one, pictures in (
        ("straight", plain, straight),
        ("straight, with the rectifier", model, straight),
        ("tilted", plain, tilted),
        ("tilted, with the rectifier", model, tilted),
    ):
        found[name] = evaluate(one, [(pictures, labels)])["plate_accuracy"]
        print(f"    {name}: {100 * found[name]:.1f} %")
    if args.output is not None:
        draw(model, tilted[:SHOWN], args.output)
    return 0 if found["tilted, with the rectifier"] > found["tilted"] else 1


def configuration(weights: Path, args: argparse.Namespace) -> Config:
    """The model's own, with a rectifier and nothing that belongs to its training."""
    config = parse_config(load_checked(weights, ours=True).chepai_config)
    had = None if config.model.rectifier == "none" else config.model.rectifier
    own = [
        f"model.rectifier={args.rectifier or had or 'stn'}", f"train.straighten_steps={args.steps}",
        "distill.teachers=[]", "distill.map_weight=0", "data.workers=0", "train.devices=1",
        "train.freeze=[]", "train.precision=float32", "render.backgrounds=null",
        f"render.glyphs={args.glyphs or 'null'}",
    ]  # fmt: skip
    return override_config(config, own)


def recogniser(config: Config, schema: LabelSchema, weights: Path) -> Any:
    """A model of the configuration with what it has of the file's weights."""
    model = compiled_model(config, schema, 1)
    load_initial_weights(model, weights)
    return model


def tilt(pictures: np.ndarray) -> np.ndarray:
    """Each tilted by chance, always the same way."""
    rng = np.random.default_rng(2)
    height, width = pictures.shape[1:3]
    return np.stack([distorted(picture, random_map(height, width, rng)) for picture in pictures])


def draw(model: Any, seen: np.ndarray, path: Path) -> None:
    """Tilted plates, below each row what the rectifier makes of them."""
    import keras

    straight = keras.Model(model.input, sampler_of(model).output)
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

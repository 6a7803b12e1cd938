"""Every recogniser learns 64 plates by heart.

Run from the repository's root:

    python benchmarks/overfit.py                                    # all presets, until all is read
    python benchmarks/overfit.py --presets lprnet --steps 400

Status 1 where a preset has not learnt its plates. What is not read within `--steps` is no proof of
a mistake: the large networks want more of them.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from chepai.commands._families import compiled_model
from chepai.configs import Config, load_config
from chepai.dataset.rendered_source import RenderedSource, with_scene
from chepai.frameworks import import_keras
from chepai.plate.schema import load_schema
from chepai.training.callbacks import evaluate
from chepai.training.loop import prepare_framework

PRESETS = (
    "lprnet", "stn-lprnet", "crnn", "crnn-attention", "vgg-bilstm-ctc", "resnet-bilstm-ctc-narrow",
    "tps-resnet-bilstm-attn-narrow", "resnet-bilstm-ctc", "tps-resnet-bilstm-attn",
)  # fmt: skip
PLATES, EVERY = 64, 25


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), metavar="PRESET")
    parser.add_argument("--steps", type=int, default=3000, help="most training steps of each")
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="plates of a step")
    parser.add_argument(
        "--rate", type=float, help="learning rate, or its peak; none: the preset's peak"
    )
    parser.add_argument(
        "--falling", action="store_true", help="the rate falls to 0 within --steps, as a cosine"
    )
    parser.add_argument("--glyphs", metavar="DIR", help="glyph pictures; none: open fonts")
    parser.add_argument(
        "--precision", default="float32", help="mixed_bfloat16: a processor with AVX512-BF16"
    )
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
    images, labels = plates(config, schema, PLATES)
    model = compiled_model(config, schema, steps_per_epoch=args.steps)
    learnt = learn(model, images, labels, args, preset)
    keras.backend.clear_session()
    return learnt


def learn(
    model: Any, images: np.ndarray, labels: np.ndarray, args: argparse.Namespace, name: str
) -> bool:
    """Trains until every plate is read, for `args.steps` at most; whether all are."""
    rng, began = np.random.default_rng(1), time.perf_counter()
    for step in range(1, args.steps + 1):
        rows = rng.choice(PLATES, args.batch, replace=False)
        model.train_on_batch(images[rows], labels[rows])
        if step % EVERY:
            continue
        figures = evaluate(model, [(images, labels)])
        print(
            f"{name}: step {step}, loss {figures['loss']:.3f}, characters "
            f"{figures['char_accuracy']:.3f}, plates {figures['plate_accuracy']:.3f}, "
            f"{time.perf_counter() - began:.0f} s",
            flush=True,
        )
        if figures["plate_accuracy"] == 1.0:
            return True
    return False


def configuration(preset: str, args: argparse.Namespace) -> Config:
    """The preset with Adam, without dropout, averages and decay: nothing that resists."""
    schedule = "cosine" if args.falling else "constant"
    own = [
        "optimizer.name=adam", f"optimizer.schedule={schedule}", "optimizer.ema=0",
        # One epoch, of as many steps as there may be.
        "train.epochs=1", "optimizer.warmup_epochs=0.03",
        "model.dropout=0", "model.conv_decay=0", f"train.batch_size={args.batch}",
        "data.workers=0", "train.deterministic=false", f"train.precision={args.precision}",
    ]  # fmt: skip
    if args.rate is not None:
        own.append(f"optimizer.learning_rate={args.rate}")
    if args.glyphs:
        own.append(f"render.glyphs='{args.glyphs}'")
    return load_config(preset, overrides=own)


def plates(config: Config, schema: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rendered plates seen from the front: uint8 [count, h, w, 3] and int32 [count, heads]."""
    source = RenderedSource(with_scene(config, "gate"), schema)
    images, labels = zip(*source.evaluation(count), strict=True)
    return np.concatenate(images), np.concatenate(labels)


if __name__ == "__main__":
    raise SystemExit(main())

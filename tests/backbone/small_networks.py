"""Every registered backbone, small enough to train in a second, and a script that tries them.

Run as a script under KERAS_BACKEND=jax or torch, it reads what TensorFlow computed, computes it
again, trains each backbone for some steps, and prints what came out as JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from chepai.backbone import registry

SIZE = (32, 64, 3)
CLASSES = 4
STEPS = 3
_RESIDUAL = {"widths": [16, 16, 32, 32], "blocks": [1, 1, 1, 1]}
# One stage at least has two blocks, of which the second is a residual one.
_MOBILE = {"alpha": 0.25, "depth": 0.3, "strides": [2, 2, 2, [2, 1], 1]}
# A backbone that is not named here is tried as it is.
OPTIONS: dict[str, dict] = {
    "mixnet18": _RESIDUAL,
    "resnet18": _RESIDUAL,
    "resnet18-v2": _RESIDUAL,
    "resnext18": _RESIDUAL,
    "resnext18-32x4d": {**_RESIDUAL, "groups": 4, "stem_width": 8},
    "mobilenet": _MOBILE,
    "mobilenet-v2": {**_MOBILE, "last_width": 64},
    "mobilenet-v3-large": _MOBILE,
    "mobilenet-v3-small": {**_MOBILE, "depth": 0.4},
}
# Options that make another network of a backbone, which is tried like one of its own.
_FACTORS = {**_RESIDUAL, "ranks": [8, 8, 12, [12, 16]]}
VARIANTS: dict[str, tuple[str, dict]] = {
    "resnet18 in factors": ("resnet18", _FACTORS),
    "resnet18 of mixed kernels": ("resnet18", {**_FACTORS, "mixed_kernels": 2}),
}
NETWORKS = (*registry.names(), *VARIANTS)


def described(name: str) -> tuple[str, dict]:
    """The backbone and the options of one of `NETWORKS`."""
    return VARIANTS.get(name, (name, OPTIONS.get(name, {})))


@dataclass(frozen=True)
class Trained:
    """A small backbone after `STEPS` steps, and the loss before each."""

    name: str
    backbone: keras.Model
    losses: list[float]


def small_backbone(name: str) -> keras.Model:
    """The backbone from a picture to its feature map, always of the same weights."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input(SIZE)
    backbone, options = described(name)
    # No decay: the loss must fall because the pictures are told apart.
    options = {"conv_decay": 0.0, "gamma_decay": 0.0, **options}
    return keras.Model(inputs, registry.build(backbone, inputs, **options))


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Eight noise pictures of four classes, told apart by which colour is bright, if any."""
    rng = np.random.default_rng(0)
    labels = np.arange(8) % CLASSES
    pictures = rng.normal(size=(8, *SIZE)).astype("float32")
    for picture, label in zip(pictures, labels, strict=True):
        picture[..., label : label + 1] += 2
    return pictures, labels


def train(backbone: keras.Model) -> list[float]:
    """The loss at each of some steps on one batch."""
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.output)
    head = keras.layers.Dense(CLASSES, activation="softmax")
    model = keras.Model(backbone.input, head(pooled))
    # Drawn by NumPy, so that every framework begins alike.
    kernel = np.random.default_rng(2).normal(0, 0.3, head.kernel.shape)
    head.set_weights([kernel, np.zeros(CLASSES)])
    loss = "sparse_categorical_crossentropy"
    # Eager: compiling a deep network costs more than these few steps.
    model.compile(keras.optimizers.Adam(3e-3), loss, run_eagerly=True, jit_compile=False)
    pictures, labels = batch()
    return [float(model.train_on_batch(pictures, labels)) for _ in range(STEPS)]


def main(file: Path) -> None:
    """Compares with the answers in `file` (.npz) and trains; prints `{name: figures}`."""
    stored = np.load(file)
    found = {}
    for name in NETWORKS:
        backbone = small_backbone(name)
        weights = [stored[f"{name}/{index}"] for index in range(len(backbone.weights))]
        backbone.set_weights(weights)
        features = keras.ops.convert_to_numpy(backbone(batch()[0], training=False))
        wanted = stored[f"{name}/features"]
        difference = float(np.abs(features - wanted).max() / np.abs(wanted).max())
        found[name] = {"difference": difference, "losses": train(backbone)}
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

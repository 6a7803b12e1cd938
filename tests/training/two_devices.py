"""Run by test_devices.py: trains a tiny classifier on one and on two logical processors.

Argument: a folder to train into.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from chepai.configs import Config, load_config
from chepai.multi_label.train import train_classifier
from chepai.plate.schema import load_schema
from chepai.training.run_folder import RunFolder

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
tf.config.threading.set_intra_op_parallelism_threads(1)


# Penalties in the loss, decay in the optimizer, both kinds of memories, averaged weights.
OPTIONS = (
    "model.height=16",
    "model.width=32",
    "model.head=pooled",
    "model.backbone_options={widths: [4, 4, 4, 4], blocks: [1, 1, 1, 1]}",
    "model.conv_decay=1e-2",
    "loss.name=ghm",
    "loss.class_balance=0.9",
    "optimizer.name=adamw",
    "optimizer.weight_decay=0.1",
    "optimizer.schedule=constant",
    "optimizer.learning_rate=3e-3",
    "optimizer.ema=0.9",
    "train.epochs=2",
    "train.batch_size=8",
)
VARIANTS = {
    "adamw": (),
    # The usual optimizer decays on its threads; and a norm is one of the whole batch's gradient.
    "radam": ("optimizer.name=radam", "optimizer.decay=decoupled", "model.gamma_decay=0.1"),
    "clipped": ("optimizer.name=sgd", "optimizer.momentum=0", "optimizer.clip_norm=0.01"),
}
SCHEMA = """
name: two
heads:
  - {name: char_1, role: character, classes: A B C}
  - {name: colour, role: colour, classes: blue green}
kinds: []
"""


class Plates:
    """Noise with labels that are masked unevenly: mostly in the half of the second device."""

    steps_per_epoch = 3
    plates_per_epoch = 22

    def __init__(self, config: Config) -> None:
        self.widths = load_schema(config.model.label_schema).widths

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([epoch, step])
        rows = 6 if step == 2 else 8
        images = rng.integers(0, 256, (rows, 16, 32, 3), dtype=np.uint8)
        labels = np.stack([rng.integers(0, width, rows) for width in self.widths], axis=1)
        labels[rows // 2 + 1 :, 0] = -1
        return images, labels.astype(np.int32)

    def batches(self, first_epoch: int):
        epoch = first_epoch
        while True:
            yield from (self.batch(epoch, step) for step in range(3))
            epoch += 1

    def evaluation(self):
        return iter([self.batch(1000, 0), self.batch(1000, 1)])

    def close(self) -> None:
        """Nothing works in the background."""


def train(folder: Path, devices: int, variant: tuple[str, ...]) -> dict[str, object]:
    """Trains; the figures of every epoch, and what is left in the files."""
    folder.mkdir(parents=True)
    schema = folder / "two.yaml"
    schema.write_text(SCHEMA, encoding="utf-8")
    own = (f"model.label_schema={schema}", f"train.devices={devices}")
    overrides = (*own, *OPTIONS, *variant)
    config = load_config("resnet18", overrides=overrides)
    run = RunFolder.create(folder, config)
    plates = Plates(config)
    train_classifier(config, run, plates, plates)
    final = keras.models.load_model(run.final)
    last = keras.models.load_model(run.last)
    with run.metrics.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        "loss": [float(row[name]) for row in rows for name in ("loss", "val_loss")],
        "accuracy": [float(row[name]) for row in rows for name in ("acc_colour", "val_acc_char_1")],
        "weights": [w.tolist() for w in final.get_weights()],
        "memories": [v.numpy().tolist() for m in last.loss_memories for v in m.weights],
        "synchronized": any(getattr(layer, "synchronized", False) for layer in final.layers),
    }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    results = {
        name: [train(target / name / str(devices), devices, variant) for devices in (1, 2)]
        for name, variant in VARIANTS.items()
    }
    (target / "results.json").write_text(json.dumps(results), encoding="utf-8")

"""A tiny configuration and a source of made-up plates, so that runs take seconds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from chepai.configs import Config
from chepai.plate.schema import load_schema

TINY = (
    "model.height=16",
    "model.width=48",
    "model.backbone_options={widths: [8, 8, 8, 8], blocks: [1, 1, 1, 1]}",
    "train.batch_size=8",
    "train.epochs=3",
    "train.log_batches=2",
    "optimizer.ema=0.9",
    "optimizer.warmup_epochs=1",
    "optimizer.learning_rate=1e-3",
)


class NoisePlates:
    """Noise pictures with random labels; batch b of epoch e depends on e and b alone."""

    steps_per_epoch = 4
    plates_per_epoch = 32

    def __init__(self, config: Config) -> None:
        self.config = config
        self.widths = load_schema(config.model.label_schema).widths
        self.closed = False

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([epoch, step])
        size = self.config.train.batch_size
        shape = (size, self.config.model.height, self.config.model.width, 3)
        images = rng.integers(0, 256, shape, dtype=np.uint8)
        labels = np.stack([rng.integers(-1, w, size) for w in self.widths], axis=1)
        return images, labels.astype(np.int32)

    def batches(self, first_epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        epoch = first_epoch
        while True:
            for step in range(self.steps_per_epoch):
                yield self.batch(epoch, step)
            epoch += 1

    def evaluation(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return iter([self.batch(1000, 0), self.batch(1000, 1)])

    def close(self) -> None:
        self.closed = True

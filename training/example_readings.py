"""Example readings in TensorBoard: some validation plates, what they say and what was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..plate.codec import decode
from ..plate.decoding import decode_outputs
from ..plate.schema import LabelSchema


class ExampleReadings:
    """Writes pictures and a table of truth, reading and confidence once an epoch.

    Args:
        folder: of the TensorBoard events.
        schema: decodes labels and probabilities.
        images: uint8 `[n, height, width, 3]`.
        labels: int32 `[n, heads]`.
        family: of the recogniser, whose outputs are read.
    """

    def __init__(
        self,
        folder: Path,
        schema: LabelSchema,
        images: np.ndarray,
        labels: np.ndarray,
        family: str = "multi_label",
    ) -> None:
        import tensorflow as tf

        self._tf = tf
        self._writer = tf.summary.create_file_writer(str(folder))
        self._schema = schema
        self._family = family
        self._images = images
        self._truths = [d.text for d in decode(schema, one_hot(schema, labels), constrain=False)]

    def __call__(self, model: keras.Model, epoch: int) -> None:
        outputs = model.predict_on_batch(self._images)
        # Of several devices each answers for the whole batch.
        first = {name: np.asarray(p)[: len(self._images)] for name, p in outputs.items()}
        read = decode_outputs(self._schema, self._family, first)
        lines = ["| truth | read | confidence |", "|---|---|---|"]
        lines += [
            f"| {truth} | {got.text} | {got.confidence:.3f} |"
            for truth, got in zip(self._truths, read, strict=True)
        ]
        with self._writer.as_default():
            self._tf.summary.image(
                "plates", self._images, step=epoch, max_outputs=len(self._images)
            )
            self._tf.summary.text("readings", "\n".join(lines), step=epoch)


def one_hot(schema: LabelSchema, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Labels int `[n, heads]` as probabilities by head: masked ones are all zero."""
    heads: dict[str, Any] = {}
    for column, head in enumerate(schema.heads):
        rows = np.zeros((len(labels), len(head.classes)), np.float32)
        valid = labels[:, column] >= 0
        rows[np.flatnonzero(valid), labels[valid, column]] = 1.0
        heads[head.name] = rows
    return heads

"""A loss that is no number ends the training: what led to it is kept, and no checkpoint of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NoReturn

import keras
import numpy as np

from ..dataset.array_writer import write_array
from ..dataset.mixed_source import as_arrays
from ..dataset.source import Source
from ..errors import InputError
from ..plate.schema import LabelSchema
from .run_folder import RunFolder


class FiniteLoss(keras.callbacks.Callback):
    """Ends the training where a loss is NaN or infinite, before any checkpoint is written.

    The batch of it is drawn once more, since a source replays its epochs, and kept in
    `RunFolder.not_finite` as an array that `debug --data` takes.

    Args:
        run: the folder.
        training: the source that is trained on.
        schema: of its labels.
    """

    def __init__(self, run: RunFolder, training: Source, schema: LabelSchema) -> None:
        super().__init__()
        self.run = run
        self.training = training
        self.schema = schema
        self.done_steps = 0
        """Batches of the first epoch that an earlier call of `fit` has trained."""
        self._epoch = 0
        self._step = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._step = batch + self.done_steps
        self._check((logs or {}).get("loss", 0.0), "loss")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.done_steps = 0

    def check_validation(self, figures: dict[str, float]) -> None:
        """Raises InputError where the validation loss is no number: weights are none any more."""
        self._check(figures["loss"], "validation loss")

    def _check(self, loss: Any, name: str) -> None:
        value = float(loss)
        if not math.isfinite(value):
            self._refuse("NaN" if math.isnan(value) else "infinite", name)

    def _refuse(self, what: str, name: str) -> NoReturn:
        folder, last = self.run.not_finite, self.run.last
        images, labels = self._last_batch()
        write_array(folder, iter([(images, labels)]), len(images), self.schema)
        raise InputError(
            f"the {name} is {what} at batch {self._step + 1} of epoch {self._epoch + 1}: that "
            f"batch lies in {folder}, and {last} holds the weights before the epoch; look at both "
            f"with `chepai debug --model {last} --data {folder} --plates {len(images)} --set "
            f"augment.enabled=false`, and begin anew (--init {last}) with a smaller "
            "optimizer.learning_rate or an optimizer.clip_norm"
        )

    def _last_batch(self) -> tuple[np.ndarray, np.ndarray]:
        batches: Iterator[Any] = as_arrays(self.training.batches(self._epoch))
        images, labels = next(itertools.islice(batches, self._step, None))
        # A student's batches have their labels among the pictures for its teachers.
        return images, labels["labels"] if isinstance(labels, dict) else labels

"""What happens around each epoch: validation, metrics.csv, checkpoints, example readings."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras

from ..files import atomic_path
from .averaging import averaged_weights, save_for_reading
from .position import Position, store_position
from .run_folder import RunFolder

MONITOR = "val_plate_accuracy"
Logs = dict[str, Any]


class EpochEnd(keras.callbacks.Callback):
    """Validates with averaged weights, writes metrics.csv, best.keras and last.keras, in order.

    It must be the first callback, since it adds the `val_` figures to the epoch's logs.
    `last.keras` is written last: a run killed before it repeats the epoch, and the row of
    metrics.csv that the epoch had left is replaced.

    Attributes:
        within_epoch: batches are being trained, which `last.keras` does not hold yet. At other
            times weights may be averaged ones, and an epoch may lack its row.
        position: how far the training has come.
    """

    def __init__(
        self,
        run: RunFolder,
        validation: Callable[[], Iterable[Any]],
        patience: int = 0,
        after_validation: Callable[[keras.Model, int], None] | None = None,
        check: Callable[[dict[str, float]], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self.run = run
        self.validation = validation
        self.check = check
        self.within_epoch = False
        self.patience = patience
        self.after_validation = after_validation
        self.history: list[Logs] = []
        self.position = Position(0, 0)

    def restore(self, position: Position) -> None:
        """Takes up a run again: keeps the rows of metrics.csv of the epochs that are whole."""
        self.position = position
        if not self.run.metrics.is_file():
            return
        with self.run.metrics.open(encoding="utf-8", newline="") as file:
            rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
        self.history = [
            {**row, "epoch": int(row["epoch"])} for row in rows if row["epoch"] < position.epoch
        ]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.within_epoch = True

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.position = self.position._replace(step=self.position.step + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.within_epoch = False
        logs = {} if logs is None else logs
        with averaged_weights(self.model):
            figures = evaluate(self.model, self.validation())
            self.check(figures)
            logs.update({f"val_{name}": value for name, value in figures.items()})
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(self._learning_rate()))
            if logs[MONITOR] > self._best():
                self._save_best()
            if self.after_validation is not None:
                self.after_validation(self.model, epoch)
        self.history.append({"epoch": epoch, **logs})
        write_metrics(self.run.metrics, self.history)
        self.position = Position(epoch + 1, 0)
        self.save_last()
        if self.out_of_patience:
            self.model.stop_training = True

    def save_last(self) -> None:
        """Writes `last.keras`, which goes on from here."""
        save_whole(self.model, self.run.last, self.position)

    @property
    def out_of_patience(self) -> bool:
        """Whether the last epochs brought nothing better, so that no further one is trained."""
        return bool(
            self.patience and self.history and self._epochs_without_better() >= self.patience
        )

    def _learning_rate(self) -> Any:
        return self.model.optimizer.learning_rate

    def _best(self) -> float:
        return max((row[MONITOR] for row in self.history), default=-1.0)

    def _epochs_without_better(self) -> int:
        values = [row[MONITOR] for row in self.history]
        return len(values) - 1 - values.index(max(values))

    def _save_best(self) -> None:
        with atomic_path(self.run.best, durable=True) as temporary:
            save_for_reading(self.model, str(temporary))


def evaluate(model: keras.Model, batches: Iterable[Any]) -> Logs:
    """The model's metrics over finite batches, whose number need not be known beforehand."""
    with warnings.catch_warnings():
        # Keras warns of the end of every iterable whose length it does not know.
        warnings.filterwarnings("ignore", "Your input ran out of data")
        figures = model.evaluate(for_keras(batches), return_dict=True, verbose=0)
    return {name: float(value) for name, value in figures.items()}


def for_keras(batches: Iterable[Any]) -> Any:
    """What Keras takes: a tf.data.Dataset as it is, any other iterable as a generator."""
    if hasattr(batches, "element_spec"):
        return batches
    return (batch for batch in batches)


def save_whole(model: keras.Model, path: Path, position: Position) -> None:
    """Saves weights, optimizer state, the states of random layers, and how far they have come."""
    with atomic_path(path, durable=True) as temporary:
        model.save(temporary)
        store_position(temporary, position)


def write_metrics(path: Path, history: list[Logs]) -> None:
    """Writes all epochs' figures as CSV, the epoch first."""
    with (
        atomic_path(path, durable=True) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        # An epoch that was validated after a resumption has no figures of its training.
        longest = max(history, key=len)
        writer = csv.DictWriter(
            file, fieldnames=list(longest), restval="nan", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(history)

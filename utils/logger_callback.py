"""Logs every N batches to the run's `train.log`, for runs that nobody watches."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import keras

from ..files import RotatingLog

FORMAT = "%(asctime)s %(levelname)s %(message)s"


class NBatchLogger(keras.callbacks.Callback):
    """One line each `every` batches and one an epoch: losses, accuracies, plates a second.

    Args:
        path: the log file; lines are appended, and it begins anew at 10 MB.
        every: batches between two lines.
        plates_per_batch: for the speed.
    """

    def __init__(self, path: str | Path, every: int, plates_per_batch: int) -> None:
        super().__init__()
        self.every = every
        self.plates_per_batch = plates_per_batch
        self.logger = logging.getLogger(f"{__name__}.{path}")
        self.logger.setLevel(logging.INFO)
        self.logger.propagate = False
        self._path = str(path)
        self._epoch = 0
        self._since = time.perf_counter()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        handler = RotatingLog(self._path)
        handler.setFormatter(logging.Formatter(FORMAT))
        self.logger.addHandler(handler)
        precisions = sorted({layer.compute_dtype for layer in self.model.layers if layer.weights})
        self.logger.info(
            "training begins with %d parameters, in %s",
            self.model.count_params(),
            " and ".join(precisions),
        )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.logger.info("training ends")
        self.close()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch
        self._since = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if (batch + 1) % self.every:
            return
        now = time.perf_counter()
        speed = self.every * self.plates_per_batch / max(now - self._since, 1e-9)
        self._since = now
        self.logger.info(
            "epoch %d batch %d: %s, %.0f plates/s", self._epoch + 1, batch + 1, _text(logs), speed
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.logger.info("epoch %d ends: %s", epoch + 1, _text(logs))

    def close(self) -> None:
        """Closes the log file; a run that was interrupted calls it too."""
        for handler in list(self.logger.handlers):
            handler.close()
            self.logger.removeHandler(handler)


def _text(logs: dict[str, Any] | None) -> str:
    return ", ".join(f"{name} {float(value):.4g}" for name, value in (logs or {}).items())

"""How a training goes, for whoever watches: a bar within an epoch, a line after it."""

from __future__ import annotations

import sys
import time
from typing import Any

import keras
from tqdm import tqdm

SHOWN_EVERY = 10
"""Batches between two looks at the figures, which makes TensorFlow wait for them."""

_FIGURES = {"loss": "loss", "plate_accuracy": "plates", "char_accuracy": "characters"}


class EpochProgress(keras.callbacks.Callback):
    """A bar on a terminal, and everywhere one line an epoch; all figures are in metrics.csv.

    Args:
        epochs: of the whole training; Keras knows those of its own call, which after a resumption
            within an epoch is that epoch alone.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs
        self._bar: tqdm[Any] | None = None
        self._name = ""
        self._since = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._since = time.perf_counter()
        self._name = f"epoch {epoch + 1}/{self._epochs}"
        terminal = sys.stderr.isatty()
        total = self.params["steps"]
        self._bar = tqdm(
            total=total, desc=self._name, unit="batch", leave=False, disable=not terminal
        )

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._bar is None or self._bar.disable:
            return
        self._bar.update()
        if batch % SHOWN_EVERY == 0:
            self._bar.set_postfix_str(figures_text(logs or {}), refresh=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.close()
        seconds = time.perf_counter() - self._since
        logs = logs or {}
        validation = {name[4:]: value for name, value in logs.items() if name.startswith("val_")}
        print(
            f"{self._name}: {figures_text(logs)}; validation {figures_text(validation)}; "
            f"{seconds:.0f} s",
            flush=True,
        )

    def close(self) -> None:
        """Takes the bar away; a run that was interrupted calls it too."""
        if self._bar is not None:
            self._bar.close()


def figures_text(logs: dict[str, Any]) -> str:
    """Loss and accuracies in words.

    >>> figures_text({"loss": 3.3172, "plate_accuracy": 0.6241, "acc_rows": 1.0})
    'loss 3.32, plates 62.4 %'
    """
    parts = []
    for name, word in _FIGURES.items():
        if name in logs:
            value = float(logs[name])
            parts.append(f"{word} {value:.2f}" if name == "loss" else f"{word} {value:.1%}")
    return ", ".join(parts).replace("%", " %")

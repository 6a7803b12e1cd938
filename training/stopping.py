"""Ctrl-C between two batches: whole weights, and no epoch without its validation."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras


class StopBetweenBatches(keras.callbacks.Callback):
    """Raises KeyboardInterrupt behind the batch in which it was asked to.

    Within a batch JAX has given its old weights away. Behind an epoch's last one the validation is
    awaited, which belongs to it. Whoever asks twice does not wait. It must be the last callback.

    Attributes:
        at_once: it was asked twice; what stands in the weights then is anybody's guess.
    """

    def __init__(self) -> None:
        super().__init__()
        self.at_once = False
        self._asked = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, signals that would raise KeyboardInterrupt ask for it instead.

        Only in the main thread, where alone Python handles signals.
        """
        mine = []
        if threading.current_thread() is threading.main_thread():
            both = (signal.SIGINT, signal.SIGTERM)
            mine = [one for one in both if signal.getsignal(one) is signal.default_int_handler]
        for one in mine:
            signal.signal(one, self._ask)
        try:
            yield
        finally:
            for one in mine:
                signal.signal(one, signal.default_int_handler)

    def _ask(self, *_: object) -> None:
        if self._asked:
            self.at_once = True
            raise KeyboardInterrupt
        self._asked = True
        print("stopping behind this batch; asked once more, at once", file=sys.stderr, flush=True)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._asked:
            raise KeyboardInterrupt

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._asked and batch + 1 < self.params["steps"]:
            raise KeyboardInterrupt

"""The interface of a runtime."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ..model_card import ModelCard


class Runtime(Protocol):
    """A loaded model."""

    card: ModelCard

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Runs one batch.

        Args:
            images: uint8 RGB [n, height, width, 3] of the card's size; n of at least 1.

        Returns:
            For every head its probabilities, float32 [n, width].
        """


@runtime_checkable
class SingleThreaded(Protocol):
    """A runtime that can also run many batches at once, each on the thread that asks for it.

    Where there are enough pictures, this is more work done than one batch at a time on all
    processors: no thread waits for another.
    """

    def on_one_thread(self) -> Runtime:
        """The same model; several threads may call its `run` at the same time."""

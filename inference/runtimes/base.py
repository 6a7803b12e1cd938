"""The interface of a runtime."""

from __future__ import annotations

from typing import Protocol

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

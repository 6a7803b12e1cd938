"""A second look: what was read unsurely is read again, altered, and all answers are averaged."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..plate.decoding import decode_outputs
from .model_card import ModelCard
from .pipeline import Probabilities
from .runtimes import Runtime, one_thread_of
from .runtimes.batches import in_batches

UNSURE = 0.9
"""Confidence, of the likeliest characters, below which a picture is looked at again."""
# Enlarged (times), moved right (in widths) and down (in heights): what helped most, with rendered
# plates.
_LOOKS = (
    (1.15, 0.0, 0.0),
    (1.1, 0.0, 0.0),
    (1.0, 0.02, 0.0),
    (1.0, 0.0, 1 / 24),
    (1.0, 0.0, -1 / 24),
)


class SecondLook:
    """A runtime whose answers of unsure pictures are averages over these and altered copies.

    Raises:
        InputError: a model whose answers belong to no place of the plate: columns move with it.
    """

    def __init__(self, runtime: Runtime) -> None:
        if runtime.card.family == "ctc":
            raise InputError(
                "a second look averages the answers for each character; a model of family ctc has "
                "columns instead: leave it away"
            )
        self.card = runtime.card
        self._runtime = runtime

    def run(self, images: npt.NDArray[np.uint8]) -> Probabilities:
        """As `Runtime.run`."""
        outputs = self._runtime.run(images)
        unsure = unsure_of(outputs, self.card, UNSURE)
        if not len(unsure):
            return outputs
        altered = np.concatenate([_altered(images[index]) for index in unsure])
        # No run is larger than the first, or than one picture's copies, so that memory stays what
        # it was; and none is of one.
        size = len(_LOOKS) * max(1, len(images) // len(_LOOKS))
        copies = in_batches(self._runtime.run, altered, size, fixed=False)
        return {head: _averaged(values, unsure, copies[head]) for head, values in outputs.items()}

    def on_one_thread(self) -> SecondLook | None:
        """As `SingleThreaded.on_one_thread`."""
        alone = one_thread_of(self._runtime)
        return None if alone is None else SecondLook(alone)


def unsure_of(outputs: Probabilities, card: ModelCard, below: float) -> npt.NDArray[np.int_]:
    """Which pictures are read with less confidence, by the likeliest character of each place."""
    plates = decode_outputs(card.schema, card.family, outputs, constrain=False)
    return np.flatnonzero([plate.confidence < below for plate in plates])


def _altered(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A picture `[h, w, 3]` as each of the looks shows it, `[looks, h, w, 3]`; borders repeat."""
    height, width = image.shape[:2]
    centre = np.array([width - 1, height - 1]) / 2
    copies = np.empty((len(_LOOKS), *image.shape), np.uint8)
    for copy, (size, right, down) in zip(copies, _LOOKS, strict=True):
        shift = (1 - size) * centre + [right * width, down * height]
        moved = np.column_stack([size * np.eye(2), shift])
        copy[:] = cv2.warpAffine(image, moved, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return copies


def _averaged(
    values: npt.NDArray[np.float32], unsure: npt.NDArray[np.int_], copies: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """A head's answers `[n, width]`; the unsure ones with those of their copies, in their order."""
    looks = copies.reshape(len(unsure), len(_LOOKS), -1)
    values = values.copy()
    values[unsure] = (values[unsure] + looks.sum(1)) / (1 + len(_LOOKS))
    return values

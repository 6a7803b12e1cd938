"""A second model: what a fast one reads unsurely is read again by a better one."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .model_card import ModelCard
from .pipeline import Probabilities, never_one
from .runtimes import Runtime, one_thread_of
from .second_look import unsure_of

# More than a second look's: a small model that was taught by a larger one is too sure of itself.
UNSURE = 0.95
"""Confidence of the first model, for the likeliest characters, below which the second is asked."""


class SecondModel:
    """Two models as one runtime: the first's answers, of unsure pictures the second's.

    Args:
        first: the model that reads every picture; its card is that of both.
        second: of the same schema and the same input.

    Raises:
        InputError: they do not fit together.
    """

    def __init__(self, first: Runtime, second: Runtime) -> None:
        _check_pair(first.card, second.card)
        self.card = first.card
        self._first, self._second = first, second

    def run(self, images: npt.NDArray[np.uint8]) -> Probabilities:
        """As `Runtime.run`."""
        outputs = self._first.run(images)
        unsure = unsure_of(outputs, self.card, UNSURE)
        if not len(unsure):
            return outputs
        # One that is read alone stays alone, as in the pipeline.
        run = self._second.run if len(images) == 1 else partial(never_one, self._second.run)
        again = run(images[unsure])
        joined = {head: values.copy() for head, values in outputs.items()}
        for head, values in joined.items():
            values[unsure] = again[head]
        return joined

    def on_one_thread(self) -> SecondModel | None:
        """As `SingleThreaded.on_one_thread`."""
        first, second = one_thread_of(self._first), one_thread_of(self._second)
        return None if first is None or second is None else SecondModel(first, second)


def _check_pair(first: ModelCard, second: ModelCard) -> None:
    if "ctc" in (first.family, second.family):
        raise InputError("a second model is for models with an answer for each character, not ctc")
    for what, one, other in (
        ("schema", first.schema, second.schema),
        ("input size", (first.height, first.width), (second.height, second.width)),
        ("outputs", first.output_sizes, second.output_sizes),
    ):
        if one != other:
            raise InputError(
                f"the second model {second.name} has another {what} than {first.name}: take two "
                "models that were trained alike"
            )
    if first.calibration is not None or second.calibration is not None:
        raise InputError(
            "a calibrated model reads alone, because its threshold was proven for it alone: take "
            "files that were not calibrated"
        )

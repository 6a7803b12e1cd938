"""What `calibrate` found out about a model, as it travels inside the model's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..plate.temperature import LEAST, MOST, soften


@dataclass(frozen=True)
class Calibration:
    """Temperatures, and a threshold with the precision that it was proven to give.

    Attributes:
        temperatures: head name -> what its logits are divided by; heads without one stay.
        min_confidence: the threshold, 0 to 1, of the confidences that the temperatures give.
        precision: the share of accepted readings that are right, at least.
        certainty: of this promise, over everything that `calibrate` tried.
        constrained: whether it holds for reading valid plates only, as opposed to any text.
        plates: how many plates the threshold was tested on.
        accepted, wrong: how many readings of them it accepts, and how many of these are wrong.
        coverage: the share of the plates that it accepts.
        second_look: whether it holds for reading with a second look, as opposed to without.
    """

    temperatures: Mapping[str, float]
    min_confidence: float
    precision: float
    certainty: float
    constrained: bool
    plates: int
    accepted: int
    wrong: int
    coverage: float
    second_look: bool = False

    def apply(
        self, probabilities: Mapping[str, npt.NDArray[np.floating]]
    ) -> dict[str, npt.NDArray[np.floating]]:
        """The heads' probabilities, float [batch, width], by their temperatures."""
        return soften(probabilities, self.temperatures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `from_dict` reads them."""
        return asdict(self) | {"temperatures": dict(self.temperatures)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """Reads `to_dict`'s values; keys that a later version added are ignored.

        Raises:
            ValueError, TypeError, KeyError: something is missing, or no number of its range.
        """
        temperatures = {str(name): float(t) for name, t in values["temperatures"].items()}
        if not all(LEAST <= t <= MOST for t in temperatures.values()):
            raise ValueError(f"temperatures are {LEAST:g} to {MOST:g}: {temperatures}")
        found = cls(
            temperatures=temperatures,
            min_confidence=float(values["min_confidence"]),
            precision=float(values["precision"]),
            certainty=float(values["certainty"]),
            constrained=bool(values["constrained"]),
            plates=int(values["plates"]),
            accepted=int(values["accepted"]),
            wrong=int(values["wrong"]),
            coverage=float(values["coverage"]),
            second_look=bool(values.get("second_look", False)),
        )
        shares = (found.min_confidence, found.precision, found.certainty, found.coverage)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"shares are 0 to 1: {shares}")
        return found

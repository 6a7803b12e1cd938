"""What `calibrate` found out about a model, as it travels inside the model's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..plate.provinces import ProvinceShares
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
        provinces: what it expects of provinces; None where it expects all equally.
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
    provinces: ProvinceShares | None = None

    def apply(
        self, probabilities: Mapping[str, npt.NDArray[np.floating]]
    ) -> dict[str, npt.NDArray[np.floating]]:
        """The heads' probabilities, float [batch, width], by their temperatures."""
        return soften(probabilities, self.temperatures)

    def check_reading(
        self, constrained: bool, second_look: bool, provinces: ProvinceShares | None
    ) -> None:
        """Raises InputError where the threshold was proven for another way of reading."""
        remedy = "read so, calibrate it for the other way, or give min_confidence as a number"
        if self.constrained != constrained:
            ways = {True: "valid plates", False: "any text"}
            raise InputError(
                f"the threshold was calibrated for reading {ways[self.constrained]}, not "
                f"{ways[constrained]}: {remedy}"
            )
        if self.second_look != second_look:
            with_it = "with" if self.second_look else "without"
            raise InputError(f"the threshold was calibrated {with_it} a second look: {remedy}")
        if self.provinces is None and provinces is not None:
            raise InputError(f"the threshold was calibrated without provinces: {remedy}")
        if self.provinces is not None and not self.provinces.is_like(provinces):
            expected = ", ".join(f"{p} {s:.1%}" for p, s in self.provinces.most_frequent())
            raise InputError(
                f"the threshold was calibrated for other provinces ({expected} …): {remedy}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `from_dict` reads them."""
        provinces = None if self.provinces is None else self.provinces.to_dict()
        return asdict(self) | {"temperatures": dict(self.temperatures), "provinces": provinces}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """Reads `to_dict`'s values; keys that a later version added are ignored.

        Raises:
            ValueError, TypeError, KeyError: something is missing, or no number of its range.
        """
        temperatures = {str(name): float(t) for name, t in values["temperatures"].items()}
        if not all(LEAST <= t <= MOST for t in temperatures.values()):
            raise ValueError(f"temperatures are {LEAST:g} to {MOST:g}: {temperatures}")
        provinces = values.get("provinces")
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
            provinces=None if provinces is None else ProvinceShares.of(dict(provinces)),
        )
        shares = (found.min_confidence, found.precision, found.certainty, found.coverage)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"shares are 0 to 1: {shares}")
        return found

"""From a model's outputs on held-out plates to temperatures and a threshold that keeps a promise.

One part of the plates fits the temperatures, the other tests thresholds of the confidences that
they give; no plate is in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..plate.codec import decode
from ..plate.provinces import ProvinceShares
from ..plate.schema import LabelSchema
from ..plate.temperature import soften
from . import calibration
from .calibration import Bin
from .precision_bound import ThresholdTest, chosen, plates_for, plates_wanted, run_tests


@dataclass(frozen=True)
class Promise:
    """`precision`: the share of accepted readings that is right; `certainty`: of keeping it."""

    precision: float
    certainty: float


@dataclass(frozen=True)
class HeldOut:
    """Labelled pictures that could be read, with what the model itself says of them.

    Attributes:
        texts: as printed, [pictures]; empty where there is no plate.
        labels: int32 [pictures, heads].
        probabilities: head name -> softmax [pictures, width].
    """

    texts: tuple[str, ...]
    labels: npt.NDArray[np.int32]
    probabilities: dict[str, npt.NDArray[np.floating]]

    def part(self, indices: npt.NDArray[np.int_]) -> HeldOut:
        """Those pictures alone."""
        return HeldOut(
            tuple(self.texts[index] for index in indices.tolist()),
            self.labels[indices],
            {name: values[indices] for name, values in self.probabilities.items()},
        )


@dataclass(frozen=True)
class HeadFit:
    """A head's temperature, how many labels it was fitted to, and what it does to other plates.

    `before` and `after` are mean negative log-likelihoods on the testing part, None of nothing.
    """

    name: str
    temperature: float
    labels: int
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        heads: in the schema's order.
        fitted: pictures that the temperatures were fitted to.
        tested: readings that thresholds were tested on, one a plate; `plates` of them show one.
        tests: in their order.
        found: the lowest threshold that was proven, or None.
        coverage: the share of the plates that it accepts; 0 without one.
        wanted: how many more plates to gather; None where more would likely not help, 0 where a
            threshold was found.
        characters, readings: bins (before, after) of the confidences of characters and lengths,
            and of whole readings.
    """

    heads: tuple[HeadFit, ...]
    fitted: int
    tested: int
    plates: int
    tests: tuple[ThresholdTest, ...]
    found: ThresholdTest | None
    coverage: float
    wanted: int | None
    characters: tuple[list[Bin], list[Bin]]
    readings: tuple[list[Bin], list[Bin]]

    @property
    def temperatures(self) -> dict[str, float]:
        """By head name; those of 1 left out."""
        return {head.name: head.temperature for head in self.heads if head.temperature != 1.0}


def calibrate(
    held_out: HeldOut,
    schema: LabelSchema,
    promise: Promise,
    constrain: bool,
    seed: int,
    provinces: ProvinceShares | None = None,
) -> Verdict:
    """Fits temperatures on one part of the plates and tests thresholds on the other.

    Args:
        constrain: whether valid plates only are read; the threshold holds for that way alone.
        seed: of the division into parts.
        provinces: what is expected of them in reading; the threshold holds for that alone too.

    Raises:
        InputError: fewer than two plates.
    """
    first, second = calibration.split_plates(held_out.texts, seed)
    if not len(first) or not len(second):
        raise InputError("calibration takes at least two different plates; give more --data")
    fitting, testing = held_out.part(first), held_out.part(second)
    temperatures = calibration.fit_temperatures(fitting.probabilities, fitting.labels, schema)
    softened = soften(testing.probabilities, temperatures)
    before = _readings(testing, testing.probabilities, schema, constrain, provinces)
    confidences, right = _readings(testing, softened, schema, constrain, provinces)
    tests = run_tests(confidences, right, promise.precision, promise.certainty)
    found = chosen(tests)
    is_plate = np.array([bool(text) for text in testing.texts])
    accepted = is_plate & (confidences >= found.threshold) if found else np.zeros(0)
    return Verdict(
        heads=_head_fits(fitting, testing, temperatures, schema),
        fitted=len(first),
        tested=len(second),
        plates=int(is_plate.sum()),
        tests=tuple(tests),
        found=found,
        coverage=float(accepted.sum() / max(is_plate.sum(), 1)),
        wanted=0 if found else _more_plates(confidences, right, promise),
        characters=(
            _head_bins(testing.probabilities, testing, schema),
            _head_bins(softened, testing, schema),
        ),
        readings=(calibration.reliability(*before), calibration.reliability(confidences, right)),
    )


def _readings(
    part: HeldOut,
    probabilities: dict[str, npt.NDArray[np.floating]],
    schema: LabelSchema,
    constrain: bool,
    provinces: ProvinceShares | None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Confidence of every reading, and whether its text is right; never where there is no plate."""
    if provinces is not None:
        probabilities = provinces.weigh(schema, probabilities)
    plates = decode(schema, probabilities, constrain=constrain)
    right = [plate.text == text for plate, text in zip(plates, part.texts, strict=True)]
    return np.array([plate.confidence for plate in plates]), np.array(right)


def _head_bins(
    probabilities: dict[str, npt.NDArray[np.floating]], part: HeldOut, schema: LabelSchema
) -> list[Bin]:
    return calibration.reliability(*calibration.head_results(probabilities, part.labels, schema))


def _head_fits(
    fitting: HeldOut, testing: HeldOut, temperatures: dict[str, float], schema: LabelSchema
) -> tuple[HeadFit, ...]:
    return tuple(
        HeadFit(
            name,
            temperatures[name],
            int((fitting.labels[:, index] >= 0).sum()),
            calibration.mean_loss(testing.probabilities[name], testing.labels[:, index]),
            calibration.mean_loss(
                testing.probabilities[name], testing.labels[:, index], temperatures[name]
            ),
        )
        for index, name in enumerate(schema.head_names)
    )


def _more_plates(
    confidences: Sequence[float] | npt.NDArray, right: npt.NDArray[np.bool_], promise: Promise
) -> int | None:
    """How many more plates to give, so that enough are left to test."""
    tested = len(right)
    least = plates_for(0, promise.precision, promise.certainty)
    # A set on which nothing could be tested is too small for doubts about its errors.
    doubt = int(tested >= least)
    likely = plates_wanted(confidences, right, promise.precision, promise.certainty, doubt)
    if likely is None and doubt:
        return None
    needed = max(least, likely or 0)
    return max(0, calibration.plates_in_all(needed) - calibration.plates_in_all(tested))

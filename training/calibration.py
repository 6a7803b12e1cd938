"""Temperatures for a model's heads, from held-out plates, and how honest its confidences are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..plate.schema import LabelSchema
from ..plate.temperature import LEAST, MOST, SMALLEST

# Temperatures want few plates, thresholds want many.
FITTING_SHARE, MOST_FITTING = 0.25, 2000
BINS = 15
# What a plate's confidence is made of.
READ_ROLES = ("character", "length")
# Standard deviations of a temperature's logarithm: of the common one around 1, and of a head's
# around the common one. Each weighs as much as about one plate.
_COMMON_SPREAD, _HEAD_SPREAD = 0.5, 0.2
_GOLDEN = (5**0.5 - 1) / 2

Probabilities = Mapping[str, npt.NDArray[np.floating]]


@dataclass(frozen=True)
class Bin:
    """Readings of like confidence: their mean confidence, the share of right ones, how many."""

    confidence: float
    right: float
    count: int


def split_plates(texts: Sequence[str], seed: int) -> tuple[npt.NDArray, npt.NDArray]:
    """Which pictures fit temperatures, and which test thresholds; no plate is in both parts.

    A quarter of the plates, 2,000 at most, fits. Of each plate that tests there is one picture:
    pictures of one plate are misread together, and the bound is for independent readings.

    Args:
        texts: of the pictures; an empty one is a picture without a plate, each a case of its own.
        seed: of the draw.

    Returns:
        Two arrays of indices, ascending.
    """
    groups: dict[object, list[int]] = {}
    for index, text in enumerate(texts):
        groups.setdefault(text or index, []).append(index)
    pictures = list(groups.values())
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pictures))
    count = fitting_plates(len(pictures))
    fitting = [index for group in order[:count] for index in pictures[group]]
    testing = [int(rng.choice(pictures[group])) for group in order[count:]]
    return np.sort(np.array(fitting, int)), np.sort(np.array(testing, int))


def fitting_plates(plates: int) -> int:
    """How many of so many plates fit temperatures.

    >>> fitting_plates(1000), fitting_plates(100_000)
    (250, 2000)
    """
    return min(round(FITTING_SHARE * plates), MOST_FITTING)


def plates_in_all(testing: int) -> int:
    """How many plates there have to be so that at least so many are left to test.

    >>> plates_in_all(2995), plates_in_all(10_000)
    (3993, 12000)
    """
    plates = testing
    while plates - fitting_plates(plates) < testing:
        plates += testing - (plates - fitting_plates(plates))
    return plates


def fit_temperatures(
    probabilities: Probabilities, labels: npt.NDArray[np.int32], schema: LabelSchema
) -> dict[str, float]:
    """The temperature of each head under which its labels are likeliest (Guo et al. 2017).

    The negative log-likelihood is summed over the plates whose label of the head is known. Heads
    lean on what characters and lengths have in common, and this one on 1, by weak priors: a head
    that made no mistake on these plates is not infallible.

    Args:
        probabilities: head name -> softmax [plates, width].
        labels: int32 [plates, heads] in the schema's order, -1 unknown.

    Returns:
        Head name -> temperature, 0.1 to 10.
    """
    known = {}
    for index, head in enumerate(schema.heads):
        rows = labels[:, index] >= 0
        known[head.name] = (_logarithms(probabilities[head.name][rows]), labels[rows, index])
    read = [known[head.name] for head in schema.heads if head.role in READ_ROLES]
    common = _likeliest_temperature(read, 1.0, _COMMON_SPREAD)
    return {
        name: _likeliest_temperature([each], common, _HEAD_SPREAD) for name, each in known.items()
    }


def mean_loss(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int32],
    temperature: float = 1.0,
) -> float | None:
    """The mean negative log-likelihood of a head's known labels; None without any."""
    known = labels >= 0
    if not known.any():
        return None
    logs = _logarithms(probabilities[known])
    return _negative_log_likelihood(logs, labels[known], temperature) / int(known.sum())


def _logarithms(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    return np.log(np.maximum(probabilities, SMALLEST, dtype=np.float64))


def _negative_log_likelihood(
    logs: npt.NDArray[np.float64], labels: npt.NDArray[np.int32], temperature: float
) -> float:
    """Summed over the rows of `logs` [plates, width]: a softmax's logarithms, or its logits."""
    scaled = logs / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    right = scaled[np.arange(len(labels)), labels]
    return float((np.log(np.exp(scaled).sum(axis=1)) - right).sum())


def _likeliest_temperature(
    heads: Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]],
    centre: float,
    spread: float,
) -> float:
    """The one temperature of some heads' (logarithms, labels), which leans on `centre`."""

    def cost(logarithm: float) -> float:
        temperature = float(np.exp(logarithm))
        prior = ((logarithm - np.log(centre)) / spread) ** 2 / 2
        losses = (_negative_log_likelihood(*head, temperature) for head in heads)
        return float(prior + sum(losses))

    # A grid finds the valley, golden sections its floor.
    grid = np.linspace(np.log(LEAST), np.log(MOST), 25)
    best = int(np.argmin([cost(value) for value in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    for _ in range(20):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if cost(left) < cost(right) else (left, high)
    return float(np.clip(np.exp((low + high) / 2), LEAST, MOST))


def head_results(
    probabilities: Probabilities, labels: npt.NDArray[np.int32], schema: LabelSchema
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Confidence and correctness of every known character and length, one after another."""
    confidences, right = [], []
    for index, head in enumerate(schema.heads):
        if head.role not in READ_ROLES:
            continue
        known = labels[:, index] >= 0
        values = probabilities[head.name][known]
        confidences.append(values.max(axis=1, initial=0.0))
        right.append(values.argmax(axis=1) == labels[known, index])
    return np.concatenate(confidences).astype(np.float64), np.concatenate(right)


def reliability(confidences: npt.ArrayLike, right: npt.ArrayLike, bins: int = BINS) -> list[Bin]:
    """Readings in bins of equal width, empty ones left out; the surest last."""
    values = np.asarray(confidences, np.float64)
    truth = np.asarray(right, np.float64)
    places = np.minimum((values * bins).astype(int), bins - 1)
    found = []
    for place in np.unique(places):
        inside = places == place
        found.append(
            Bin(float(values[inside].mean()), float(truth[inside].mean()), int(inside.sum()))
        )
    return found


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """The mean distance of confidence and share of right ones, weighted by counts (Naeini 2015).

    >>> round(expected_calibration_error([Bin(0.9, 0.8, 30), Bin(0.5, 0.5, 10)]), 9)
    0.075
    """
    total = sum(each.count for each in bins)
    return sum(each.count * abs(each.confidence - each.right) for each in bins) / max(total, 1)

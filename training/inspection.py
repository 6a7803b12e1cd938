"""What is wrong with a training step, and the figures of its layers and weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .observation import Observation, Step, Weight


@dataclass(frozen=True)
class Statistics:
    """Of the finite values among `count`; None where there are none. `zeros` is a share."""

    count: int
    nan: int
    infinite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    zeros: float | None

    @classmethod
    def of(cls, values: np.ndarray) -> Statistics:
        """Of an array of any shape.

        >>> Statistics.of(np.array([0.0, 2.0, np.nan])).mean
        1.0
        """
        finite = values[np.isfinite(values)].astype(np.float64)
        counts = (values.size, int(np.isnan(values).sum()), int(np.isinf(values).sum()))
        if not finite.size:
            return cls(*counts, None, None, None, None, None)
        figures = (finite.min(), finite.max(), finite.mean(), finite.std(), np.mean(finite == 0))
        return cls(*counts, *map(float, figures))

    @property
    def fault(self) -> str | None:
        """`NaN`, `infinite values`, or None where all are finite."""
        return "NaN" if self.nan else "infinite values" if self.infinite else None


@dataclass(frozen=True)
class LayerFigures:
    """A layer's output; `shape` is of its first tensor, `gradient` an L2 norm over all of them."""

    name: str
    kind: str
    shape: tuple[int, ...]
    tensors: int
    output: Statistics
    gradient: float | None


@dataclass(frozen=True)
class WeightFigures:
    """A weight: L2 norms of it and its gradient, and the step's change / its norm."""

    layer: str
    name: str
    shape: tuple[int, ...]
    norm: float
    gradient: float | None
    ratio: float | None


@dataclass(frozen=True)
class Fault:
    """Something that is not finite, in the layer where that begins; `sentence` says so."""

    layer: str
    where: Literal["weight", "output", "gradient", "loss"]
    what: str
    sentence: str


def layer_figures(observation: Observation) -> list[LayerFigures]:
    """The figures of every layer's output."""
    return [_layer_figures(step, observation) for step in observation.steps]


def _layer_figures(step: Step, observation: Observation) -> LayerFigures:
    tensors = [observation.values[number] for number in step.outputs]
    gradients = [observation.gradients.get(number) for number in step.outputs]
    known = [gradient.ravel() for gradient in gradients if gradient is not None]
    return LayerFigures(
        step.name,
        step.kind,
        tensors[0].shape,
        len(tensors),
        Statistics.of(np.concatenate([tensor.ravel() for tensor in tensors])),
        _norm(np.concatenate(known)) if known else None,
    )


def weight_figures(observation: Observation) -> list[WeightFigures]:
    """The figures of every weight of every layer."""
    return [
        _weight_figures(step.name, weight) for step in observation.steps for weight in step.weights
    ]


def _weight_figures(layer: str, weight: Weight) -> WeightFigures:
    norm = _norm(weight.value)
    ratio = weight.change / norm if weight.change is not None and norm else None
    gradient = None if weight.gradient is None else _norm(weight.gradient)
    return WeightFigures(layer, weight.name, weight.value.shape, norm, gradient, ratio)


def _norm(values: np.ndarray) -> float:
    return float(np.linalg.norm(values.astype(np.float64)))


def find_faults(observation: Observation) -> list[Fault]:
    """Where non-finite values begin: weights, then outputs, then the loss, then gradients.

    A layer that only hands on what came to it is not named. Gradients are looked at where
    outputs and loss are finite: otherwise theirs follows.
    """
    found = [*_weight_faults(observation), *_output_faults(observation)]
    if any(fault.where == "output" for fault in found):
        return found
    if not math.isfinite(observation.loss):
        what = "NaN" if math.isnan(observation.loss) else "infinite values"
        sentence = f"{what} in the loss, though every output is finite: look at labels and loss"
        return [*found, Fault("loss", "loss", what, sentence)]
    return [*found, *_gradient_faults(observation)]


def _weight_faults(observation: Observation) -> Iterator[Fault]:
    for step in observation.steps:
        for weight in step.weights:
            seen = Statistics.of(weight.value)
            if seen.fault:
                place = f"the weight {weight.name} of {step.name}"
                yield _fault(step, "weight", seen, place)


def _output_faults(observation: Observation) -> Iterator[Fault]:
    for step in observation.steps:
        if not all(_finite(observation.values[number]) for number in step.inputs):
            continue
        parts = [observation.values[number].ravel() for number in step.outputs]
        seen = Statistics.of(np.concatenate(parts))
        if seen.fault:
            yield _fault(step, "output", seen, f"the output of {step.name}")


def _gradient_faults(observation: Observation) -> Iterator[Fault]:
    """Layers that get a finite gradient from behind and hand on another one.

    A tensor's gradient is the sum over the layers that take it. So a layer is not blamed for a
    tensor that another one of them, whose own gradient is not finite already, takes too.
    """
    broken = {number for number, g in observation.gradients.items() if not _finite(g)}
    spoiled = [step for step in observation.steps if broken.intersection(step.outputs)]
    explained = {number for step in spoiled for number in step.inputs}
    taken = {number for step in observation.steps for number in step.inputs}
    for step in reversed(observation.steps):
        if broken.intersection(step.outputs):
            if not taken.intersection(step.outputs):
                yield _from_the_loss(step, observation)
            continue
        gradients = [
            observation.gradients[number]
            for number in step.inputs
            if number in broken and number not in explained
        ]
        gradients += [w.gradient for w in step.weights if w.gradient is not None]
        seen = Statistics.of(np.concatenate([g.ravel() for g in gradients] or [np.empty(0)]))
        if seen.fault:
            place = f"the gradient of {step.name}, while that of what follows it is finite"
            yield _fault(step, "gradient", seen, place)


def _from_the_loss(step: Step, observation: Observation) -> Fault:
    parts = [observation.gradients[number].ravel() for number in step.outputs]
    place = f"the gradient that the loss gives to the output of {step.name}"
    return _fault(step, "gradient", Statistics.of(np.concatenate(parts)), place)


def _fault(
    step: Step, where: Literal["weight", "output", "gradient"], seen: Statistics, place: str
) -> Fault:
    count = seen.nan or seen.infinite
    what = seen.fault or ""
    sentence = f"{what} in {place} ({step.kind}): {count:,} of {seen.count:,} values"
    return Fault(step.name, where, what, sentence)


def _finite(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all())

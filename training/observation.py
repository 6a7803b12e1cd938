"""One training step looked at from inside: what every layer put out, and all gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ..errors import InputError


@dataclass(frozen=True, eq=False)
class Weight:
    """A weight before the step.

    Attributes:
        name: within its layer.
        value: an array.
        gradient: of the loss, of the value's shape; None where there is none (not trained).
        change: what the step changed it by, as an L2 norm; None where it made none.
    """

    name: str
    value: np.ndarray
    gradient: np.ndarray | None = None
    change: float | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """One layer, or operation between layers; numbers in `inputs` and `outputs` are tensors'."""

    name: str
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    weights: tuple[Weight, ...]


@dataclass(frozen=True, eq=False)
class Observation:
    """A training step on one batch.

    Attributes:
        steps: in an order of the forward pass.
        values: every tensor by its number, float32.
        gradients: of the loss by these tensors; none for what no trained weight has part in.
        loss: of the batch.
    """

    steps: tuple[Step, ...]
    values: dict[int, np.ndarray]
    gradients: dict[int, np.ndarray]
    loss: float


def observe(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> Observation:
    """Takes one training step, by which the model changes.

    Args:
        model: functional and compiled. Layers that are called more than once are seen the first
            time.
        images, labels: what `fit` takes.

    Raises:
        InputError: Keras is on a backend whose gradients cannot be looked at.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise InputError(f"gradients are looked at on TensorFlow only; Keras is on {backend}")
    operations = [op for op in model.operations if not isinstance(op, keras.layers.InputLayer)]
    tensors = [tensor for op in operations for tensor in keras.tree.flatten(op.output)]
    numbers = {id(tensor): number for number, tensor in enumerate(tensors)}
    before = {id(v): np.array(v.numpy(), np.float32) for v in model.variables}
    loss, values, by_values, by_weights = _differentiate(model, tensors, images, labels)
    changes = _changes(model, before, by_weights)
    steps = []
    for op in operations:
        weights = [
            Weight(v.name, before[id(v)], by_weights.get(id(v)), changes.get(id(v)))
            for v in getattr(op, "weights", ())
            if id(v) in before
        ]
        ends = (_numbers(op.input, numbers), _numbers(op.output, numbers))
        steps.append(Step(op.name, type(op).__name__, *ends, tuple(weights)))
    return Observation(tuple(steps), dict(enumerate(values)), by_values, loss)


def _numbers(tensors: Any, numbers: dict[int, int]) -> tuple[int, ...]:
    known = (numbers.get(id(tensor)) for tensor in keras.tree.flatten(tensors))
    return tuple(number for number in known if number is not None)


def _differentiate(
    model: keras.Model, tensors: Sequence[Any], images: np.ndarray, labels: np.ndarray
) -> tuple[float, list[np.ndarray], dict[int, np.ndarray], dict[int, np.ndarray]]:
    """The loss, the tensors' values, the gradients by tensor number and by weight's id."""
    import tensorflow as tf

    probe = keras.Model(model.inputs, {"answers": model.output, "values": list(tensors)})
    weights = model.trainable_variables
    x, y = tf.convert_to_tensor(images), tf.convert_to_tensor(labels)
    with tf.GradientTape() as tape:
        found = probe(x, training=True)
        loss = model.compute_loss(x=x, y=y, y_pred=found["answers"], training=True)
    floats = [i for i, value in enumerate(found["values"]) if value.dtype.is_floating]
    sources = [found["values"][i] for i in floats] + [v.value for v in weights]
    gradients = tape.gradient(loss, sources)
    names = [*floats, *(id(v) for v in weights)]
    arrays = {n: _array(g) for n, g in zip(names, gradients, strict=True) if g is not None}
    by_values = {n: arrays[n] for n in floats if n in arrays}
    by_weights = {id(v): arrays[id(v)] for v in weights if id(v) in arrays}
    return float(loss), [_array(value) for value in found["values"]], by_values, by_weights


def _array(tensor: Any) -> np.ndarray:
    import tensorflow as tf

    return np.asarray(tf.cast(tf.convert_to_tensor(tensor), tf.float32))


def _changes(
    model: keras.Model, before: dict[int, np.ndarray], gradients: dict[int, np.ndarray]
) -> dict[int, float]:
    """What the optimizer makes of the gradients; nothing where one of them is not finite."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    weights = [v for v in model.trainable_variables if id(v) in gradients]
    if not all(np.isfinite(gradients[id(v)]).all() for v in weights):
        return {}
    optimizer.apply([keras.ops.convert_to_tensor(gradients[id(v)]) for v in weights], weights)
    return {id(v): float(np.linalg.norm(v.numpy() - before[id(v)])) for v in weights}

"""Averaged (EMA) weights: swapped in for validation and for what is shipped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from .devices import inner_optimizer, synchronize


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Inside the block `model` has the optimizer's moving averages as its weights.

    Without `use_ema`, or before the first step, the block sees the plain weights.
    """
    averages = _averages(model)
    _swap(model, averages)
    try:
        yield
    finally:
        _swap(model, averages)


def _averages(model: keras.Model) -> list[keras.Variable]:
    optimizer = inner_optimizer(model)
    if not getattr(optimizer, "use_ema", False) or not optimizer.built:
        return []
    if int(keras.ops.convert_to_numpy(optimizer.iterations)) == 0:
        return []
    # Keras offers the averages by no public name; its own SwapEMAWeights reads this one too.
    return list(optimizer._model_variables_moving_average)


def _swap(model: keras.Model, averages: list[keras.Variable]) -> None:
    for variable, average in zip(model.trainable_variables, averages, strict=False):
        held = keras.ops.copy(variable.value)
        variable.assign(average.value)
        average.assign(held)


def save_for_reading(model: keras.Model, path: str) -> None:
    """Saves `model` without its optimizer and its loss's memory; only `last.keras` needs them."""
    copy = reading_copy(model)
    synchronize(copy, devices=1)
    copy.save(path)


def reading_copy(model: keras.Model) -> keras.Model:
    """The same network, not compiled.

    A class that only adds to how its models are trained names in `read_as` what they are then.
    """
    copy = getattr(model, "read_as", type(model)).from_config(model.get_config())
    for mine, its in zip(copy.layers, model.layers, strict=True):
        mine.set_weights(its.get_weights())
    return copy

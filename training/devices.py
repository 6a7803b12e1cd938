"""Several devices that train one model, each on its part of every batch."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from ..errors import InputError


def data_parallel(devices: int) -> AbstractContextManager[Any]:
    """Inside, a model is built or loaded that trains on `devices` devices; 1 changes nothing.

    They are graphics cards, or where there are none TensorFlow's logical processors, under a
    `MirroredStrategy`. The batch of the configuration is the whole one, which they divide.

    Raises:
        InputError: there are fewer devices, or Keras is on another backend.
    """
    if devices == 1:
        return nullcontext()
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise InputError(f"--devices {devices} wants Keras on tensorflow; it is on {backend}")
    found = keras.distribution.list_devices()
    if len(found) < devices:
        raise InputError(
            f"--devices {devices}: there is only {', '.join(found)}; give {len(found)} or fewer"
        )
    return _mirrored(tuple(found[:devices])).scope()


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> Any:
    # One for all trainings of a process: a second one would number its messages between the
    # devices from the beginning again, and TensorFlow would mistake them for the first one's.
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(devices)


def make_ready(model: keras.Model, devices: int) -> None:
    """Prepares a compiled model, inside `data_parallel`, to be fitted like on one device."""
    synchronize(model, devices)
    if devices == 1:
        return
    model.optimizer.build(model.trainable_variables)
    _clip_together(inner_optimizer(model))
    # Keras would build the model from a batch of the data, which a generator cannot give back.
    model._maybe_symbolic_build = lambda **_: None


def inner_optimizer(model: keras.Model) -> Any:
    """The optimizer of a compiled model; in half precision Keras wraps it, to scale the loss."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def _clip_together(optimizer: keras.optimizers.Optimizer) -> None:
    """Lets an optimizer clip the norm of the whole batch's gradient, not of each device's share."""
    limit = optimizer.global_clipnorm
    if not limit:
        return

    def clipped(shares: list[Any]) -> list[Any]:
        known = [share for share in shares if share is not None]
        squares = [keras.ops.sum(keras.ops.square(sum_over_devices(share))) for share in known]
        norm = keras.ops.sqrt(sum(squares))
        scale = limit / keras.ops.maximum(norm, limit)
        return [share if share is None else share * scale for share in shares]

    optimizer._clip_gradients = clipped


def synchronize(model: keras.Model, devices: int) -> None:
    """Batch normalisation sees the whole batch of several devices, not each its part.

    So the losses are those of one device.
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = devices > 1


def sum_over_devices(value: Any) -> Any:
    """The sum of what the devices hold, on each of them; `value` itself on a single one."""
    replica = _replica()
    if replica is None:
        return value
    import tensorflow as tf

    return replica.all_reduce(tf.distribute.ReduceOp.SUM, value)


def share_of_device(value: Any) -> Any:
    """What each device adds of a value that they all hold, so that their sum is the value."""
    replica = _replica()
    return value if replica is None else value / replica.num_replicas_in_sync


def _replica() -> Any:
    """TensorFlow's context of one of several devices that work on a step; None: there is one."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    replica = tf.distribute.get_replica_context()
    return None if replica is None or replica.num_replicas_in_sync == 1 else replica

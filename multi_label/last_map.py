"""The map that the heads look at: what a student can learn of a teacher before any answer.

Reference: Chen et al., Knowledge Distillation with the Reused Teacher Classifier, 2022,
https://arxiv.org/abs/2203.14001
"""

from __future__ import annotations

import keras
from keras import ops

from ..errors import InputError
from ..training.devices import sum_over_devices

LAST_MAP = "last_map"
"""Under which name a model of `with_last_map` puts out its map."""

# Of whatever a head's way of looking (`heads.py`) puts first behind the map.
_FIRST_OF_HEAD = ("head_attention", "head_pool", "head_flatten_conv")
_LEAST_ENERGY = 1e-3  # of a dark map: below it differences count as they are


def last_map(model: keras.Model) -> keras.KerasTensor:
    """What the heads of a classifier look at: `[batch, h, w, channels]`.

    Raises:
        ValueError: the model is no classifier with heads on a map.
    """
    for layer in model.layers:
        if layer.name in _FIRST_OF_HEAD:
            return layer.input
    raise ValueError(f"{model.name} has no heads on a map")


def with_last_map(model: keras.Model) -> keras.Model:
    """The same layers, which put out `LAST_MAP` besides their answers."""
    return keras.Model(model.input, {**model.output, LAST_MAP: last_map(model)}, name=model.name)


def check_maps_fit(teacher: keras.Model, student: keras.Model) -> None:
    """Refuses a student whose map cannot be compared with its teacher's.

    Args:
        teacher: of `with_last_map`.
        student: a classifier.

    Raises:
        InputError: their maps have other shapes.
    """
    taught, learned = teacher.output[LAST_MAP].shape[1:], last_map(student).shape[1:]
    if taught != learned:
        raise InputError(
            f"distill.map_weight wants maps of one shape; the teacher's is {_shown(taught)}, the "
            f"student's {_shown(learned)}: set model.neck={taught[-1]}, and "
            "model.backbone_options.strides so that rows and columns are as many; or leave the map "
            "out with distill.map_weight=0"
        )


def _shown(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def map_loss(taught: keras.KerasTensor, answered: keras.KerasTensor) -> keras.KerasTensor:
    """How far a student's map is from its teacher's, relative to that one: a scalar.

        mean over pictures of |taught - answered|^2 / |taught|^2

    0 where they agree, 1 where the student's is dark. On several devices, this device's share.

    Args:
        taught, answered: `[batch, h, w, channels]`, of one shape.
    """
    taught, answered = ops.cast(taught, "float32"), ops.cast(answered, "float32")
    places = (1, 2, 3)
    distances = ops.mean(ops.square(taught - answered), axis=places)
    energies = ops.maximum(ops.mean(ops.square(taught), axis=places), _LEAST_ENERGY)
    count = sum_over_devices(ops.sum(ops.ones_like(energies)))
    return ops.sum(distances / energies) / count

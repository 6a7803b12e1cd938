"""One model out of several that were trained on from one another: the mean of their weights.

Such networks lie in one valley of the loss, and its middle often reads better than each of them, in
the time of one ([Izmailov et al. 2018](https://arxiv.org/abs/1803.05407),
[Wortsman et al. 2022](https://arxiv.org/abs/2203.05482)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Ingredient:
    """A model, what to call it in messages, and how much it counts."""

    name: str
    model: keras.Model
    share: float = 1.0


def soup(ingredients: Sequence[Ingredient]) -> keras.Model:
    """A new model with the mean of the weights, by shares that are divided by their sum.

    It is configured as the first, and calibrated as none of them.

    Raises:
        InputError: a model is another network than the first.
    """
    first, *others = ingredients
    for other in others:
        _check_alike(first, other)
    config = first.model.get_config()
    config.pop("calibration", None)
    mixed = type(first.model).from_config(config)
    shares = np.array([each.share for each in ingredients])
    shares /= shares.sum()
    held = zip(*(each.model.get_weights() for each in ingredients), strict=True)
    mixed.set_weights([np.tensordot(shares, np.stack(weights), 1) for weights in held])
    return mixed


def _check_alike(first: Ingredient, other: Ingredient) -> None:
    for what, one, another in zip(
        ("schema", "input size", "family", "layers"),
        _structure(first.model),
        _structure(other.model),
        strict=True,
    ):
        if one != another:
            raise InputError(
                f"{other.name} has another {what} than {first.name}: only models of one network, "
                "trained on from one another, can be averaged"
            )


def _structure(model: Any) -> tuple[object, ...]:
    layers = [(layer.name, [tuple(w.shape) for w in layer.weights]) for layer in model.layers]
    family = (model.chepai_config or {}).get("family")
    return model.label_schema_config, model.input_shape[1:3], family, layers

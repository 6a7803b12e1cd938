"""Frozen layers keep their weights, and what is not there cannot be frozen."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.errors import InputError
from chepai.training.freezing import freeze_layers


@pytest.fixture
def model() -> keras.Model:
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, name="rectifier_hidden")(inputs)
    x = keras.layers.BatchNormalization(name="rectifier_bn")(x)
    return keras.Model(inputs, keras.layers.Dense(2, name="head")(x))


@pytest.mark.parametrize(
    ("patterns", "frozen"),
    [
        ((), []),
        (("rectifier_*",), ["rectifier_hidden", "rectifier_bn"]),
        (("!rectifier_*",), ["head"]),
    ],
)
def test_frozen_layers_keep_weights_and_averages(
    model: keras.Model, patterns: tuple[str, ...], frozen: list[str]
):
    assert freeze_layers(model, patterns) == frozen
    model.compile("sgd", "mse", run_eagerly=True)
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    rng = np.random.default_rng(1)
    model.fit(rng.normal(size=(8, 3)), rng.normal(size=(8, 2)), verbose=0)
    for name, weights in before.items():
        kept = all(map(np.array_equal, weights, model.get_layer(name).get_weights()))
        assert kept == (name in frozen), name


def test_a_pattern_that_fits_nothing_or_everything_is_refused(model: keras.Model):
    with pytest.raises(InputError, match=r"'stn_\*' fits no layer; there are: rectifier_hidden,"):
        freeze_layers(model, ["stn_*"])
    with pytest.raises(InputError, match="leaves nothing to be trained"):
        freeze_layers(model, ["*"])

"""Frozen layers keep their weights, and what is not there cannot be frozen."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.errors import InputError
from chepai.keras_file import load_checked
from chepai.sequence.attention_decoder import AttentionDecoder
from chepai.sequence.crnn_attention import SelfAttention
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


@pytest.mark.parametrize(
    "layer", [AttentionDecoder(5, 3, name="part"), SelfAttention(2, 4, name="part")]
)
def test_a_layer_of_layers_is_as_frozen_in_its_file(layer: keras.layers.Layer, tmp_path: Path):
    columns = keras.Input((6, 8))
    outputs = keras.layers.Dense(2, name="head")(layer(columns))
    model = keras.Model(columns, outputs)
    freeze_layers(model, ["part"])
    model.compile("adam", "mse")
    model.fit(np.ones((2, 6, 8)), np.ones((2, *outputs.shape[1:])), verbose=0)
    model.save(tmp_path / "x.keras")
    loaded = load_checked(tmp_path / "x.keras", ours=False, compiled=True)
    assert len(loaded.trainable_variables) == 2
    assert int(keras.ops.convert_to_numpy(loaded.optimizer.iterations)) == 1


def test_an_optimizer_of_other_variables_is_no_file_to_go_on_with(
    model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    model.compile("adam", "mse")
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)
    model.save(tmp_path / "x.keras")
    plain = keras.optimizers.Optimizer.load_own_variables

    def other(self: keras.optimizers.Optimizer, store: dict) -> None:
        plain(self, {key: store[key] for key in list(store)[:-1]})

    monkeypatch.setattr(keras.optimizers.Optimizer, "load_own_variables", other)
    with pytest.raises(InputError, match="could not be loaded"):
        load_checked(tmp_path / "x.keras", ours=False, compiled=True)

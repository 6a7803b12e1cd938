"""A rectifier that was taught to straighten does so; nothing else of its model changes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.commands._families import compiled_model
from chepai.configs import Config, load_config
from chepai.errors import InputError
from chepai.plate.schema import load_schema
from chepai.training.straightening import learn_to_straighten

SCHEMA = load_schema("cn")


def configuration(rectifier: str, steps: int, *more: str) -> Config:
    own = [
        f"model.rectifier={rectifier}", f"train.straighten_steps={steps}", "data.workers=0",
        "model.rectifier_options={width: 8}", "model.height=32", "model.width=96",
    ]  # fmt: skip
    return load_config("quick", overrides=[*own, *more])


@pytest.fixture(autouse=True)
def few_plates(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chepai.training.straightening.PLATES", 384)


@pytest.mark.parametrize("rectifier", ["stn", "tps"])
def test_a_rectifier_learns_to_undo_what_tilts_plates(rectifier: str):
    keras.utils.set_random_seed(1)
    config = configuration(rectifier, 60)
    model = compiled_model(config, SCHEMA, 1)
    before, after = learn_to_straighten(model, config, SCHEMA)
    # Of the identity: as far as the lessons' maps are from it.
    assert 0.15 < before < 0.4
    assert after < 0.6 * before


def test_the_recogniser_stays_and_a_frozen_rectifier_learns_and_stays_frozen():
    config = configuration("stn", 2, "train.freeze=['rectifier_*']")
    model = compiled_model(config, SCHEMA, 1)
    held = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    learn_to_straighten(model, config, SCHEMA)
    for name, weights in held.items():
        layer = model.get_layer(name)
        same = all(map(np.array_equal, weights, layer.get_weights()))
        rectifying = name.startswith("rectifier_")
        assert same != rectifying, name
        assert layer.trainable != rectifying


def test_the_same_seed_teaches_the_same():
    taught = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        config = configuration("stn", 2)
        model = compiled_model(config, SCHEMA, 1)
        learn_to_straighten(model, config, SCHEMA)
        taught.append(model.get_layer("rectifier_theta").get_weights())
    for one, other in zip(*taught, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_a_rectifier_and_on_several_devices_it_is_refused():
    with pytest.raises(InputError, match="wants a rectifier"):
        configuration("none", 5, "model.rectifier_options={}")
    with pytest.raises(InputError, match=r"wants train\.devices=1"):
        configuration("stn", 5, "train.devices=2")

"""Parameters and multiplications against hand-worked numbers, and the mode that lists them."""

from __future__ import annotations

import json
from pathlib import Path

import keras
from chepai.backbone.base import LayerStyle
from chepai.commands import models
from chepai.configs import preset_names
from chepai.export.cost import multiply_adds
from chepai.inference.pretrained import shipped_models
from chepai.multi_label.heads import softmax_heads
from chepai.plate.schema import Head
from chepai.run import main
from keras import layers


def test_convolutions_and_dense_layers_by_hand():
    image = keras.Input((10, 20, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same")(image)  # 5 x 10 positions of 3*3*3*8
    x = layers.DepthwiseConv2D(3, padding="valid", use_bias=False)(x)  # 3 x 8 of 3*3*8
    x = layers.BatchNormalization()(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, layers.Dense(7)(x))  # 8*7
    assert multiply_adds(model) == 50 * 216 + 24 * 72 + 56


def test_recurrent_layers_by_hand():
    steps = keras.Input((6, 4))
    model = keras.Model(steps, layers.LSTM(5)(steps))  # 6 steps of 4*20 and 5*20
    assert multiply_adds(model) == 6 * (80 + 100)


def test_heads_that_look_and_share_by_hand():
    features = keras.Input((3, 6, 4))
    heads = (Head("one", "character", ("A", "B")), Head("two", "character", ("B", "C", "D")))
    outputs = softmax_heads(features, heads, head="attention", style=LayerStyle())
    # Attention of 2 heads: 18 positions of 4 channels, and 4 of the mean to 18 positions; softmax.
    assert multiply_adds(keras.Model(features, outputs)) == 2 * 18 * 4 + 4 * 18 * 2 + 4 * (2 + 3)


def test_models_lists_every_preset_with_its_cost(capsys):
    assert main(["models", "--json"]) == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert set(preset_names()) <= set(entries)
    original = entries["original"]
    # The original's count: 11,182,784 of the backbone and 151,848 of its ten heads.
    assert original["parameters"] == 11_182_784 + 151_848
    assert set(original) == {
        "name", "family", "input", "parameters", "macs", "file", "checksum",
    }  # fmt: skip


def test_models_without_keras_lists_what_it_knows(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr("chepai.frameworks.find_spec", lambda _: None)
    # Another test of this process may have counted every preset.
    monkeypatch.setattr(models, "_cost", models._cost.__wrapped__)
    assert main(["models", "--json", str(tmp_path / "models.json")]) == 0
    entries = json.loads((tmp_path / "models.json").read_text(encoding="utf-8"))
    assert all(entry["input"] for entry in entries)
    counted = {entry["name"] for entry in entries if entry["parameters"]}
    assert counted == set(shipped_models()), "shipped models were counted when they were made"
    assert main(["models"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[:2] == ["name", "family"]


def test_what_is_frozen_costs_as_much():
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, layers.Conv2D(2, 3)(image))
    before = multiply_adds(model)
    model.trainable = False
    assert multiply_adds(model) == before == 4 * 54

"""Backbones by name, and what is said about names and options that do not exist."""

from __future__ import annotations

import keras
import pytest
from chepai.backbone import registry
from chepai.errors import InputError


def image() -> keras.KerasTensor:
    return keras.Input((48, 144, 3))


def test_the_originals_spelling_is_accepted() -> None:
    assert registry.canonical("resnet-18") == "resnet18"
    assert "resnet18" in registry.names()


def test_an_unknown_name_lists_what_exists() -> None:
    with pytest.raises(InputError, match=r"resnet18.*Received: 'vgg'"):
        registry.build("vgg", image())


def test_an_unknown_option_lists_what_exists() -> None:
    with pytest.raises(InputError, match=r"widths, blocks.*Received: width"):
        registry.build("resnet18", image(), width=3)


@pytest.mark.parametrize(
    "options",
    [
        {"widths": [64, 128]},
        {"widths": "wide"},
        {"blocks": [1, 1, 1, 0]},
        {"strides": [1, 2]},
        {"strides": [1, 2, 2, [2, 2, 2]]},
        {"stem_stride": 0},
        {"stem_width": 1.5},
    ],
)
def test_a_bad_option_is_named_with_what_was_received(options: dict) -> None:
    with pytest.raises(InputError, match=rf"{next(iter(options))} wants .* Received: "):
        registry.build("resnet18", image(), **options)


def test_a_name_is_given_once_only() -> None:
    registry.names()
    with pytest.raises(ValueError, match="registered already"):
        registry.register("resnet18")(registry.build)


@pytest.mark.parametrize("name", registry.names())
def test_every_backbone_follows_the_house_style(name: str) -> None:
    inputs = image()
    features = registry.build(name, inputs, conv_decay=0.25, gamma_decay=0.125)
    assert len(features.shape) == 4
    for layer in keras.Model(inputs, features).layers:
        if isinstance(layer, keras.layers.Conv2D):
            assert not layer.use_bias
            assert isinstance(layer.kernel_initializer, keras.initializers.HeNormal)
            assert float(layer.kernel_regularizer.l2) == 0.25
        if isinstance(layer, keras.layers.BatchNormalization):
            assert (layer.momentum, layer.epsilon) == (0.9, 1e-5)
            assert float(layer.gamma_regularizer.l2) == 0.125
            assert layer.beta_regularizer is None


def test_decay_of_zero_adds_no_penalty() -> None:
    inputs = image()
    features = registry.build("resnet18", inputs, conv_decay=0, gamma_decay=0)
    assert keras.Model(inputs, features).losses == []

"""Narrow 1x1 convolutions with strides, which TensorFlow's oneDNN overruns: see base.py."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.backbone.base import LayerStyle
from chepai.backbone.registry import build


@pytest.mark.parametrize("strides", [2, (2, 1), (1, 1)])
@pytest.mark.parametrize("size", [(6, 9), (7, 10)])
def test_what_a_narrow_convolution_gives_is_what_keras_gives(strides, size) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(4, *size, 8)).astype("float32")
    inputs = keras.Input((*size, 8))
    model = keras.Model(inputs, LayerStyle().conv(inputs, 5, 1, strides, name="narrow"))
    plain = keras.layers.Conv2D(5, 1, strides, padding="same", use_bias=False)
    plain.build(pixels.shape)
    plain.set_weights(model.get_layer("narrow").get_weights())
    expected = keras.ops.convert_to_numpy(plain(pixels))
    assert np.allclose(model.predict_on_batch(pixels), expected, atol=1e-6)


def test_no_layer_of_a_narrow_network_is_one_that_overruns() -> None:
    inputs = keras.Input((48, 144, 3))
    network = keras.Model(inputs, build("resnet18", inputs, widths=(8, 12, 15, 16)))
    pointwise = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (1, 1)
    ]
    assert pointwise
    assert all(layer.strides == (1, 1) for layer in pointwise)


def test_wide_convolutions_keep_their_strides() -> None:
    inputs = keras.Input((12, 36, 16))
    output = LayerStyle().conv(inputs, 8, 1, 2, name="wide")
    assert keras.Model(inputs, output).get_layer("wide").strides == (2, 2)

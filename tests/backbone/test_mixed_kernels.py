"""A 1x1 convolution with a kernel of each picture's own, against convolutions one by one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.backbone.base import LayerStyle
from chepai.backbone.mixed_kernels import MixedKernelConv1x1, gates

HEIGHT, WIDTH, CHANNELS, COUNT, FILTERS = 3, 5, 6, 2, 4


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def maps(count: int = 7) -> np.ndarray:
    return rng().normal(size=(count, HEIGHT, WIDTH, CHANNELS)).astype("float32")


def layer(count: int = COUNT) -> MixedKernelConv1x1:
    """With random differences, in a model: costs want to know what it reads."""
    own = MixedKernelConv1x1(FILTERS, name="own")
    own([keras.Input((HEIGHT, WIDTH, CHANNELS)), keras.Input((count,))])
    own.differences.assign(rng().normal(size=own.differences.shape))
    return own


def test_each_picture_is_convolved_by_its_own_kernel() -> None:
    own, pictures = layer(), maps()
    shares = rng().uniform(-1, 1, (len(pictures), COUNT)).astype("float32")
    received = keras.ops.convert_to_numpy(own([pictures, shares]))
    kernel, differences = own.get_weights()
    for picture, mixture, answered in zip(pictures, shares, received, strict=True):
        mixed = kernel + np.tensordot(mixture, differences, 1).reshape(kernel.shape)
        plain = keras.layers.Conv2D(FILTERS, 1, use_bias=False)
        plain.build((None, HEIGHT, WIDTH, CHANNELS))
        plain.set_weights([mixed])
        np.testing.assert_allclose(answered, plain(picture[None])[0], atol=1e-5)


def test_it_begins_as_the_convolution_with_the_common_kernel() -> None:
    plain = keras.layers.Conv2D(FILTERS, 1, use_bias=False)
    wanted = plain(maps())
    own = MixedKernelConv1x1(FILTERS)
    shares = rng().normal(size=(7, COUNT)).astype("float32")
    own([maps(), shares])
    assert own.take_over(plain)
    np.testing.assert_allclose(own([maps(), shares]), wanted, atol=1e-6)


def test_it_takes_all_that_fits() -> None:
    source, alike, fewer = layer(), layer(), layer(COUNT - 1)
    source.kernel.assign(rng().normal(size=source.kernel.shape))
    alike.differences.assign(alike.differences * 0)
    kept = keras.ops.convert_to_numpy(fewer.differences)
    assert alike.take_over(source) and fewer.take_over(source)
    for received, wanted in zip(alike.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(received, wanted)
    np.testing.assert_array_equal(fewer.kernel, source.kernel)
    np.testing.assert_array_equal(fewer.differences, kept)


def test_what_has_another_kernel_is_not_taken() -> None:
    other = keras.layers.Conv2D(FILTERS, 3, use_bias=False)
    other.build((None, HEIGHT, WIDTH, CHANNELS))
    before = layer().get_weights()
    own = layer()
    own.set_weights(before)
    assert not own.take_over(other) and not own.take_over(keras.layers.ReLU())
    for received, wanted in zip(own.get_weights(), before, strict=True):
        np.testing.assert_array_equal(received, wanted)


def test_its_multiplications_are_those_of_a_convolution_and_of_the_mixing() -> None:
    assert layer().multiply_adds() == 15 * 6 * 4 + 2 * 6 * 4


def test_gates_differ_from_picture_to_picture_from_the_first_step_on() -> None:
    """However near the pictures' means are: the normalisation spreads them."""
    x = keras.Input((HEIGHT, WIDTH, CHANNELS))
    model = keras.Model(x, gates(x, COUNT, LayerStyle(), "here"))
    received = keras.ops.convert_to_numpy(model(100 + 0.05 * maps(32), training=True))
    assert received.shape == (32, COUNT) and np.abs(received).max() <= 1
    assert received.std(0) == pytest.approx(0.65, abs=0.15)

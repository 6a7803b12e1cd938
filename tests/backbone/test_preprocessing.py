"""Scaling and whitening against TensorFlow's own standardisation."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.backbone.preprocessing import PixelScaling, Whitening

tf = pytest.importorskip("tensorflow")


def images() -> np.ndarray:
    random = np.random.default_rng(0).integers(0, 256, (3, 12, 36, 3), dtype=np.uint8)
    even = np.full((1, 12, 36, 3), 77, np.uint8)
    return np.concatenate([random, even])


def test_whitening_is_tensorflows_standardisation_even_pictures_too() -> None:
    pixels = images()
    ours = keras.ops.convert_to_numpy(Whitening()(PixelScaling()(pixels)))
    theirs = tf.image.per_image_standardization(pixels.astype("float32") / 255).numpy()
    np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert np.abs(ours[3]).max() < 1e-3


def test_pixels_stay_in_float32_under_mixed_precision() -> None:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        image = keras.Input((12, 36, 3), dtype="uint8")
        x = Whitening()(PixelScaling()(image))
        result = keras.Model(image, x)(images())
    finally:
        keras.config.set_dtype_policy(policy)
    assert x.dtype == "float32"
    expected = keras.ops.convert_to_numpy(Whitening()(PixelScaling()(images())))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(result), expected, atol=1e-6)

"""The global context of LPRNet against its formula, picture by picture."""

from __future__ import annotations

import keras
import numpy as np
from chepai.sequence.context import ContextScale


def scaled(maps: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(ContextScale(5)(maps))


def test_is_the_mean_over_the_height_of_a_map_in_proportion_to_its_strength():
    maps = np.random.default_rng(1).normal(size=(3, 4, 6, 5)).astype("float32")
    maps[2] = 0.0
    found = scaled(maps)
    for picture, columns in zip(maps[:2], found[:2], strict=True):
        wanted = (picture / np.mean(picture**2)).mean(0, keepdims=True)
        np.testing.assert_allclose(columns, wanted, rtol=1e-5)
    assert not found[2].any()


def test_a_slimmed_map_is_measured_by_the_channels_that_it_had():
    maps = np.random.default_rng(2).normal(size=(2, 4, 6, 5)).astype("float32")
    maps[..., [1, 3]] = 0.0
    slim = scaled(maps[..., [0, 2, 4]])
    np.testing.assert_allclose(slim, scaled(maps)[..., [0, 2, 4]], rtol=1e-5)

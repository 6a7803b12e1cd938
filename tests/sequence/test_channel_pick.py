"""Picking channels: the same values in training as in reading, and a gradient to these alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.sequence.context import ChannelPick


@pytest.mark.parametrize("indices", [[0, 2, 4, 6], [1, 2, 7], [5]])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_picks_exactly_these_channels(indices: list[int], training: bool, dtype: str) -> None:
    rng = np.random.default_rng(1)
    maps = keras.ops.cast(rng.normal(size=(2, 3, 4, 8)) * 1000, dtype)
    picked = ChannelPick(indices, dtype=dtype)(maps, training=training)
    expected = keras.ops.convert_to_numpy(keras.ops.cast(maps, "float32"))[..., indices]
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(keras.ops.cast(picked, "float32")), expected
    )


def test_trains_what_stands_before_the_picked_channels_and_nothing_else() -> None:
    inputs = keras.Input((2, 2, 4))
    scale = keras.layers.BatchNormalization(name="scale")
    model = keras.Model(inputs, ChannelPick([0, 2])(scale(inputs)))
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    images = np.random.default_rng(2).normal(size=(4, 2, 2, 4)).astype("float32")
    model.train_on_batch(images, np.zeros((4, 2, 2, 2), "float32"))
    changed = keras.ops.convert_to_numpy(scale.gamma) != 1.0
    assert changed.tolist() == [True, False, True, False]

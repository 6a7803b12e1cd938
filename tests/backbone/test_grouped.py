"""Grouped and depthwise convolutions against convolutions worked group by group."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.backbone import grouped
from chepai.backbone.base import LayerStyle
from chepai.backbone.grouped import AnyStrideDepthwiseConv2D, ChannelSplit, GroupedConv2D

tf = pytest.importorskip("tensorflow")

STRIDES = [(1, 1), (2, 2), (2, 1)]


def noise(*shape: int, dtype: str = "float32") -> tf.Tensor:
    rng = np.random.default_rng(sum(shape))
    return tf.constant(rng.normal(size=shape), dtype)


def group_by_group(inputs: tf.Tensor, kernel: tf.Tensor, strides: tuple[int, int]) -> tf.Tensor:
    groups = inputs.shape[-1] // kernel.shape[2]
    pairs = zip(tf.split(inputs, groups, -1), tf.split(kernel, groups, -1), strict=True)
    return tf.concat([tf.nn.conv2d(x, k, strides, "SAME") for x, k in pairs], -1)


def answers(convolve, inputs: tf.Tensor, kernel: tf.Tensor) -> list[tf.Tensor]:
    """The outputs and the gradients of their squares' sum, traced as in training."""

    @tf.function
    def run(inputs: tf.Tensor, kernel: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel])
            outputs = convolve(inputs, kernel)
            total = tf.reduce_sum(tf.cast(outputs, "float32") ** 2)
        return [outputs, *tape.gradient(total, [inputs, kernel])]

    return run(inputs, kernel)


@pytest.mark.parametrize("native", [True, False], ids=["native gradient", "own gradient"])
@pytest.mark.parametrize("strides", STRIDES)
def test_outputs_and_gradients_are_those_of_each_group(
    strides: tuple[int, int], native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if native and not grouped._has_gradient("float32"):
        pytest.skip("this TensorFlow has no gradient of grouped convolutions (no oneDNN)")
    monkeypatch.setattr(grouped, "_has_gradient", lambda _: native)
    layer = GroupedConv2D(8, 3, strides=strides, padding="same", groups=4, use_bias=False)
    inputs, kernel = noise(2, 5, 8, 12), noise(3, 3, 3, 8)
    layer.build(inputs.shape)
    received = answers(layer.convolution_op, inputs, kernel)
    wanted = answers(lambda x, k: group_by_group(x, k, strides), inputs, kernel)
    for ours, theirs in zip(received, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_training_works_where_tensorflow_has_no_gradient_of_its_own(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import keras, numpy as np\n"
        "from chepai.backbone import grouped\n"
        "x = keras.Input((4, 4, 8))\n"
        "y = grouped.GroupedConv2D(8, 3, groups=4, use_bias=False)(x)\n"
        "model = keras.Model(x, keras.layers.GlobalAveragePooling2D()(y))\n"
        "model.compile('sgd', 'mse', jit_compile=False)\n"
        "pictures, wanted = np.ones((2, 4, 4, 8)), np.zeros((2, 8))\n"
        "losses = [model.train_on_batch(pictures, wanted) for _ in range(3)]\n"
        "assert not grouped._has_gradient('float32')\n"
        "assert losses[2] < losses[1] < losses[0], losses\n",
        encoding="utf-8",
    )
    environment = {"TF_ENABLE_ONEDNN_OPTS": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if "assert not grouped" in ran.stderr:
        pytest.skip("this TensorFlow has the gradient without oneDNN (a GPU)")
    assert ran.returncode == 0, ran.stderr[-2000:]


def test_half_precision_is_right_to_its_digits() -> None:
    layer = GroupedConv2D(8, 3, padding="same", groups=4, use_bias=False, dtype="mixed_bfloat16")
    inputs = noise(2, 5, 8, 12)
    outputs = layer(inputs)
    assert outputs.dtype == tf.bfloat16
    wanted = group_by_group(inputs, tf.constant(layer.kernel), (1, 1))
    np.testing.assert_allclose(tf.cast(outputs, "float32"), wanted, atol=0.05)


@pytest.mark.parametrize("options", [{}, {"use_bias": True, "bias_initializer": "ones"}])
def test_a_depthwise_stride_of_its_own_for_each_side(options: dict) -> None:
    options = {"padding": "valid", "depth_multiplier": 2, "activation": "relu"} | options
    one = keras.layers.DepthwiseConv2D(3, **options)
    inputs = noise(2, 7, 8, 6)
    every_place = one(inputs)
    two = AnyStrideDepthwiseConv2D(3, strides=(2, 1), **options)
    two.build(inputs.shape)
    two.set_weights(one.get_weights())
    np.testing.assert_allclose(two(inputs), every_place[:, ::2], atol=1e-5)


def test_depthwise_kernels_start_as_he_has_it() -> None:
    inputs = keras.Input((8, 8, 2000))
    model = keras.Model(inputs, LayerStyle().depthwise(inputs, 5, name="wide"))
    kernel = model.get_layer("wide").get_weights()[0]
    # Each output sums 25 products, however many channels there are.
    assert kernel.std() == pytest.approx((2 / 25) ** 0.5, rel=0.02)


def test_ranges_of_channels_are_disjoint_and_in_order() -> None:
    inputs = noise(1, 2, 3, 8)
    parts = ChannelSplit([4, 3, 1])(inputs)
    assert [part.shape[-1] for part in parts] == [4, 3, 1]
    np.testing.assert_array_equal(np.concatenate(parts, -1), inputs)
    with pytest.raises(ValueError, match=r"sizes wants 8 in sum. Received: \(4, 3\)"):
        ChannelSplit([4, 3])(inputs)

"""Grouped and depthwise convolutions that train and export on every backend of Keras.

Keras compiles a grouped convolution on TensorFlow by XLA, because plain TensorFlow has no
gradient of it on a CPU. That costs hundreds of times the training step and cannot be exported to
ONNX. TensorFlow's oneDNN kernels do have the gradient; the layers here use them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="chepai")
class GroupedConv2D(layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, which on TensorFlow is one plain operation.

    Arguments and weights are those of `Conv2D`: the kernel is `[h, w, inputs / groups, filters]`.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """`[batch, h, w, inputs]` to `[batch, ceil(h / stride), ceil(w / stride), filters]`."""
        if not _on_tensorflow(self.data_format, self.dilation_rate):
            return super().convolution_op(inputs, kernel)
        return _convolve(inputs, kernel, self.strides, self.padding)


@keras.saving.register_keras_serializable(package="chepai")
class AnyStrideDepthwiseConv2D(layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` whose strides may differ between height and width.

    TensorFlow's depthwise operation knows one stride only; a plate, wider than high, wants (2, 1).
    Arguments and weights are those of `DepthwiseConv2D`: `[h, w, inputs, multiplier]`.
    """

    def call(self, inputs: Any) -> Any:
        """`[batch, h, w, inputs]` to `[batch, ceil(h / s), ceil(w / s), inputs * multiplier]`."""
        one_stride = self.strides[0] == self.strides[1]
        if one_stride or not _on_tensorflow(self.data_format, self.dilation_rate):
            return super().call(inputs)
        # A group for each channel: the same numbers in the same order.
        kernel = ops.reshape(self.kernel, (*self.kernel_size, 1, -1))
        outputs = _convolve(inputs, kernel, self.strides, self.padding)
        if self.use_bias:
            outputs = ops.add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


@keras.saving.register_keras_serializable(package="chepai")
class ChannelSplit(layers.Layer):
    """Disjoint, consecutive ranges of the channels.

    Args:
        sizes: how many channels each range has; together all of them.
    """

    def __init__(self, sizes: list[int] | tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)

    def call(self, inputs: Any) -> list[Any]:
        """`[batch, h, w, channels]` to a list of `[batch, h, w, size]`."""
        if inputs.shape[-1] != sum(self.sizes):
            raise ValueError(f"sizes wants {inputs.shape[-1]} in sum. Received: {self.sizes}")
        ends = [sum(self.sizes[: index + 1]) for index in range(len(self.sizes) - 1)]
        return ops.split(inputs, ends, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "sizes": list(self.sizes)}


def _on_tensorflow(data_format: str, dilation: tuple[int, ...]) -> bool:
    """Whether `_convolve` applies; elsewhere Keras's own operation is right."""
    plain = data_format == "channels_last" and max(dilation) == 1
    return plain and keras.backend.backend() == "tensorflow"


def _convolve(inputs: Any, kernel: Any, strides: tuple[int, ...], padding: str) -> Any:
    """TensorFlow's convolution; its gradient is ours where TensorFlow has none."""
    import tensorflow as tf

    inputs, kernel = tf.convert_to_tensor(inputs), tf.convert_to_tensor(kernel)
    if _has_gradient(inputs.dtype.name):
        return tf.nn.conv2d(inputs, kernel, strides, padding.upper())

    @tf.custom_gradient
    def convolve(inputs: Any, kernel: Any) -> Any:
        def gradient(upstream: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch([inputs, kernel])
                dense = _block_diagonal(kernel, inputs.shape[-1])
                outputs = tf.nn.conv2d(inputs, dense, strides, padding.upper())
            return tape.gradient(outputs, [inputs, kernel], upstream)

        return tf.nn.conv2d(inputs, kernel, strides, padding.upper()), gradient

    return convolve(inputs, kernel)


@cache
def _has_gradient(dtype: str) -> bool:
    """Whether this TensorFlow, on this processor, trains a grouped convolution: tried once.

    It does with oneDNN (`frameworks.ONEDNN`) or on a GPU.
    """
    import tensorflow as tf

    strides = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    # Out of whatever graph is being traced, and by the operations themselves: in this scope no
    # tape records.
    with tf.init_scope():
        inputs, kernel = tf.ones((1, 3, 3, 4), dtype), tf.ones((3, 3, 2, 4), dtype)
        try:
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=inputs.shape, filter=kernel, out_backprop=inputs, **strides
            )
            tf.raw_ops.Conv2DBackpropFilter(
                input=inputs, filter_sizes=kernel.shape, out_backprop=inputs, **strides
            )
        except tf.errors.OpError:
            return False
    return True


def _block_diagonal(kernel: Any, channels: int) -> Any:
    """The kernel `[h, w, channels, filters]` of the same convolution without groups."""
    import numpy as np
    import tensorflow as tf

    _, _, inputs, filters = kernel.shape
    groups = channels // inputs
    blocks = np.kron(np.eye(groups), np.ones((inputs, filters // groups)))
    return tf.tile(kernel, (1, 1, groups, 1)) * tf.cast(blocks, kernel.dtype)

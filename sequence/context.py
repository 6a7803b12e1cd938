"""Two layers of LPRNet: every n-th channel, and a map in proportion to its own strength."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

_SMALLEST = 1e-6  # a map of zeros stays one


@keras.saving.register_keras_serializable(package="chepai")
class ChannelPick(layers.Layer):
    """Some of the channels, in order.

    PyTorch's LPRNet strides a pooling over channels; slimming can leave any of them.

    Args:
        indices: which channels, ascending.
    """

    def __init__(self, indices: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.indices = [int(index) for index in indices]

    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """`[batch, h, w, channels]` to `[batch, h, w, len(indices)]`."""
        channels = inputs.shape[-1]
        # With its gradient a product takes a CPU a quarter of a slice's time; values are the same.
        if training:
            picked = ops.one_hot(self.indices, channels, axis=0, dtype=self.compute_dtype)
            return ops.matmul(inputs, picked)
        step = self.indices[1] - self.indices[0] if len(self.indices) > 1 else 1
        if self.indices == list(range(0, channels, step)):
            return inputs[..., ::step]
        return ops.take(inputs, self.indices, axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """With as many channels as were picked."""
        return (*input_shape[:-1], len(self.indices))

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "indices": self.indices}


@keras.saving.register_keras_serializable(package="chepai")
class ContextScale(layers.Layer):
    """f / mean(f²), the mean over each picture by itself, in float32.

    Args:
        channels: that the mean is over; of a slimmed map those that it had, as the rest are zero.
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.channels = channels

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """`[batch, h, w, c]` to the same."""
        _, height, width, _ = inputs.shape
        squares = ops.sum(ops.square(inputs), axis=(1, 2, 3), keepdims=True)
        mean = squares / (height * width * self.channels)
        return inputs / ops.maximum(mean, _SMALLEST)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """The input's."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "channels": self.channels}

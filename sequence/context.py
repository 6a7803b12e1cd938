"""LPRNet's global context: columns in proportion to the strength of their map."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

_SMALLEST = 1e-6  # a map of zeros stays one


@keras.saving.register_keras_serializable(package="chepai")
class ContextScale(layers.Layer):
    """f / mean(f²), averaged over the height; the mean over each picture by itself, in float32.

    What follows is linear, so that the average can come first: fewer values are divided.

    Args:
        channels: that the mean is over; of a slimmed map those that it had, as the rest are zero.
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.channels = channels

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """`[batch, h, w, c]` to `[batch, 1, w, c]`."""
        height, channels = inputs.shape[1], inputs.shape[3]
        mean = ops.mean(ops.square(inputs), axis=(1, 2, 3), keepdims=True)
        if channels != self.channels:
            mean = mean * (channels / self.channels)
        # A pooling: ONNX Runtime keeps to its own layout, as it does not for a mean.
        columns = ops.average_pool(inputs, (height, 1))
        return columns / ops.maximum(mean, _SMALLEST)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """With one row."""
        return (input_shape[0], 1, *input_shape[2:])

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "channels": self.channels}

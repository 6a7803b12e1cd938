"""From stored pixels to what a backbone sees: layers inside the model, so that a trained, an
exported and a served model see the same."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="chepai")
class PixelScaling(layers.Layer):
    """Pixels in 0..255, of any type, to float32 in 0..1, whatever the precision of the model."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """uint8 `[batch, h, w, 3]` to float32 of the same shape."""
        return ops.cast(images, "float32") * (1.0 / 255.0)

    def compute_output_spec(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """The input's shape, as float32."""
        return keras.KerasTensor(images.shape, dtype="float32")


@keras.saving.register_keras_serializable(package="chepai")
class Whitening(layers.Layer):
    """Per-image standardisation over all pixels and channels, in float32.

    x' = (x - mean(x)) / max(std(x), 1 / sqrt(N)), N = h w c, as
    `tf.image.per_image_standardization` has it; the floor keeps an even image from blowing up.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Float32 `[batch, h, w, c]` to the same, of mean 0 and deviation 1."""
        _, height, width, channels = images.shape
        floor = 1.0 / (height * width * channels) ** 0.5
        centred = images - ops.mean(images, axis=(1, 2, 3), keepdims=True)
        variance = ops.mean(ops.square(centred), axis=(1, 2, 3), keepdims=True)
        return centred / ops.maximum(ops.sqrt(variance), floor)

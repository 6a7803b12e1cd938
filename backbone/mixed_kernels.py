"""1x1 convolutions with a kernel of each picture's own, mixed from a few.

Where a network has few multiplications left, one kernel for all pictures must serve plates of one
row and of two, dark ones and tilted ones alike. Mixing kernels costs a multiplication for each
weight of a difference, once; applying them, one at each position.

Reference: Yang et al., CondConv: Conditionally Parameterized Convolutions for Efficient Inference,
2019, https://arxiv.org/abs/1904.04971
"""

from __future__ import annotations

from math import prod
from typing import Any

import keras
from keras import layers, ops

from .base import LayerStyle


def gates(x: keras.KerasTensor, count: int, style: LayerStyle, name: str) -> keras.KerasTensor:
    """What a picture's map as a whole says of the kernels to mix: `[batch, count]`, -1 to 1.

        x - mean over positions - dense - BN - tanh

    The normalisation makes gates differ from picture to picture from the first step on.

    Args:
        x: the map, `[batch, h, w, channels]`.
        count: how many differences there are to mix.
        style: the defaults of normalisations.
        name: how the layers' names begin.
    """
    seen = layers.GlobalAveragePooling2D(name=f"{name}_seen")(x)
    logits = layers.Dense(count, use_bias=False, name=f"{name}_gates_dense")(seen)
    logits = style.norm(logits, name=f"{name}_gates_bn")
    return layers.Activation("tanh", name=f"{name}_gates")(logits)


@keras.saving.register_keras_serializable(package="chepai")
class MixedKernelConv1x1(layers.Layer):
    """A 1x1 convolution whose kernel is the picture's: `kernel + sum of gates * differences`.

    The differences begin as zero, so that the layer begins as the convolution with `kernel` alone.

    Args:
        filters: channels to put out.
        kernel_initializer, kernel_regularizer: of the common kernel; the differences have the
            regularizer too.
    """

    def __init__(
        self,
        filters: int,
        kernel_initializer: Any = "he_normal",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape: list[tuple[int, ...]]) -> None:
        """Makes the weights for a map `[batch, h, w, channels]` and gates `[batch, count]`."""
        (*_, channels), (_, count) = input_shape
        self.kernel = self.add_weight(
            shape=(1, 1, channels, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.differences = self.add_weight(
            shape=(count, channels * self.filters),
            initializer="zeros",
            regularizer=self.kernel_regularizer,
            name="differences",
        )

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """A map `[batch, h, w, channels]`, gates `[batch, count]`: `[batch, h, w, filters]`."""
        x, shares = inputs
        _, height, width, channels = x.shape
        kernels = ops.reshape(self.kernel, (1, -1)) + ops.matmul(shares, self.differences)
        kernels = ops.reshape(kernels, (-1, channels, self.filters))
        answered = ops.matmul(ops.reshape(x, (-1, height * width, channels)), kernels)
        return ops.reshape(answered, (-1, height, width, self.filters))

    def multiply_adds(self) -> int:
        """The kernel's at every position, and each difference once."""
        positions = prod(self.input[0].shape[1:-1])
        return positions * prod(self.kernel.shape) + prod(self.differences.shape)

    def take_over(self, layer: keras.Layer) -> bool:
        """Takes all of its like, of a plain convolution the common kernel; whether it fits."""
        if not hasattr(layer, "kernel") or layer.kernel.shape != self.kernel.shape:
            return False
        self.kernel.assign(layer.kernel)
        alike = getattr(layer, "differences", None)
        if alike is not None and alike.shape == self.differences.shape:
            self.differences.assign(alike)
        return True

    def compute_output_shape(self, input_shape: list[tuple[Any, ...]]) -> tuple[Any, ...]:
        """`(batch, h, w, filters)`."""
        return (*input_shape[0][:3], self.filters)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }

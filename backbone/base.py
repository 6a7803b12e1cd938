"""The one place for the defaults of every backbone's convolutions and normalisations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import initializers, layers

from .grouped import AnyStrideDepthwiseConv2D, GroupedConv2D
from .normalisation import FusedBatchNormalization

Size = int | tuple[int, int]

BN_MOMENTUM = 0.9
BN_EPSILON = 1e-5
DENSE_STDDEV = 0.01  # of fresh kernels that end in a softmax
DEFAULT_CONV_DECAY = 5e-4
DEFAULT_GAMMA_DECAY = 1e-5

# On processors with AVX-512, TensorFlow 2.21's oneDNN writes past its buffers when it trains 1x1
# convolutions that stride over fewer channels than this with some batch sizes (8 channels, stride
# 2, 12 x 36 pixels: 1, 13, 17 and 27, but not 28 or 32). Training then dies of a damaged heap.
_NARROW = 16


@dataclass(frozen=True)
class LayerStyle:
    """Layers as networks want them: he_normal, mostly no bias, a decay of its own for each role.

    Attributes:
        conv_decay: L2 of convolution kernels; 0 adds no penalty.
        gamma_decay: L2 of batch normalisation gammas, which is separate because small gammas
            mark the channels that slimming may remove (the original's most helpful setting).
        gamma_l1: L1 of the gammas, whose sub-gradient `gamma_l1 * sign(gamma)` draws those of
            needless channels to zero, where L2 only makes all of them smaller.
    """

    conv_decay: float = DEFAULT_CONV_DECAY
    gamma_decay: float = DEFAULT_GAMMA_DECAY
    gamma_l1: float = 0.0

    def conv(
        self,
        x: keras.KerasTensor,
        filters: int,
        kernel: Size = 3,
        strides: Size = 1,
        *,
        groups: int = 1,
        padding: str = "same",
        bias: bool = False,
        name: str,
    ) -> keras.KerasTensor:
        """`[batch, h, w, c]` to `[batch, ceil(h / stride), ceil(w / stride), filters]`.

        With `padding` "valid" the map shrinks by the kernel's size less one.
        """
        if as_pair("kernel", kernel) == (1, 1) and x.shape[-1] < _NARROW:
            x, strides = skipped(x, as_pair("strides", strides)), 1
        options: dict[str, Any] = {
            "strides": strides,
            "padding": padding,
            "use_bias": bias,
            "kernel_initializer": "he_normal",
            "kernel_regularizer": l2(self.conv_decay),
            "name": name,
        }
        if groups == 1:
            return layers.Conv2D(filters, kernel, **options)(x)
        return GroupedConv2D(filters, kernel, groups=groups, **options)(x)

    def depthwise(
        self, x: keras.KerasTensor, kernel: Size = 3, strides: Size = 1, *, name: str
    ) -> keras.KerasTensor:
        """A kernel of its own for each channel: `[batch, ceil(h / s), ceil(w / s), c]`."""
        return AnyStrideDepthwiseConv2D(
            kernel,
            strides=strides,
            padding="same",
            use_bias=False,
            # he_normal: what Keras calls fan-out of [h, w, c, 1] is what each output sums over.
            depthwise_initializer=initializers.VarianceScaling(2.0, mode="fan_out"),
            depthwise_regularizer=l2(self.conv_decay),
            name=name,
        )(x)

    def norm(self, x: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
        """Batch normalisation over the last axis."""
        return FusedBatchNormalization(
            momentum=BN_MOMENTUM,
            epsilon=BN_EPSILON,
            gamma_regularizer=l2(self.gamma_decay, self.gamma_l1),
            name=name,
        )(x)

    def conv_norm(
        self,
        x: keras.KerasTensor,
        filters: int,
        kernel: Size = 3,
        strides: Size = 1,
        *,
        groups: int = 1,
        name: str,
    ) -> keras.KerasTensor:
        """A convolution and its normalisation, named `<name>_conv` and `<name>_bn`."""
        x = self.conv(x, filters, kernel, strides, groups=groups, name=f"{name}_conv")
        return self.norm(x, name=f"{name}_bn")

    def depthwise_norm(
        self, x: keras.KerasTensor, kernel: Size = 3, strides: Size = 1, *, name: str
    ) -> keras.KerasTensor:
        """A depthwise convolution and its normalisation, named as those of `conv_norm`."""
        x = self.depthwise(x, kernel, strides, name=f"{name}_conv")
        return self.norm(x, name=f"{name}_bn")


def as_pair(option: str, value: Any) -> tuple[int, int]:
    """A stride or kernel given as an integer or as (height, width).

    Raises:
        ValueError: neither, or not positive.
    """
    pair = (value, value) if isinstance(value, int) else value
    is_pair = isinstance(pair, (list, tuple)) and len(pair) == 2
    if not is_pair or not all(isinstance(size, int) and size > 0 for size in pair):
        raise ValueError(
            f"{option} wants positive integers or (height, width) pairs. Received: {value!r}"
        )
    return int(pair[0]), int(pair[1])


def positive_integers(option: str, values: Any, count: int) -> tuple[int, ...]:
    """Checks an option that holds one positive integer for each of `count` stages.

    Raises:
        ValueError: another number of values, or not positive integers.
    """
    good = isinstance(values, (list, tuple)) and len(values) == count
    if not good or not all(isinstance(value, int) and value > 0 for value in values):
        raise ValueError(f"{option} wants {count} positive integers. Received: {values!r}")
    return tuple(values)


def stage_strides(values: Any, count: int) -> tuple[tuple[int, int], ...]:
    """Checks an option that holds one stride for each of `count` stages.

    Raises:
        ValueError: another number of values, or neither integers nor (height, width) pairs.
    """
    if not isinstance(values, (list, tuple)) or len(values) != count:
        raise ValueError(f"strides wants {count} values. Received: {values!r}")
    return tuple(as_pair("strides", value) for value in values)


def skipped(x: keras.KerasTensor, strides: tuple[int, int]) -> keras.KerasTensor:
    """What a 1x1 convolution of these strides looks at.

    `[batch, h, w, c]` to `[batch, ceil(h / stride), ceil(w / stride), c]`.
    """
    rows, columns = strides
    return x if strides == (1, 1) else x[:, ::rows, ::columns]


def l2(decay: float, l1: float = 0.0) -> keras.regularizers.Regularizer | None:
    """The penalty `decay * sum of squares + l1 * sum of magnitudes`; None where both are 0."""
    if l1:
        return keras.regularizers.L1L2(l1=l1, l2=decay)
    # A penalty of zero would still cost a sum over every weight at each step.
    return keras.regularizers.L2(decay) if decay else None

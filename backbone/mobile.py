"""What the MobileNets share: rounding of widths, their five halvings, the inverted residual."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import keras
from keras import layers, regularizers

from .base import LayerStyle, Size

HALVINGS = 5


@dataclass(frozen=True)
class InvertedResidual:
    """One block of MobileNetV2 or V3.

    Attributes:
        expansion: channels of the depthwise convolution, as a multiple of the block's inputs.
        width: channels that the block puts out, before the width multiplier.
        kernel: of the depthwise convolution.
        halves: whether the block has one of the network's five strides.
        squeeze: whether the channels are weighted by squeeze and excitation.
        activation: `relu`, `relu6` or `hard_silu`.
    """

    expansion: float
    width: int
    kernel: int = 3
    halves: bool = False
    squeeze: bool = False
    activation: str = "relu6"


def rounded(width: float, divisor: int = 8) -> int:
    """The nearest multiple of 8 that is at most a tenth below `width`, as all MobileNets round."""
    nearest = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * width else nearest


def check_alpha(alpha: Any) -> float:
    """The width multiplier.

    Raises:
        ValueError: not a positive number.
    """
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not alpha > 0:
        raise ValueError(f"alpha wants a positive number. Received: {alpha!r}")
    return float(alpha)


def check_depth(depth: Any) -> float:
    """The share of each stage's blocks that are built.

    Raises:
        ValueError: no number above 0 and at most 1.
    """
    if isinstance(depth, bool) or not isinstance(depth, (int, float)) or not 0 < depth <= 1:
        raise ValueError(f"depth wants a share above 0 and at most 1. Received: {depth!r}")
    return float(depth)


def shortened(count: int, depth: float) -> int:
    """How many of a stage's blocks a share of them is, rounded up as EfficientNet does.

    >>> [shortened(count, 0.4) for count in (1, 2, 3, 4)]
    [1, 1, 2, 2]
    """
    return math.ceil(count * depth)


def activate(x: keras.KerasTensor, activation: str, *, name: str) -> keras.KerasTensor:
    """The activation as a layer of its own: ReLUs as such, which other tools know."""
    if activation in ("relu", "relu6"):
        return layers.ReLU(6.0 if activation == "relu6" else None, name=name)(x)
    return layers.Activation(activation, name=name)(x)


def inverted_residuals(
    x: keras.KerasTensor,
    style: LayerStyle,
    blocks: Sequence[InvertedResidual],
    strides: Sequence[Size],
    alpha: float,
    depth: float,
) -> keras.KerasTensor:
    """The blocks in order; those that halve take `strides` one after another.

    Of each stage, which are the blocks of one width, the first `depth` are built.
    """
    stages = [list(stage) for _, stage in groupby(blocks, key=lambda block: block.width)]
    built = [block for stage in stages for block in stage[: shortened(len(stage), depth)]]
    coming = iter(strides)
    for index, block in enumerate(built, start=1):
        stride = next(coming) if block.halves else (1, 1)
        x = _inverted_residual(x, style, block, stride, alpha, name=f"block{index}")
    return x


def _inverted_residual(
    x: keras.KerasTensor,
    style: LayerStyle,
    block: InvertedResidual,
    strides: Size,
    alpha: float,
    *,
    name: str,
) -> keras.KerasTensor:
    """Wide within, narrow outside; an identity where the block keeps its shape.

    x -+- (conv1x1 - BN - act) - depthwise, stride - BN - act - (squeeze) - conv1x1 - BN -+-
       +----------------------------------------------------------------------------------+
    """
    width, inputs = rounded(block.width * alpha), x.shape[-1]
    residual = x
    if block.expansion != 1:
        expanded = _expanded(inputs, block.expansion)
        residual = style.conv_norm(residual, expanded, 1, name=f"{name}_expand")
        residual = activate(residual, block.activation, name=f"{name}_expand_act")
    residual = style.depthwise_norm(residual, block.kernel, strides, name=f"{name}_depthwise")
    residual = activate(residual, block.activation, name=f"{name}_depthwise_act")
    if block.squeeze:
        residual = _squeeze_excite(residual, style, name=f"{name}_squeeze")
    residual = style.conv_norm(residual, width, 1, name=f"{name}_project")
    if strides not in (1, (1, 1)) or width != inputs:
        return residual
    return layers.Add(name=f"{name}_add")([x, residual])


def _expanded(inputs: int, expansion: float) -> int:
    """V2 multiplies exactly; V3's fractions (72/16, 88/24) are rounded to multiples of 8."""
    exact = inputs * expansion
    return int(exact) if float(expansion).is_integer() else rounded(exact)


def _squeeze_excite(x: keras.KerasTensor, style: LayerStyle, *, name: str) -> keras.KerasTensor:
    """Channels weighted by what the whole map holds, between 0 and 1.

    x -+- average of the map - dense to a quarter - ReLU - dense - hard sigmoid -+- product
       +-------------------------------------------------------------------------+

    Reference: Hu et al., Squeeze-and-Excitation Networks, https://arxiv.org/abs/1709.01507
    """
    width = x.shape[-1]
    decay = regularizers.L2(style.conv_decay) if style.conv_decay else None
    dense = {"kernel_initializer": "he_normal", "kernel_regularizer": decay}
    weights = layers.GlobalAveragePooling2D(name=f"{name}_pool")(x)
    weights = layers.Dense(rounded(width / 4), name=f"{name}_reduce", **dense)(weights)
    weights = layers.ReLU(name=f"{name}_relu")(weights)
    weights = layers.Dense(width, name=f"{name}_widen", **dense)(weights)
    weights = layers.Activation("hard_sigmoid", name=f"{name}_gate")(weights)
    weights = layers.Reshape((1, 1, width), name=f"{name}_weights")(weights)
    return layers.Multiply(name=f"{name}_product")([x, weights])

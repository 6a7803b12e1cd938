"""MixNet18 of the original: ResNet18 whose second convolutions are depthwise, of mixed kernels.

Reference: Tan and Le, MixConv: Mixed Depthwise Convolutional Kernels,
https://arxiv.org/abs/1907.09595 (the mixed kernels; the network around them is the original's)
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from .base import LayerStyle, Size
from .grouped import ChannelSplit
from .registry import register
from .residual import STAGES, ResidualPlan, check_multiples, join, stages, stem

KERNELS = (3, 5, 7, 9)
# Of eight shares of the channels, how many each kernel size has.
SHARES = (4, 2, 1, 1)


@register("mixnet18")
def mixnet18(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    *,
    widths: Sequence[int] = (64, 128, 256, 512),
    blocks: Sequence[int] = (2, 2, 2, 2),
    strides: Sequence[Size] = (1, 2, 2, 2),
    stem_stride: Size = 2,
    stem_width: int | None = None,
    stem_pool: bool = True,
) -> keras.KerasTensor:
    """ResNet18 with mixed depthwise convolutions; 48 x 144 becomes 2 x 5 x 512 by default.

    Args:
        inputs, style, blocks, strides, stem_stride, stem_width, stem_pool: as of `resnet18`.
        widths: channels of each stage, multiples of 8.

    Raises:
        ValueError: a bad option, with what was received.
    """
    plan = ResidualPlan.of(widths, blocks, strides, stem_stride, stem_width, stem_pool)
    check_multiples(plan.widths, lambda _: sum(SHARES), "the shares of the kernel sizes")

    def block(
        x: keras.KerasTensor, width: int, strides: tuple[int, int], project: bool, name: str
    ) -> keras.KerasTensor:
        """conv3x3, stride - BN - ReLU - mixed depthwise - BN, beside the identity."""
        residual = style.conv_norm(x, width, 3, strides, name=f"{name}_1")
        residual = layers.ReLU(name=f"{name}_1_relu")(residual)
        residual = _mixed_depthwise(residual, style, name=f"{name}_2")
        return join(x, residual, style.conv_norm, strides, project, name)

    return stages(stem(inputs, style, plan), plan, [block] * STAGES)


def _mixed_depthwise(x: keras.KerasTensor, style: LayerStyle, *, name: str) -> keras.KerasTensor:
    """Depthwise convolutions of one kernel size for each range of channels.

    x -+- first half of the channels - depthwise 3x3 -+- concatenation - BN
       +- next quarter --------------- depthwise 5x5 -+
       +- next eighth ---------------- depthwise 7x7 -+
       +- last eighth ---------------- depthwise 9x9 -+
    """
    sizes = [x.shape[-1] * share // sum(SHARES) for share in SHARES]
    parts = ChannelSplit(sizes, name=f"{name}_split")(x)
    parts = [
        style.depthwise(part, kernel, name=f"{name}_conv{kernel}")
        for part, kernel in zip(parts, KERNELS, strict=True)
    ]
    x = layers.Concatenate(name=f"{name}_concat")(parts)
    # One normalisation of all channels is the same as one for each range.
    return style.norm(x, name=f"{name}_bn")

"""ResNeXt18 in two forms: the original's, of several kernel sizes, and the paper's.

Reference: Xie et al., Aggregated Residual Transformations, https://arxiv.org/abs/1611.05431
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from .base import LayerStyle, Size, positive_integers
from .grouped import ChannelSplit
from .registry import register
from .residual import STAGES, ResidualPlan, check_multiples, join, stages, stem

KERNELS = (3, 5, 7, 9)
# Of 16 shares of the groups, and so of the channels, how many each kernel size has.
SHARES = (8, 4, 2, 2)


@register("resnext18")
def resnext18(
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
    """The original's: ResNet18 whose second convolutions are grouped, with four kernel sizes.

    Half of the groups have kernels of 3, a quarter of 5, an eighth each of 7 and 9. There are 32
    groups, or 16 where 32 would have fewer than four channels each. 48 x 144 becomes 2 x 5 x 512.
    In the original every kernel size began at the first channel again; here, as was meant, each
    channel belongs to one group.

    Args:
        inputs, style, blocks, strides, stem_stride, stem_width, stem_pool: as of `resnet18`.
        widths: channels of each stage, multiples of 32, or of 16 below 128.

    Raises:
        ValueError: a bad option, with what was received.
    """
    plan = ResidualPlan.of(widths, blocks, strides, stem_stride, stem_width, stem_pool)
    check_multiples(plan.widths, _group_count, "the number of groups")

    def block(
        x: keras.KerasTensor, width: int, strides: tuple[int, int], project: bool, name: str
    ) -> keras.KerasTensor:
        """conv3x3, stride - BN - ReLU - grouped convolutions - BN, beside the identity."""
        residual = style.conv_norm(x, width, 3, strides, name=f"{name}_1")
        residual = layers.ReLU(name=f"{name}_1_relu")(residual)
        residual = _grouped_by_kernel(residual, style, name=f"{name}_2")
        return join(x, residual, style.conv_norm, strides, project, name)

    return stages(stem(inputs, style, plan), plan, [block] * STAGES)


@register("resnext18-32x4d")
def resnext18_32x4d(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    *,
    widths: Sequence[int] = (256, 512, 1024, 2048),
    blocks: Sequence[int] = (2, 2, 2, 2),
    strides: Sequence[Size] = (1, 2, 2, 2),
    stem_stride: Size = 2,
    stem_width: int = 64,
    stem_pool: bool = True,
    groups: int = 32,
) -> keras.KerasTensor:
    """The paper's bottleneck blocks in ResNet18's stages; 48 x 144 becomes 2 x 5 x 2048.

    Each group of the first stage has 4 channels, and twice as many in each stage that follows.
    Grouping needs blocks of three convolutions (section 3.3 of the paper), so the network that
    has ResNet18's eight blocks has 26 layers; others call it ResNeXt-26 (32x4d).

    Args:
        inputs, style, blocks, strides, stem_stride, stem_width, stem_pool: as of `resnet18`.
        widths: channels of each stage, multiples of twice `groups`.
        groups: of each 3x3 convolution, which has half of its stage's channels.

    Raises:
        ValueError: a bad option, with what was received.
    """
    plan = ResidualPlan.of(widths, blocks, strides, stem_stride, stem_width, stem_pool)
    (groups,) = positive_integers("groups", [groups], 1)
    check_multiples(plan.widths, lambda _: 2 * groups, "twice the groups")

    def block(
        x: keras.KerasTensor, width: int, strides: tuple[int, int], project: bool, name: str
    ) -> keras.KerasTensor:
        """conv1x1 - BN - ReLU - grouped conv3x3, stride - BN - ReLU - conv1x1 - BN."""
        residual = style.conv_norm(x, width // 2, 1, name=f"{name}_1")
        residual = layers.ReLU(name=f"{name}_1_relu")(residual)
        residual = style.conv_norm(
            residual, width // 2, 3, strides, groups=groups, name=f"{name}_2"
        )
        residual = layers.ReLU(name=f"{name}_2_relu")(residual)
        residual = style.conv_norm(residual, width, 1, name=f"{name}_3")
        return join(x, residual, style.conv_norm, strides, project, name)

    return stages(stem(inputs, style, plan), plan, [block] * STAGES)


def _group_count(width: int) -> int:
    return 32 if width >= 128 else 16


def _grouped_by_kernel(x: keras.KerasTensor, style: LayerStyle, *, name: str) -> keras.KerasTensor:
    """Grouped convolutions of one kernel size for each range of channels.

    x -+- first half of the channels - conv3x3 in groups -+- concatenation - BN
       +- next quarter --------------- conv5x5 -----------+
       +- next eighth ---------------- conv7x7 -----------+
       +- last eighth ---------------- conv9x9 -----------+
    """
    width = x.shape[-1]
    sizes = [width * share // sum(SHARES) for share in SHARES]
    groups = [_group_count(width) * share // sum(SHARES) for share in SHARES]
    parts = ChannelSplit(sizes, name=f"{name}_split")(x)
    parts = [
        style.conv(part, size, kernel, groups=count, name=f"{name}_conv{kernel}")
        for part, size, kernel, count in zip(parts, sizes, KERNELS, groups, strict=True)
    ]
    x = layers.Concatenate(name=f"{name}_concat")(parts)
    # One normalisation of all channels is the same as one for each range.
    return style.norm(x, name=f"{name}_bn")

"""ResNet18 of the original: a 3x3 stem, basic blocks, a projection at every stage's beginning.

Reference: He et al., Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from .base import LayerStyle, Size
from .low_rank import ConvNorm, check_mixed_kernels, conv_norm_of, stage_ranks
from .registry import register
from .residual import STAGES, Block, ResidualPlan, join, stages, stem


@register("resnet18")
def resnet18(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    *,
    widths: Sequence[int] = (64, 128, 256, 512),
    blocks: Sequence[int] = (2, 2, 2, 2),
    strides: Sequence[Size] = (1, 2, 2, 2),
    stem_stride: Size = 2,
    stem_width: int | None = None,
    stem_pool: bool = True,
    ranks: Sequence[Size] | None = None,
    mixed_kernels: int = 0,
) -> keras.KerasTensor:
    """Four stages of residual blocks; 48 x 144 becomes 2 x 5 x 512 by default.

        image - conv3x3 - BN - maxpool3x3 - ReLU - stage 1 - stage 2 - stage 3 - stage 4

    Args:
        inputs: `[batch, height, width, channels]`, floating point.
        style: the defaults of convolutions and normalisations.
        widths: channels of each stage.
        blocks: residual blocks of each stage.
        strides: of each stage's first block, an integer or (height, width).
        stem_stride: of the first convolution, an integer or (height, width).
        stem_width: channels of the first convolution; None: those of the first stage.
        stem_pool: whether the 3x3 max pooling, which halves both sides, follows the stem.
        ranks: of each stage's convolutions, which then are made of factors (`low_rank.py`): an
            integer, or the channels that the 3x3 convolution reads and makes; None: whole ones.
        mixed_kernels: of how many differences each picture's kernels of 1x1 among these factors
            are mixed (`mixed_kernels.py`); 0: all pictures have the same.

    Raises:
        ValueError: a bad option, with what was received.
    """
    check_mixed_kernels(mixed_kernels, ranks)
    plan = ResidualPlan.of(widths, blocks, strides, stem_stride, stem_width, stem_pool)
    factors = [conv_norm_of(style, rank, mixed_kernels) for rank in stage_ranks(ranks, STAGES)]
    return stages(stem(inputs, style, plan), plan, [_basic_block(each) for each in factors])


def _basic_block(conv_norm: ConvNorm) -> Block:
    """Residual blocks of these convolutions."""

    def block(
        x: keras.KerasTensor, width: int, strides: tuple[int, int], project: bool, name: str
    ) -> keras.KerasTensor:
        """conv3x3, stride - BN - ReLU - conv3x3 - BN, beside the identity or a projection."""
        residual = conv_norm(x, width, 3, strides, name=f"{name}_1")
        residual = layers.ReLU(name=f"{name}_1_relu")(residual)
        residual = conv_norm(residual, width, 3, name=f"{name}_2")
        return join(x, residual, conv_norm, strides, project, name)

    return block

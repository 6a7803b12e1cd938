"""MobileNetV3, small and large: inverted residuals with squeeze and excitation, hard swish.

Reference: Howard et al., Searching for MobileNetV3, https://arxiv.org/abs/1905.02244
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from .base import LayerStyle, Size, stage_strides
from .mobile import (
    HALVINGS,
    InvertedResidual,
    activate,
    check_alpha,
    check_depth,
    inverted_residuals,
    rounded,
)
from .registry import register

STEM_WIDTH = 16
HARD_SWISH = "hard_silu"


def _row(
    kernel: int, expansion: float, width: int, squeeze: bool, activation: str, stride: int
) -> InvertedResidual:
    """A row of the paper's tables, in their order of columns."""
    return InvertedResidual(expansion, width, kernel, stride == 2, squeeze, activation)


# Table 2 of the paper; expansions over the block's inputs.
SMALL = (
    _row(3, 1, 16, True, "relu", 2),
    _row(3, 72 / 16, 24, False, "relu", 2),
    _row(3, 88 / 24, 24, False, "relu", 1),
    _row(5, 4, 40, True, HARD_SWISH, 2),
    _row(5, 6, 40, True, HARD_SWISH, 1),
    _row(5, 6, 40, True, HARD_SWISH, 1),
    _row(5, 3, 48, True, HARD_SWISH, 1),
    _row(5, 3, 48, True, HARD_SWISH, 1),
    _row(5, 6, 96, True, HARD_SWISH, 2),
    _row(5, 6, 96, True, HARD_SWISH, 1),
    _row(5, 6, 96, True, HARD_SWISH, 1),
)
# Table 1 of the paper.
LARGE = (
    _row(3, 1, 16, False, "relu", 1),
    _row(3, 4, 24, False, "relu", 2),
    _row(3, 3, 24, False, "relu", 1),
    _row(5, 3, 40, True, "relu", 2),
    _row(5, 3, 40, True, "relu", 1),
    _row(5, 3, 40, True, "relu", 1),
    _row(3, 6, 80, False, HARD_SWISH, 2),
    _row(3, 2.5, 80, False, HARD_SWISH, 1),
    _row(3, 2.3, 80, False, HARD_SWISH, 1),
    _row(3, 2.3, 80, False, HARD_SWISH, 1),
    _row(3, 6, 112, True, HARD_SWISH, 1),
    _row(3, 6, 112, True, HARD_SWISH, 1),
    _row(5, 6, 160, True, HARD_SWISH, 2),
    _row(5, 6, 160, True, HARD_SWISH, 1),
    _row(5, 6, 160, True, HARD_SWISH, 1),
)


@register("mobilenet-v3-small")
def mobilenet_v3_small(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    *,
    alpha: float = 1.0,
    depth: float = 1.0,
    strides: Sequence[Size] = (2, 2, 2, 2, 2),
) -> keras.KerasTensor:
    """Eleven blocks; 48 x 144 becomes 2 x 5 x 576 by default.

        image - conv3x3, stride - BN - hard swish - blocks - conv1x1 - BN - hard swish

    Args:
        inputs: `[batch, height, width, channels]`, floating point.
        style: the defaults of convolutions and normalisations.
        alpha: multiplies every width but the stem's.
        depth: the share of the blocks of each width that are built, rounded up.
        strides: of the stem and of the blocks that first put out 16, 24, 40 and 96 channels,
            integers or (height, width): `[2, 2, 2, [2, 1], [2, 1]]` keeps 18 of 144 columns.

    Raises:
        ValueError: a bad option, with what was received.
    """
    return _mobilenet_v3(inputs, style, SMALL, alpha, depth, strides)


@register("mobilenet-v3-large")
def mobilenet_v3_large(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    *,
    alpha: float = 1.0,
    depth: float = 1.0,
    strides: Sequence[Size] = (2, 2, 2, 2, 2),
) -> keras.KerasTensor:
    """Fifteen blocks; 48 x 144 becomes 2 x 5 x 960 by default.

    Args:
        inputs, style, alpha, depth: as of `mobilenet-v3-small`.
        strides: of the stem and of the blocks that first put out 24, 40, 80 and 160 channels.

    Raises:
        ValueError: a bad option, with what was received.
    """
    return _mobilenet_v3(inputs, style, LARGE, alpha, depth, strides)


def _mobilenet_v3(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    blocks: Sequence[InvertedResidual],
    alpha: float,
    depth: float,
    strides: Sequence[Size],
) -> keras.KerasTensor:
    """Stem, blocks, and a last convolution of six times as many channels."""
    alpha, depth = check_alpha(alpha), check_depth(depth)
    steps = stage_strides(strides, HALVINGS)
    x = style.conv_norm(inputs, STEM_WIDTH, 3, steps[0], name="stem")
    x = activate(x, HARD_SWISH, name="stem_act")
    x = inverted_residuals(x, style, blocks, steps[1:], alpha, depth)
    x = style.conv_norm(x, rounded(6 * x.shape[-1]), 1, name="last")
    return activate(x, HARD_SWISH, name="last_act")

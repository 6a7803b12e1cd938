"""MobileNetV2: inverted residuals with linear bottlenecks.

Reference: Sandler et al., MobileNetV2, https://arxiv.org/abs/1801.04381
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from .base import LayerStyle, Size, positive_integers, stage_strides
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

# Table 2 of the paper: expansion, width, how many, whether the first has a stride.
TABLE = (
    (1, 16, 1, False),
    (6, 24, 2, True),
    (6, 32, 3, True),
    (6, 64, 4, True),
    (6, 96, 3, False),
    (6, 160, 3, True),
    (6, 320, 1, False),
)
BLOCKS = tuple(
    InvertedResidual(expansion, width, halves=halves and place == 0)
    for expansion, width, count, halves in TABLE
    for place in range(count)
)


@register("mobilenet-v2")
def mobilenet_v2(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    *,
    alpha: float = 1.0,
    depth: float = 1.0,
    strides: Sequence[Size] = (2, 2, 2, 2, 2),
    last_width: int | None = None,
) -> keras.KerasTensor:
    """Seventeen inverted residuals; 48 x 144 becomes 2 x 5 x 1280 by default.

        image - conv3x3, stride - BN - ReLU6 - 17 blocks - conv1x1 - BN - ReLU6

    Args:
        inputs: `[batch, height, width, channels]`, floating point.
        style: the defaults of convolutions and normalisations.
        alpha: multiplies every width but the last, which it only raises.
        depth: the share of each row's blocks that are built, rounded up.
        strides: of the stem and of the blocks that first put out 24, 32, 64 and 160 channels,
            integers or (height, width): `[2, 2, 2, [2, 1], [2, 1]]` keeps 18 of 144 columns.
        last_width: channels of the map; None: 1280. The original has 512.

    Raises:
        ValueError: a bad option, with what was received.
    """
    alpha, depth = check_alpha(alpha), check_depth(depth)
    steps = stage_strides(strides, HALVINGS)
    last_width = rounded(1280 * max(alpha, 1.0)) if last_width is None else last_width
    (last_width,) = positive_integers("last_width", [last_width], 1)
    x = style.conv_norm(inputs, rounded(32 * alpha), 3, steps[0], name="stem")
    x = activate(x, "relu6", name="stem_relu")
    x = inverted_residuals(x, style, BLOCKS, steps[1:], alpha, depth)
    x = style.conv_norm(x, last_width, 1, name="last")
    return activate(x, "relu6", name="last_relu")

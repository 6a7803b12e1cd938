"""MobileNet (v1): depthwise and pointwise convolutions in turn.

Reference: Howard et al., MobileNets, https://arxiv.org/abs/1704.04861
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from .base import LayerStyle, Size, stage_strides
from .mobile import HALVINGS, activate, check_alpha, check_depth, shortened
from .registry import register

# Channels that each depthwise and pointwise pair puts out; the pairs with a stride stand first.
GROUPS = ((64,), (128, 128), (256, 256), (512, 512, 512, 512, 512, 512), (1024, 1024))


@register("mobilenet")
def mobilenet(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    *,
    alpha: float = 1.0,
    depth: float = 1.0,
    strides: Sequence[Size] = (2, 2, 2, 2, 2),
) -> keras.KerasTensor:
    """Thirteen separable convolutions; 48 x 144 becomes 2 x 5 x 1024 by default.

        image - conv3x3, stride - BN - ReLU6 - 13 pairs
        pair: depthwise3x3 - BN - ReLU6 - conv1x1 - BN - ReLU6

    Args:
        inputs: `[batch, height, width, channels]`, floating point.
        style: the defaults of convolutions and normalisations.
        alpha: multiplies every width.
        depth: the share of the pairs of each width that are built, rounded up.
        strides: of the stem and of the pairs that first put out 128, 256, 512 and 1024 channels,
            integers or (height, width): `[2, 2, 2, [2, 1], [2, 1]]` keeps 18 of 144 columns.

    Raises:
        ValueError: a bad option, with what was received.
    """
    alpha, depth = check_alpha(alpha), check_depth(depth)
    steps = stage_strides(strides, HALVINGS)
    x = style.conv_norm(inputs, int(32 * alpha), 3, steps[0], name="stem")
    x = activate(x, "relu6", name="stem_relu")
    index = 0
    for group, widths in enumerate(GROUPS):
        for place, width in enumerate(widths[: shortened(len(widths), depth)]):
            index += 1
            # The first group has no stride: the stem had it.
            stride = steps[group] if place == 0 and group else (1, 1)
            x = style.depthwise_norm(x, 3, stride, name=f"pair{index}_depthwise")
            x = activate(x, "relu6", name=f"pair{index}_depthwise_relu")
            x = style.conv_norm(x, int(width * alpha), 1, name=f"pair{index}_pointwise")
            x = activate(x, "relu6", name=f"pair{index}_pointwise_relu")
    return x

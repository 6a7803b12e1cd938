"""ResNet18 with pre-activation, as the original has it: normalised before each convolution.

Reference: He et al., Identity Mappings in Deep Residual Networks, https://arxiv.org/abs/1603.05027
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from .base import LayerStyle, Size
from .registry import register
from .residual import STAGES, ResidualPlan, pool, stages


@register("resnet18-v2")
def resnet18_v2(
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
    """Four stages of pre-activated blocks; 48 x 144 becomes 2 x 5 x 512 by default.

        image - conv3x3 - maxpool3x3 - stage 1 - stage 2 - stage 3 - stage 4 - BN - ReLU

    The sum that runs through the network is never activated. A stage's projection sees the
    activated tensor and has a normalisation (the original's; the paper's has none).

    Args:
        inputs, style, widths, blocks, strides, stem_stride, stem_width, stem_pool: as of
            `resnet18`.

    Raises:
        ValueError: a bad option, with what was received.
    """
    plan = ResidualPlan.of(widths, blocks, strides, stem_stride, stem_width, stem_pool)

    def block(
        x: keras.KerasTensor, width: int, strides: tuple[int, int], project: bool, name: str
    ) -> keras.KerasTensor:
        return _preactivated_block(x, style, width, strides, project=project, name=name)

    x = style.conv(inputs, plan.stem_width, 3, plan.stem_stride, name="stem_conv")
    x = stages(pool(x, plan), plan, [block] * STAGES)
    x = style.norm(x, name="last_bn")
    return layers.ReLU(name="last_relu")(x)


def _preactivated_block(
    x: keras.KerasTensor,
    style: LayerStyle,
    width: int,
    strides: tuple[int, int],
    *,
    project: bool,
    name: str,
) -> keras.KerasTensor:
    """Two 3x3 convolutions beside the identity, or beside a projection.

    x - BN - ReLU -+- conv3x3, stride - BN - ReLU - conv3x3 -+-
                   +- conv1x1, stride - BN ------------------+     (projecting)
    x -------------------------------------------------------+     (otherwise)
    """
    active = layers.ReLU(name=f"{name}_0_relu")(style.norm(x, name=f"{name}_0_bn"))
    residual = style.conv_norm(active, width, 3, strides, name=f"{name}_1")
    residual = layers.ReLU(name=f"{name}_1_relu")(residual)
    residual = style.conv(residual, width, 3, name=f"{name}_2_conv")
    if project:
        x = style.conv_norm(active, width, 1, strides, name=f"{name}_shortcut")
    return layers.Add(name=f"{name}_add")([x, residual])

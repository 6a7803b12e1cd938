"""ResNet18 of the original: a 3x3 stem, basic blocks, a projection at every stage's beginning.

Reference: He et al., Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from .base import LayerStyle, Size, as_pair, positive_integers
from .registry import register

STAGES = 4


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

    Raises:
        ValueError: a bad option, with what was received.
    """
    widths = positive_integers("widths", widths, STAGES)
    blocks = positive_integers("blocks", blocks, STAGES)
    if not isinstance(strides, (list, tuple)) or len(strides) != STAGES:
        raise ValueError(f"strides wants {STAGES} values. Received: {strides!r}")
    stage_strides = [as_pair("strides", stride) for stride in strides]
    stem_width = widths[0] if stem_width is None else stem_width
    (stem_width,) = positive_integers("stem_width", [stem_width], 1)

    x = style.conv_norm(inputs, stem_width, 3, as_pair("stem_stride", stem_stride), name="stem")
    if stem_pool:
        x = layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)
    x = layers.ReLU(name="stem_relu")(x)
    for stage in range(STAGES):
        for block in range(blocks[stage]):
            x = _basic_block(
                x,
                style,
                widths[stage],
                stage_strides[stage] if block == 0 else (1, 1),
                project=block == 0,
                name=f"stage{stage + 1}_block{block + 1}",
            )
    return x


def _basic_block(
    x: keras.KerasTensor,
    style: LayerStyle,
    width: int,
    strides: tuple[int, int],
    *,
    project: bool,
    name: str,
) -> keras.KerasTensor:
    """Two 3x3 convolutions beside an identity, or beside a projection.

    x -+- conv3x3, stride - BN - ReLU - conv3x3 - BN -+- ReLU
       +- (conv1x1, stride - BN) ---------------------+
    """
    residual = style.conv_norm(x, width, 3, strides, name=f"{name}_1")
    residual = layers.ReLU(name=f"{name}_1_relu")(residual)
    residual = style.conv_norm(residual, width, 3, name=f"{name}_2")
    if project:
        x = style.conv_norm(x, width, 1, strides, name=f"{name}_shortcut")
    x = layers.Add(name=f"{name}_add")([x, residual])
    return layers.ReLU(name=f"{name}_relu")(x)

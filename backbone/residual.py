"""What the residual networks share: their options, the stem, and the order of their blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
from keras import layers

from .base import LayerStyle, Size, as_pair, positive_integers, stage_strides
from .low_rank import ConvNorm

STAGES = 4

# (x, width, strides, project, name) to the block's output.
Block = Callable[[keras.KerasTensor, int, tuple[int, int], bool, str], keras.KerasTensor]


@dataclass(frozen=True)
class ResidualPlan:
    """The checked options of a residual network.

    Attributes:
        widths: channels that each stage puts out.
        blocks: residual blocks of each stage.
        strides: (height, width) of each stage's first block.
        stem_stride: (height, width) of the first convolution.
        stem_width: channels of the first convolution.
        stem_pool: whether the 3x3 max pooling, which halves both sides, follows the stem.
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    strides: tuple[tuple[int, int], ...]
    stem_stride: tuple[int, int]
    stem_width: int
    stem_pool: bool

    @classmethod
    def of(
        cls,
        widths: Sequence[int],
        blocks: Sequence[int],
        strides: Sequence[Size],
        stem_stride: Size,
        stem_width: int | None,
        stem_pool: bool,
    ) -> ResidualPlan:
        """Checks what a user gave; no `stem_width` means the first stage's.

        Raises:
            ValueError: a bad option, with what was received.
        """
        widths = positive_integers("widths", widths, STAGES)
        stem_width = widths[0] if stem_width is None else stem_width
        return cls(
            widths,
            positive_integers("blocks", blocks, STAGES),
            stage_strides(strides, STAGES),
            as_pair("stem_stride", stem_stride),
            positive_integers("stem_width", [stem_width], 1)[0],
            stem_pool,
        )


def stem(x: keras.KerasTensor, style: LayerStyle, plan: ResidualPlan) -> keras.KerasTensor:
    """conv3x3 - BN - (maxpool3x3) - ReLU: pooling first, as the original has it."""
    x = style.conv_norm(x, plan.stem_width, 3, plan.stem_stride, name="stem")
    x = pool(x, plan)
    return layers.ReLU(name="stem_relu")(x)


def pool(x: keras.KerasTensor, plan: ResidualPlan) -> keras.KerasTensor:
    """The stem's max pooling, where the plan has one."""
    if not plan.stem_pool:
        return x
    return layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)


def stages(x: keras.KerasTensor, plan: ResidualPlan, kinds: Sequence[Block]) -> keras.KerasTensor:
    """All stages, each of its kind of block; the first of each has its stride and a projection."""
    for stage, block in enumerate(kinds):
        for index in range(plan.blocks[stage]):
            first = index == 0
            x = block(
                x,
                plan.widths[stage],
                plan.strides[stage] if first else (1, 1),
                first,
                f"stage{stage + 1}_block{index + 1}",
            )
    return x


def join(
    x: keras.KerasTensor,
    residual: keras.KerasTensor,
    conv_norm: ConvNorm,
    strides: tuple[int, int],
    project: bool,
    name: str,
) -> keras.KerasTensor:
    """The residual beside an identity, or beside a projection, added and activated.

    x -+-------- residual --------+- ReLU
       +- (conv1x1, stride - BN) -+
    """
    if project:
        x = conv_norm(x, residual.shape[-1], 1, strides, name=f"{name}_shortcut")
    x = layers.Add(name=f"{name}_add")([x, residual])
    return layers.ReLU(name=f"{name}_relu")(x)


def check_multiples(widths: Sequence[int], divisor_of: Callable[[int], int], why: str) -> None:
    """Refuses widths that cannot be shared out evenly.

    Raises:
        ValueError: a width that is no multiple of `divisor_of(width)`.
    """
    for width in widths:
        if width % divisor_of(width):
            raise ValueError(
                f"widths wants multiples of {divisor_of(width)} here, {why}. Received: {width}"
            )

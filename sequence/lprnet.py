"""LPRNet: plates column by column with convolutions alone, 0.45 million parameters.

Reference: Zherzdev and Gruzdev 2018, https://arxiv.org/abs/1806.10447. The structure is that of
github.com/sirius-ai/LPRNet_Pytorch, from which only the global context differs: its mean is over
each picture, not over the batch, so that an answer does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from ..backbone.base import LayerStyle, Size, positive_integers
from .context import ContextScale
from .parts import Encoded, HeightMean, relu
from .registry import register

_LAST_KERNEL = 13  # rows that the convolution over the height joins
_SMALLEST = (_LAST_KERNEL + 8, 20)


@register("lprnet")
def lprnet(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    classes: int,
    dropout: float,
    *,
    widths: Sequence[int] = (64, 128, 256, 256),
) -> Encoded:
    """24 x 94 becomes 18 columns.

    Args:
        inputs: `[batch, h, w, c]`.
        style: the defaults of convolutions and normalisations.
        classes: of which it makes the logits itself.
        dropout: before the last two convolutions; the public implementation's is 0.5.
        widths: channels after the first convolution, the first, the second and third block.
    """
    first, second, third, last = positive_integers("widths", widths, 4)
    if any(width % 4 for width in (second, third, last)):
        raise ValueError(f"widths wants multiples of 4 behind the first. Received: {list(widths)}")
    if inputs.shape[1] < _SMALLEST[0] or inputs.shape[2] < _SMALLEST[1]:
        raise ValueError(f"it wants at least {_SMALLEST} pixels. Received: {inputs.shape}")
    x, kept = _features(inputs, style, first, second, third, last)
    # Characters, column by column: 16 x 18 x 256, 4 x 18 x classes.
    x = _dropped(x, dropout, "lprnet_dropout1")
    x = style.conv(x, last, (1, 4), padding="valid", bias=True, name="lprnet_conv2")
    x = relu(style.norm(x, name="lprnet_conv2_bn"), "lprnet_conv2")
    plate = layers.GlobalAveragePooling2D(name="plate")(x)
    x = _dropped(x, dropout, "lprnet_dropout2")
    x = style.conv(x, classes, (_LAST_KERNEL, 1), padding="valid", bias=True, name="lprnet_conv3")
    x = relu(style.norm(x, name="lprnet_conv3_bn"), "lprnet_conv3")
    # The picture's context beside each of them: 18 x (448 + classes). Logits are linear in it:
    # their mean over the height is that of the mean.
    size = (x.shape[1], x.shape[2])
    context = [_context(maps, size, f"lprnet_context{i}") for i, maps in enumerate(kept, 1)]
    context.append(ContextScale(classes, name="lprnet_context4")(x))
    x = layers.Concatenate(name="lprnet_context")(context)
    x = HeightMean(name="lprnet_columns")(x)
    return Encoded(layers.Dense(classes, name="lprnet_logits")(x), plate, logits=True)


def _features(
    x: keras.KerasTensor, style: LayerStyle, first: int, second: int, third: int, last: int
) -> tuple[keras.KerasTensor, list[list[keras.KerasTensor]]]:
    """The features that characters are made of, and the maps that are their context.

    Maps are 22 x 92 x 64, 20 x 90 x 128, 18 x 44 x 256, features 16 x 21 x 64.
    """
    x = style.conv(x, first, 3, padding="valid", bias=True, name="lprnet_conv1")
    x = edges = relu(style.norm(x, name="lprnet_conv1_bn"), "lprnet_conv1")
    x = layers.MaxPooling2D(3, strides=1, name="lprnet_pool1")(x)
    x = _inner(x, style, second // 4, "lprnet_block1")
    strokes = _parted(x, style, second, 2, "lprnet_block1")
    x = layers.MaxPooling2D(3, strides=(1, 2), name="lprnet_pool2")(strokes[0])
    x = _inner(x, style, third // 4, "lprnet_block2")
    x = _outer(x, style, third, "lprnet_block2")
    x = _inner(x, style, last // 4, "lprnet_block3")
    signs = _parted(x, style, last, 4, "lprnet_block3")
    x = layers.MaxPooling2D(3, strides=(1, 2), name="lprnet_pool3")(signs[0])
    return x, [[edges], strokes, signs]


def _inner(x: keras.KerasTensor, style: LayerStyle, width: int, name: str) -> keras.KerasTensor:
    """1 x 1, 3 x 1, 1 x 3: a block's convolutions but its last."""
    kernels: tuple[Size, ...] = (1, (3, 1), (1, 3))
    for number, kernel in enumerate(kernels, 1):
        x = style.conv(x, width, kernel, bias=True, name=f"{name}_conv{number}")
        x = relu(x, f"{name}_conv{number}")
    return x


def _outer(x: keras.KerasTensor, style: LayerStyle, width: int, name: str) -> keras.KerasTensor:
    """1 x 1: a block's last convolution, or a part of it."""
    x = style.conv(x, width, 1, bias=True, name=f"{name}_conv4")
    return relu(style.norm(x, name=f"{name}_bn"), name)


def _parted(
    x: keras.KerasTensor, style: LayerStyle, width: int, parts: int, name: str
) -> list[keras.KerasTensor]:
    """A block's channels: the first of so many parts goes on, the others are context alone.

    The public network picks every second, every fourth channel by a pooling's stride. Which they
    are is the same to it, and made apart they need no picking.
    """
    on = width // parts
    return [_outer(x, style, on, name), _outer(x, style, width - on, f"{name}_aside")]


def _context(
    maps: Sequence[keras.KerasTensor], size: tuple[int, int], name: str
) -> keras.KerasTensor:
    """Maps averaged to the last one's size and its columns, in proportion to their strength."""
    pools = [_pool(old, new) for old, new in zip(maps[0].shape[1:3], size, strict=True)]
    kernel, strides = zip(*pools, strict=True)
    pooled = [
        layers.AveragePooling2D(kernel, strides=strides, name=f"{name}_pool{number}")(x)
        for number, x in enumerate(maps, 1)
    ]
    x = layers.Concatenate(name=f"{name}_maps")(pooled) if len(pooled) > 1 else pooled[0]
    return ContextScale(x.shape[-1], name=name)(x)


def _pool(old: int, new: int) -> tuple[int, int]:
    """Kernel and stride that make `new` values of `old`; a longer kernel where they do not divide.

    >>> _pool(22, 4), _pool(92, 18), _pool(18, 4), _pool(44, 18)
    ((5, 5), (5, 5), (4, 4), (10, 2))
    """
    stride = old // new
    exact = (old - stride) // stride + 1 == new
    return (stride if exact else old - (new - 1) * stride), stride


def _dropped(x: keras.KerasTensor, share: float, name: str) -> keras.KerasTensor:
    return layers.Dropout(share, name=name)(x) if share else x

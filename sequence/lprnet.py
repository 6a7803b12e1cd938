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
from .context import ChannelPick, ContextScale
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
    if inputs.shape[1] < _SMALLEST[0] or inputs.shape[2] < _SMALLEST[1]:
        raise ValueError(f"it wants at least {_SMALLEST} pixels. Received: {inputs.shape}")
    kept = []
    # 1. Features: 22 x 92 x 64, 20 x 90 x 128, 18 x 44 x 256.
    x = style.conv(inputs, first, 3, padding="valid", bias=True, name="lprnet_conv1")
    x = relu(style.norm(x, name="lprnet_conv1_bn"), "lprnet_conv1")
    kept.append(x)
    x = layers.MaxPooling2D(3, strides=1, name="lprnet_pool1")(x)
    x = _block(x, style, second, "lprnet_block1")
    kept.append(x)
    x = ChannelPick(range(0, second, 2), name="lprnet_pick2")(x)
    x = layers.MaxPooling2D(3, strides=(1, 2), name="lprnet_pool2")(x)
    x = _block(x, style, third, "lprnet_block2")
    x = _block(x, style, last, "lprnet_block3")
    kept.append(x)
    x = ChannelPick(range(0, last, 4), name="lprnet_pick3")(x)
    x = layers.MaxPooling2D(3, strides=(1, 2), name="lprnet_pool3")(x)
    # 2. Characters, column by column: 16 x 18 x 256, 4 x 18 x classes.
    x = _dropped(x, dropout, "lprnet_dropout1")
    x = style.conv(x, last, (1, 4), padding="valid", bias=True, name="lprnet_conv2")
    x = relu(style.norm(x, name="lprnet_conv2_bn"), "lprnet_conv2")
    plate = layers.GlobalAveragePooling2D(name="plate")(x)
    x = _dropped(x, dropout, "lprnet_dropout2")
    x = style.conv(x, classes, (_LAST_KERNEL, 1), padding="valid", bias=True, name="lprnet_conv3")
    x = relu(style.norm(x, name="lprnet_conv3_bn"), "lprnet_conv3")
    # 3. The picture's context beside each of them: 4 x 18 x (448 + classes).
    size = (x.shape[1], x.shape[2])
    context = [_context(each, size, f"lprnet_context{i}") for i, each in enumerate(kept, 1)]
    context.append(ContextScale(classes, name="lprnet_context4")(x))
    x = layers.Concatenate(name="lprnet_context")(context)
    # Logits are linear in it: their mean over the height is that of the mean.
    x = HeightMean(name="lprnet_columns")(x)
    return Encoded(layers.Dense(classes, name="lprnet_logits")(x), plate, logits=True)


def _block(x: keras.KerasTensor, style: LayerStyle, width: int, name: str) -> keras.KerasTensor:
    """1 x 1, 3 x 1, 1 x 3, 1 x 1, the inner ones a quarter as wide."""
    if width % 4:
        raise ValueError(f"widths wants multiples of 4. Received: {width!r}")
    kernels: tuple[Size, ...] = (1, (3, 1), (1, 3))
    for number, kernel in enumerate(kernels, 1):
        x = style.conv(x, width // 4, kernel, bias=True, name=f"{name}_conv{number}")
        x = relu(x, f"{name}_conv{number}")
    x = style.conv(x, width, 1, bias=True, name=f"{name}_conv4")
    return relu(style.norm(x, name=f"{name}_bn"), name)


def _context(x: keras.KerasTensor, size: tuple[int, int], name: str) -> keras.KerasTensor:
    """A map averaged to the last one's size, in the proportion that its own strength leaves."""
    pools = [_pool(old, new) for old, new in zip(x.shape[1:3], size, strict=True)]
    kernel, strides = zip(*pools, strict=True)
    x = layers.AveragePooling2D(kernel, strides=strides, name=f"{name}_pool")(x)
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

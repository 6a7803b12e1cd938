"""ResNet features and two bidirectional LSTMs: the second stages of Baek et al. 2019.

Reference: as of `vgg_bilstm.py`; the residual network is that of Cheng et al. 2017 (FAN),
https://arxiv.org/abs/1709.02054.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from ..backbone.base import LayerStyle, positive_integers
from .parts import Encoded, halved_rows, relu
from .registry import register
from .vgg_bilstm import context_of

_STAGES = 4


@register("resnet-bilstm")
def resnet_bilstm(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    classes: int,
    dropout: float,
    *,
    width: int = 512,
    hidden: int = 256,
    blocks: Sequence[int] = (1, 2, 5, 3),
    unfold: bool = False,
) -> Encoded:
    """32 x 100 becomes 26 columns.

    Args:
        inputs: `[batch, h, w, c]`.
        style: the defaults of convolutions and normalisations.
        classes: not used.
        dropout: before and behind each LSTM.
        width: channels of the last two stages.
        hidden: of each direction of the LSTMs.
        blocks: residual blocks of each of the four stages.
        unfold: the last map of 32 x 100 keeps two rows, whose columns follow one another, 52 in
            all: so a plate of two rows is read like a line. The published one has a single row.
    """
    del classes
    blocks = positive_integers("blocks", blocks, _STAGES)
    x = inputs
    for number, share in ((1, 16), (2, 8)):
        x = relu(style.conv_norm(x, width // share, name=f"stem{number}"), f"stem{number}")
    for stage, (count, share) in enumerate(zip(blocks, (4, 2, 1, 1), strict=True), 1):
        name = f"stage{stage}"
        if stage < 3:
            x = layers.MaxPooling2D(2, name=f"{name}_pool")(x)
        elif stage == 3:
            x = halved_rows(x, (0, 1), f"{name}_pool")
        for number in range(1, count + 1):
            x = _block(x, style, width // share, f"{name}_block{number}")
        if stage < _STAGES:
            x = relu(style.conv_norm(x, width // share, name=f"{name}_end"), f"{name}_end")
    x = layers.ZeroPadding2D((0, 1), name="end1_pad")(x)
    x = _last(x, style, width, (1 if unfold else 2, 1), "end1")
    x = _last(x, style, width, (1, 1), "end2")
    return context_of(x, hidden, dropout, unfold)


def _block(x: keras.KerasTensor, style: LayerStyle, width: int, name: str) -> keras.KerasTensor:
    """Two convolutions beside the map as it is, or projected where its width changes."""
    straight = x
    if x.shape[-1] != width:
        straight = style.conv_norm(x, width, 1, name=f"{name}_project")
    x = relu(style.conv_norm(x, width, name=f"{name}_1"), f"{name}_1")
    x = style.conv_norm(x, width, name=f"{name}_2")
    return relu(layers.Add(name=f"{name}_add")([x, straight]), name)


def _last(
    x: keras.KerasTensor, style: LayerStyle, width: int, strides: tuple[int, int], name: str
) -> keras.KerasTensor:
    """A 2 x 2 convolution that keeps to the map."""
    x = style.conv(x, width, 2, strides, padding="valid", name=f"{name}_conv")
    return relu(style.norm(x, name=f"{name}_bn"), name)

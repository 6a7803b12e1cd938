"""VGG features and two bidirectional LSTMs: the second stages of Baek et al. 2019.

Reference: What is wrong with scene text recognition model comparisons?,
https://arxiv.org/abs/1904.01906, github.com/clovaai/deep-text-recognition-benchmark.
"""

from __future__ import annotations

import keras
from keras import layers

from ..backbone.base import LayerStyle
from .parts import Encoded, HeightMean, bilstm, encoded, relu
from .registry import register


@register("vgg-bilstm")
def vgg_bilstm(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    classes: int,
    dropout: float,
    *,
    width: int = 512,
    hidden: int = 256,
) -> Encoded:
    """32 x 100 becomes 24 columns.

    Args:
        inputs: `[batch, h, w, c]`.
        style: the defaults of convolutions and normalisations.
        classes: not used.
        dropout: before and behind each LSTM.
        width: channels of the last convolutions.
        hidden: of each direction of the LSTMs.
    """
    del classes
    x = inputs
    for number, share in enumerate((8, 4, 2, 2), 1):
        x = style.conv(x, width // share, bias=True, name=f"vgg_conv{number}")
        x = relu(x, f"vgg_conv{number}")
        if number in (1, 2):
            x = layers.MaxPooling2D(2, name=f"vgg_pool{number}")(x)
    x = layers.MaxPooling2D((2, 1), name="vgg_pool4")(x)
    for number in (5, 6):
        x = relu(style.conv_norm(x, width, name=f"vgg_{number}"), f"vgg_{number}")
    x = layers.MaxPooling2D((2, 1), name="vgg_pool6")(x)
    x = style.conv(x, width, 2, padding="valid", bias=True, name="vgg_conv7")
    return context_of(relu(x, "vgg_conv7"), hidden, dropout)


def context_of(
    features: keras.KerasTensor, hidden: int, dropout: float, unfold: bool = False
) -> Encoded:
    """Columns of a feature map `[batch, h, w, c]` that know of one another, by two LSTMs.

    `[batch, w, c]`, means over the height; with `unfold` `[batch, 2 w, c]`, the upper row's and
    then the lower one's.

    Raises:
        ValueError: a map to unfold that has not two rows.
    """
    if unfold:
        if features.shape[1] != 2:
            raise ValueError(
                f"unfold wants a picture whose last map has two rows, as one 32 high; this one's "
                f"has {features.shape[1]}"
            )
        columns = layers.Reshape((-1, features.shape[-1]), name="columns")(features)
    else:
        columns = HeightMean(name="columns")(features)
    plate = encoded(columns).plate
    if dropout:
        columns = layers.Dropout(dropout, name="columns_dropout")(columns)
    for number in (1, 2):
        columns = bilstm(columns, hidden, hidden, dropout, f"context{number}")
    return Encoded(columns, plate)

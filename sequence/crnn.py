"""The classic CRNN: seven convolutions and two bidirectional LSTMs.

Reference: Shi et al. 2015, https://arxiv.org/abs/1507.05717; github.com/meijieru/crnn.pytorch.
"""

from __future__ import annotations

import keras
from keras import layers

from ..backbone.base import LayerStyle
from .parts import Encoded, HeightMean, bilstm, encoded, halved_rows, relu
from .registry import register

# Of each convolution: its share of the last one's channels, and whether it is normalised.
_CONVOLUTIONS = ((8, False), (4, False), (2, True), (2, False), (1, True), (1, False))


@register("crnn")
def crnn(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    classes: int,
    dropout: float,
    *,
    width: int = 512,
    hidden: int = 256,
) -> Encoded:
    """32 x 100 becomes 26 columns; the logits are made by the second LSTM's linear map.

    Args:
        inputs: `[batch, h, w, c]`.
        style: the defaults of convolutions and normalisations.
        classes: of the characters.
        dropout: before and behind the first LSTM.
        width: channels of the last convolutions.
        hidden: of each direction of the LSTMs.
    """
    x = inputs
    for number, (share, normalised) in enumerate(_CONVOLUTIONS, 1):
        x = _convolution(x, style, width // share, 3, normalised, f"crnn_conv{number}")
        if number in (1, 2):
            x = layers.MaxPooling2D(2, name=f"crnn_pool{number}")(x)
        elif number in (4, 6):
            x = halved_rows(x, (0, 1), f"crnn_pool{number}")
    x = _convolution(x, style, width, 2, True, "crnn_conv7", padding="valid")
    columns = HeightMean(name="crnn_columns")(x)
    plate = encoded(columns).plate
    if dropout:
        columns = layers.Dropout(dropout, name="crnn_dropout")(columns)
    columns = bilstm(columns, hidden, hidden, dropout, "crnn_1")
    return Encoded(bilstm(columns, hidden, classes, 0.0, "crnn_2"), plate, logits=True)


def _convolution(
    x: keras.KerasTensor,
    style: LayerStyle,
    filters: int,
    kernel: int,
    normalised: bool,
    name: str,
    padding: str = "same",
) -> keras.KerasTensor:
    x = style.conv(x, filters, kernel, padding=padding, bias=True, name=name)
    return relu(style.norm(x, name=f"{name}_bn") if normalised else x, name)

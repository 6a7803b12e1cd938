"""CRNN with layer normalisation in place of batch normalisation and attention in place of LSTMs.

9,244,610 parameters with 66 classes at 32 x 100. A layer normalisation over channels, height and
width learns a gain for every place of the map.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from ..backbone.base import LayerStyle
from .parts import Encoded, HeightMean, encoded, freeze_parts, halved_rows, relu
from .registry import register

_EPSILON = 1e-5
# Of each convolution: its share of the last one's channels, and whether it is normalised.
_CONVOLUTIONS = ((8, False), (4, False), (2, True), (2, False), (1, True), (1, False))


@register("crnn-attention")
def crnn_attention(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    classes: int,
    dropout: float,
    *,
    width: int = 512,
    heads: int = 8,
) -> Encoded:
    """32 x 100 becomes 21 columns.

    Args:
        inputs: `[batch, h, w, c]`.
        style: the decay of convolutions.
        classes: not used.
        dropout: of attention's weights and of what each block adds.
        width: channels of the last convolutions.
        heads: of attention; they divide `width`.
    """
    del classes
    if width % heads:
        raise ValueError(f"heads wants a divisor of the width, {width}. Received: {heads!r}")
    x = inputs
    for number, (share, normalised) in enumerate(_CONVOLUTIONS, 1):
        x = _convolution(x, style, width // share, normalised, f"crnn_conv{number}")
        if number in (1, 2):
            x = layers.MaxPooling2D(2, name=f"crnn_pool{number}")(x)
        elif number in (4, 6):
            x = halved_rows(x, (1, 0), f"crnn_pool{number}")
    x = _convolution(x, style, width, True, "crnn_conv7", padding="valid")
    columns = HeightMean(name="crnn_columns")(x)
    for number in (1, 2):
        columns = _block(columns, heads, dropout, f"crnn_attention{number}")
    return encoded(columns)


def _convolution(
    x: keras.KerasTensor,
    style: LayerStyle,
    filters: int,
    normalised: bool,
    name: str,
    padding: str = "same",
) -> keras.KerasTensor:
    x = style.conv(x, filters, 3, padding=padding, bias=True, name=name)
    if normalised:
        x = layers.LayerNormalization(axis=(1, 2, 3), epsilon=_EPSILON, name=f"{name}_ln")(x)
    return relu(x, name)


def _block(x: keras.KerasTensor, heads: int, dropout: float, name: str) -> keras.KerasTensor:
    """What each column gathers from all, added to it and normalised."""
    width = x.shape[-1]
    gathered = SelfAttention(heads, width // heads, dropout=dropout, name=name)(x)
    if dropout:
        gathered = layers.Dropout(dropout, name=f"{name}_dropout")(gathered)
    x = layers.Add(name=f"{name}_add")([x, gathered])
    return layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_ln")(x)


@keras.saving.register_keras_serializable(package="chepai")
class SelfAttention(layers.MultiHeadAttention):
    """Keras's attention, of a sequence to itself: `[batch, steps, channels]` to the same.

    Arguments and weights are those of `keras.layers.MultiHeadAttention`.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the four maps."""
        super().build(input_shape, input_shape, input_shape)
        freeze_parts(self)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """`[batch, steps, channels]` to the same."""
        return super().call(inputs, inputs, training=training)

    def compute_output_spec(self, inputs: Any, training: bool | None = None) -> Any:
        """As the input."""
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's."""
        return tuple(input_shape)

    def multiply_adds(self) -> int:
        """Of the four maps, at every step."""
        _, steps, width = self.input.shape
        return 4 * steps * width * width

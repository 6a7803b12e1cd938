"""What encoders are made of, and what they give."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import layers, ops


class Encoded(NamedTuple):
    """What an encoder makes of a picture.

    Attributes:
        columns: `[batch, steps, channels]`, from left to right.
        plate: `[batch, channels]`, of the whole plate, for its colour and rows.
        logits: whether `columns` are the classes' logits already.
    """

    columns: keras.KerasTensor
    plate: keras.KerasTensor
    logits: bool = False


def encoded(columns: keras.KerasTensor) -> Encoded:
    """An encoder's columns, and their average for the whole plate."""
    return Encoded(columns, layers.GlobalAveragePooling1D(name="plate")(columns))


@keras.saving.register_keras_serializable(package="chepai")
class HeightMean(layers.Layer):
    """Columns, each the mean of its height: `[batch, h, w, c]` to `[batch, w, c]`.

    A pooling and a reshape say the same; of the reshape's size ONNX makes six operations.
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The mean over axis 1."""
        return ops.squeeze(inputs, 1) if inputs.shape[1] == 1 else ops.mean(inputs, axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """Without the height."""
        return (input_shape[0], *input_shape[2:])


def relu(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Its negative values are zero."""
    return layers.ReLU(name=f"{name}_relu")(x)


def halved_rows(x: keras.KerasTensor, pad: tuple[int, int], name: str) -> keras.KerasTensor:
    """The largest of each 2 x 2 values, every second row: `[batch, h / 2, w + …, c]`.

    Args:
        x: no value is negative, so that zeros round it are never the largest.
        pad: rows above and below, columns left and right.
    """
    x = layers.ZeroPadding2D(pad, name=f"{name}_pad")(x)
    return layers.MaxPooling2D(2, strides=(2, 1), name=name)(x)


def bilstm(
    x: keras.KerasTensor, hidden: int, outputs: int, dropout: float, name: str
) -> keras.KerasTensor:
    """An LSTM in both directions, then a linear map: `[batch, steps, c]` to `[…, outputs]`.

    Keras's LSTM has one bias vector where PyTorch's has two, which are added.

    Args:
        dropout: share of the map's results that is dropped in training.
    """
    both = layers.Bidirectional(layers.LSTM(hidden, return_sequences=True), name=f"{name}_lstm")
    x = layers.Dense(outputs, name=f"{name}_linear")(both(x))
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


def freeze_parts(layer: Any) -> None:
    """Makes the parts of a layer of layers as trainable as itself, at the end of its `build`.

    Keras hands it down when it changes, which for a file happens before the parts are there.
    """
    for part in layer._layers:
        part.trainable = layer.trainable

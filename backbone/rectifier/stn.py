"""A spatial transformer: a small network says how the picture is turned, sheared and shifted.

Reference: Jaderberg et al. 2015, https://arxiv.org/abs/1506.02025; the localisation network is that
of github.com/xuexingyu24/License_Plate_Detection_Pytorch.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import initializers, layers, ops

from ..base import LayerStyle
from .grid import regular_grid
from .sampling import sample

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_SMALLEST = 22  # a side of the picture that the two convolutions and poolings leave something of


def stn(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    *,
    width: int = 32,
    dropout: float = 0.0,
) -> keras.KerasTensor:
    """The picture by an affine map: conv 3, pool 2, conv 5, pool 3, dense, dense 6.

    Args:
        inputs: `[batch, h, w, c]`.
        style: its decay acts on the two convolutions.
        width: channels of the convolutions and of the hidden layer.
        dropout: share of the hidden layer that is dropped in training.
    """
    if min(inputs.shape[1:3]) < _SMALLEST:
        raise ValueError(f"it wants at least {_SMALLEST} pixels a side. Received: {inputs.shape}")
    x = style.conv(inputs, width, 3, padding="valid", bias=True, name="rectifier_conv1")
    x = layers.MaxPooling2D(2, name="rectifier_pool1")(x)
    x = layers.ReLU(name="rectifier_relu1")(x)
    x = style.conv(x, width, 5, padding="valid", bias=True, name="rectifier_conv2")
    x = layers.MaxPooling2D(3, name="rectifier_pool2")(x)
    x = layers.ReLU(name="rectifier_relu2")(x)
    x = layers.Flatten(name="rectifier_flatten")(x)
    x = layers.Dense(width, activation="relu", name="rectifier_hidden")(x)
    if dropout:
        x = layers.Dropout(dropout, name="rectifier_dropout")(x)
    theta = layers.Dense(
        len(IDENTITY),
        kernel_initializer="zeros",
        bias_initializer=initializers.Constant(np.array(IDENTITY)),
        dtype="float32",
        name="rectifier_theta",
    )(x)
    return AffineSampler(name="rectifier_sampler")([inputs, theta])


@keras.saving.register_keras_serializable(package="chepai")
class AffineSampler(layers.Layer):
    """Pictures seen through affine maps, in float32; outside of the picture lies zero."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """`[batch, h, w, c]` and maps `[batch, 6]` to `[batch, h, w, c]`.

        Place (x, y) shows what is at (t0 x + t1 y + t2, t3 x + t4 y + t5).
        """
        pictures, theta = inputs
        _, height, width, channels = pictures.shape
        places = regular_grid(height, width)
        basis = np.concatenate([places, np.ones((len(places), 1))], axis=1).T.astype("float32")
        x = ops.matmul(theta[:, :3], basis)
        y = ops.matmul(theta[:, 3:], basis)
        return ops.reshape(sample(pictures, x, y), (-1, height, width, channels))

    def undoing(self, matrices: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """The maps `[batch, 6]` that straighten pictures moved by `[batch, 2, 3]`.

        A matrix takes places in the straight picture to those in the moved one.
        """
        return matrices.reshape(-1, len(IDENTITY)).astype(np.float32)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> Any:
        """That of the pictures."""
        return tuple(input_shape[0])

"""Thin-plate splines: points along the plate's upper and lower edge say how the picture is bent.

Reference: Shi et al. 2016 (RARE), https://arxiv.org/abs/1603.03915; the localisation network is
that of Baek et al. 2019, https://arxiv.org/abs/1904.01906. It begins with the identity, where
theirs begins with an arc, which only text of scenes has.
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

FIDUCIALS = 20
_STAGES = 4


def tps(
    inputs: keras.KerasTensor,
    style: LayerStyle,
    *,
    width: int = 64,
    fiducials: int = FIDUCIALS,
    dropout: float = 0.0,
) -> keras.KerasTensor:
    """The picture by a thin-plate spline.

    Args:
        inputs: `[batch, h, w, c]`.
        style: the defaults of convolutions and normalisations.
        width: channels of the first of four convolutions; each has twice those before it.
        fiducials: points, half of them on the upper edge and half on the lower.
        dropout: share of the hidden layer that is dropped in training.
    """
    if fiducials < 4 or fiducials % 2:
        raise ValueError(f"fiducials wants an even number of at least 4. Received: {fiducials!r}")
    if min(inputs.shape[1:3]) < 2 ** (_STAGES - 1):
        raise ValueError(f"it wants at least 8 pixels a side. Received: {inputs.shape}")
    x = inputs
    for stage in range(_STAGES):
        x = style.conv_norm(x, width * 2**stage, name=f"rectifier_{stage + 1}")
        x = layers.ReLU(name=f"rectifier_{stage + 1}_relu")(x)
        if stage < _STAGES - 1:
            x = layers.MaxPooling2D(2, name=f"rectifier_{stage + 1}_pool")(x)
    x = layers.GlobalAveragePooling2D(name="rectifier_pool")(x)
    x = layers.Dense(4 * width, activation="relu", name="rectifier_hidden")(x)
    if dropout:
        x = layers.Dropout(dropout, name="rectifier_dropout")(x)
    points = layers.Dense(
        2 * fiducials,
        kernel_initializer="zeros",
        bias_initializer=initializers.Constant(fiducial_points(fiducials).ravel()),
        dtype="float32",
        name="rectifier_points",
    )(x)
    return SplineSampler(fiducials, name="rectifier_sampler")([inputs, points])


def fiducial_points(count: int) -> npt.NDArray[np.float64]:
    """Where the points lie in the straightened picture: x, y `[count, 2]`, the upper edge first."""
    x = np.linspace(-1, 1, count // 2)
    edges = [np.stack([x, np.full_like(x, y)], axis=1) for y in (-1.0, 1.0)]
    return np.concatenate(edges)


def spline_weights(
    places: npt.NDArray[np.float64], points: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """How much each point's position counts at each place, `[places, points]`.

    The spline through the points is linear in where they lie, so that one matrix makes the grid:
    with U(r) = r² ln r and the system of Bookstein 1989. Rows sum to 1.

    Args:
        places: x, y `[n, 2]` in the straightened picture.
        points: x, y `[m, 2]` in it, not all in one line.
    """
    count = len(points)
    system = np.zeros((count + 3, count + 3))
    system[:count] = _basis(points, points)
    system[count:, 3:] = np.concatenate([points, np.ones((count, 1))], axis=1).T
    return _basis(places, points) @ np.linalg.inv(system)[:, :count]


def _basis(
    places: npt.NDArray[np.float64], points: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """1, x, y and U of the distance to each point, `[places, 3 + points]`."""
    squared = ((places[:, None] - points[None]) ** 2).sum(-1)
    # U(0) = 0; r² ln r is half of r² ln r².
    radial = 0.5 * squared * np.log(np.where(squared > 0, squared, 1.0))
    return np.concatenate([np.ones((len(places), 1)), places, radial], axis=1)


@keras.saving.register_keras_serializable(package="chepai")
class SplineSampler(layers.Layer):
    """Pictures bent by thin-plate splines, in float32; beyond the border its pixels go on.

    Args:
        fiducials: how many points there are.
    """

    def __init__(self, fiducials: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.fiducials = fiducials

    def call(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """`[batch, h, w, c]` and points x, y, x, y, … `[batch, 2 fiducials]` to `[batch, h, w, c]`.

        What lies at a point in the picture is moved to that point's place on an edge.
        """
        pictures, points = inputs
        _, height, width, channels = pictures.shape
        fixed = fiducial_points(self.fiducials)
        weights = spline_weights(regular_grid(height, width), fixed).astype("float32").T
        pairs = ops.reshape(points, (-1, self.fiducials, 2))
        x, y = (ops.matmul(pairs[:, :, axis], weights) for axis in (0, 1))
        values = sample(pictures, x, y, padding="border")
        return ops.reshape(values, (-1, height, width, channels))

    def undoing(self, matrices: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """The points `[batch, 2 fiducials]` that straighten pictures moved by `[batch, 2, 3]`.

        A matrix takes places in the straight picture to those in the moved one.
        """
        fixed = fiducial_points(self.fiducials)
        moved = fixed @ matrices[:, :, :2].transpose(0, 2, 1) + matrices[:, None, :, 2]
        return moved.reshape(len(matrices), -1).astype(np.float32)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> Any:
        """That of the pictures."""
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "fiducials": self.fiducials}

"""Each head looks where its character is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import initializers, layers, ops

from ..backbone.base import DENSE_STDDEV

PLACE_STDDEV = 0.05  # of the plate's width: a third of a character's pitch
# What is far from a head's place is dim, not hidden: at e^-6 the rare kinds whose characters stand
# elsewhere (Macau's five, WJ in two rows) were still unread after 400,000 plates.
LOWEST_PLACE_BIAS = -3.0
Places = Sequence[float | None]


@keras.saving.register_keras_serializable(package="chepai")
class HeadAttention(layers.Layer):
    """Each head looks where its character is: a softmax over the map's positions for each head.

        features -+- conv1x1 - + position bias + layout - softmax over positions -+
                  +- mean over positions - dense -----------^                      |
                  +----------------------------------------------------------------+- weighted sum

    The layout moves all heads' places by what the whole plate looks like: those of a plate with
    two rows or five characters lie elsewhere. The position bias is learned for each head and
    position. Where a place is given it begins as a Gaussian round that column: heads that begin
    by looking everywhere at once need several times as many plates until they part. The softmax
    is in float32 whatever the precision of the model.

    Args:
        heads: how many.
        places: for each head where it looks at first, 0 (left) to 1 (right); None: everywhere.
            Nothing given is None for all.
        layout: whether the whole plate moves the places.
    """

    def __init__(
        self,
        heads: int,
        places: Sequence[float | None] = (),
        layout: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.heads = heads
        self.layout = layout
        self.places = tuple(places) or (None,) * heads
        if len(self.places) != heads:
            raise ValueError(f"places wants {heads} values. Received: {places!r}")

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Makes the weights for a map of `input_shape` `[batch, h, w, channels]`."""
        _, height, width, channels = input_shape
        self.kernel = self.add_weight(
            shape=(channels, self.heads),
            initializer=initializers.RandomNormal(stddev=DENSE_STDDEV),
            name="kernel",
        )
        self.position_bias = self.add_weight(
            shape=(height * width, self.heads),
            initializer=lambda shape, dtype: ops.convert_to_tensor(
                np.reshape(np.tile(place_biases(self.places, width), (height, 1)), shape), dtype
            ),
            name="position_bias",
        )
        if self.layout:
            self.layout_kernel = self.add_weight(
                shape=(channels, height * width * self.heads),
                initializer="zeros",
                name="layout_kernel",
            )

    def call(self, features: keras.KerasTensor) -> list[keras.KerasTensor]:
        """`[batch, h, w, channels]` to one `[batch, channels]` for each head."""
        _, height, width, channels = features.shape
        # All products are of two dimensions or of a batch: what exports without computed shapes.
        flat = ops.reshape(features, (-1, channels))  # [batch * positions, channels]
        logits = self._by_head(ops.cast(ops.matmul(flat, self.kernel), "float32"))
        logits = logits + ops.cast(ops.transpose(self.position_bias), "float32")
        positions = ops.reshape(features, (-1, height * width, channels))
        if self.layout:
            moves = ops.matmul(ops.mean(positions, axis=1), self.layout_kernel)
            logits = logits + ops.cast(self._by_head(moves), "float32")
        attention = ops.cast(ops.softmax(logits), features.dtype)  # [batch, heads, positions]
        seen = ops.reshape(ops.matmul(attention, positions), (-1, self.heads * channels))
        return list(ops.split(seen, self.heads, axis=1))

    def _by_head(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        """Logits of positions times heads, in any shape, as `[batch, heads, positions]`."""
        return ops.transpose(ops.reshape(logits, (-1, *self.position_bias.shape)), (0, 2, 1))

    def multiply_adds(self) -> int:
        """The kernel's at every position, and the layout's once, on the mean."""
        channels = self.kernel.shape[0]
        return channels * math.prod(self.position_bias.shape) * (2 if self.layout else 1)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> list[tuple[int | None, ...]]:
        """One `(batch, channels)` for each head."""
        return [(input_shape[0], input_shape[3])] * self.heads

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        options = {"heads": self.heads, "places": list(self.places), "layout": self.layout}
        return {**super().get_config(), **options}


def place_biases(places: Places, width: int) -> np.ndarray:
    """What attention's logits begin with: float32 `[width, heads]`, 0 at a head's place."""
    columns = (np.arange(width) + 0.5) / width
    biases = np.zeros((width, len(places)), np.float32)
    for head, place in enumerate(places):
        if place is not None:
            distance = (columns - place) / PLACE_STDDEV
            biases[:, head] = np.maximum(-0.5 * distance**2, LOWEST_PLACE_BIAS)
    return biases

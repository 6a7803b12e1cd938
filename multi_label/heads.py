"""From a feature map to one softmax for each head of the schema, in three ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import initializers, layers, ops

from ..backbone.base import LayerStyle
from ..plate.schema import Head

DENSE_STDDEV = 0.01
FLATTEN_WIDTH = 64
PLACE_STDDEV = 0.05  # of the plate's width: a third of a character's pitch
# What is far from a head's place is dim, not hidden: at e^-6 the rare kinds whose characters stand
# elsewhere (Macau's five, WJ in two rows) were still unread after 400,000 plates.
LOWEST_PLACE_BIAS = -3.0


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
        positions = ops.reshape(features, (-1, height * width, channels))
        logits = ops.cast(ops.matmul(positions, self.kernel), "float32")
        logits = logits + ops.cast(self.position_bias, "float32")
        if self.layout:
            moves = ops.matmul(ops.mean(positions, axis=1), self.layout_kernel)
            moves = ops.reshape(moves, (-1, height * width, self.heads))
            logits = logits + ops.cast(moves, "float32")
        attention = ops.cast(ops.softmax(logits, axis=1), features.dtype)
        seen = ops.matmul(ops.transpose(attention, (0, 2, 1)), positions)
        return [seen[:, head] for head in range(self.heads)]

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> list[tuple[int | None, ...]]:
        """One `(batch, channels)` for each head."""
        return [(input_shape[0], input_shape[3])] * self.heads

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        options = {"heads": self.heads, "places": list(self.places), "layout": self.layout}
        return {**super().get_config(), **options}


@keras.saving.register_keras_serializable(package="chepai")
class CharacterSoftmax(layers.Layer):
    """A softmax for each of several heads; what a character looks like is learned once for all.

    A head's kernel is the shared kernel's columns of its classes plus a kernel of its own, which
    begins at zero. So a head reads at once what others have learned, such as the rare province on
    third place, and its attention only has to find it. In float32 whatever the model's precision.

    Args:
        characters: for each head the row of each of its classes in the shared alphabet; -1 for a
            class that is not shared.
    """

    def __init__(self, characters: Sequence[Sequence[int]], **kwargs: Any) -> None:
        super().__init__(dtype="float32", **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.characters = tuple(tuple(head) for head in characters)

    def build(self, input_shape: Sequence[tuple[int, ...]]) -> None:
        """Makes the weights for one view `[batch, channels]` a head."""
        channels = input_shape[0][-1]
        alphabet = 1 + max(max(head) for head in self.characters)
        self.shared = self.add_weight(
            shape=(channels, alphabet),
            initializer=initializers.RandomNormal(stddev=DENSE_STDDEV),
            name="shared",
        )
        self.own = [
            self.add_weight(shape=(channels, len(head)), initializer="zeros", name=f"{i}_kernel")
            for i, head in enumerate(self.characters)
        ]
        self.biases = [
            self.add_weight(shape=(len(head),), initializer="zeros", name=f"{i}_bias")
            for i, head in enumerate(self.characters)
        ]
        # Products with ones and zeros: gathering's gradient is not deterministic everywhere.
        rows = np.arange(alphabet)[:, None]
        self._chosen = [(rows == np.array(head)).astype("float32") for head in self.characters]

    def call(self, views: Sequence[keras.KerasTensor]) -> list[keras.KerasTensor]:
        """One `[batch, channels]` a head to one `[batch, classes]` a head."""
        outputs = []
        for view, chosen, own, bias in zip(views, self._chosen, self.own, self.biases, strict=True):
            kernel = ops.matmul(self.shared, chosen) + own
            outputs.append(ops.softmax(ops.matmul(view, kernel) + bias))
        return outputs

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> list[tuple[int | None, ...]]:
        """One `(batch, classes)` for each head."""
        return [
            (shape[0], len(head)) for shape, head in zip(input_shape, self.characters, strict=True)
        ]

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "characters": [list(head) for head in self.characters]}


def place_biases(places: Sequence[float | None], width: int) -> np.ndarray:
    """What attention's logits begin with: float32 `[width, heads]`, 0 at a head's place."""
    columns = (np.arange(width) + 0.5) / width
    biases = np.zeros((width, len(places)), np.float32)
    for head, place in enumerate(places):
        if place is not None:
            distance = (columns - place) / PLACE_STDDEV
            biases[:, head] = np.maximum(-0.5 * distance**2, LOWEST_PLACE_BIAS)
    return biases


Places = Sequence[float | None]


def pooled(
    features: keras.KerasTensor, places: Places, style: LayerStyle
) -> list[keras.KerasTensor]:
    """The original's: one averaged vector, the same for all heads."""
    del style
    return [layers.GlobalAveragePooling2D(name="head_pool")(features)] * len(places)


def attention(
    features: keras.KerasTensor, places: Places, style: LayerStyle
) -> list[keras.KerasTensor]:
    """A vector for each head, from where it looks."""
    del style
    return HeadAttention(len(places), places, layout=True, name="head_attention")(features)


def flatten(
    features: keras.KerasTensor, places: Places, style: LayerStyle
) -> list[keras.KerasTensor]:
    """The whole map, narrowed to `FLATTEN_WIDTH` channels, for every head."""
    x = style.conv_norm(features, FLATTEN_WIDTH, 1, name="head_flatten")
    x = layers.ReLU(name="head_flatten_relu")(x)
    return [layers.Flatten(name="head_vector")(x)] * len(places)


_VIEWS = {"pooled": pooled, "attention": attention, "flatten": flatten}


def softmax_heads(
    features: keras.KerasTensor,
    heads: Sequence[Head],
    *,
    head: str,
    style: LayerStyle,
    places: Places = (),
    dropout: float = 0.0,
) -> dict[str, keras.KerasTensor]:
    """A softmax for each head, float32 `[batch, width]`, by name.

    Args:
        features: `[batch, h, w, channels]`.
        heads: of the schema, in order.
        head: `pooled`, `attention` or `flatten`.
        style: the defaults of convolutions and normalisations.
        places: of `HeadAttention`.
        dropout: share of values dropped before each softmax layer, in training.

    Raises:
        ValueError: another way of heads.
    """
    if head not in _VIEWS:
        raise ValueError(f"head wants one of {', '.join(_VIEWS)}. Received: {head!r}")
    views = _VIEWS[head](features, tuple(places) or (None,) * len(heads), style)
    if dropout:
        views = [
            layers.Dropout(dropout, name=f"{one.name}_dropout")(view)
            for one, view in zip(heads, views, strict=True)
        ]
    # Views of the whole plate say nothing of one character: they share nothing.
    alike = [one for one in heads if head == "attention" and one.role == "character"]
    outputs = _characters(dict(zip((one.name for one in heads), views, strict=True)), alike)
    for one, view in zip(heads, views, strict=True):
        if one.name not in outputs:
            outputs[one.name] = layers.Dense(
                one.width,
                activation="softmax",
                kernel_initializer=initializers.RandomNormal(stddev=DENSE_STDDEV),
                dtype="float32",
                name=one.name,
            )(view)
    return {one.name: outputs[one.name] for one in heads}


def _characters(
    views: Mapping[str, keras.KerasTensor], heads: Sequence[Head]
) -> dict[str, keras.KerasTensor]:
    """The softmaxes of `heads`, which share what their characters look like."""
    if not heads:
        return {}
    alphabet = {
        name: row for row, name in enumerate(dict.fromkeys(n for one in heads for n in one.indices))
    }
    rows = [[-1 if n is None else alphabet[n] for n in one.classes] for one in heads]
    softmaxes = CharacterSoftmax(rows, name="characters")([views[one.name] for one in heads])
    return {one.name: value for one, value in zip(heads, softmaxes, strict=True)}

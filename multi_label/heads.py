"""From a feature map to one softmax for each head of the schema, in three ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
from keras import initializers, layers

from ..backbone.base import DENSE_STDDEV, LayerStyle
from ..plate.schema import Head
from .character_softmax import CharacterSoftmax
from .head_attention import HeadAttention, Places

FLATTEN_WIDTH = 64


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
    softmaxes = CharacterSoftmax([one.classes for one in heads], name="characters")(
        [views[one.name] for one in heads]
    )
    return {one.name: value for one, value in zip(heads, softmaxes, strict=True)}

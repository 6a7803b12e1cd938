"""How each kind of layer passes channels on: what it ties, what it reads, what it makes.

A rule takes the call of a layer and returns the channels that the layer puts out, or None where
it does not know. Then all of them stay as they are. Rules are found by the names of a layer's
classes, because this room does not know the rooms above it.
"""

from __future__ import annotations

from collections.abc import Callable

from . import passing, weighted
from .book import Flow
from .call import Call

Rule = Callable[[Call], list[Flow] | None]

RULES: dict[str, Rule] = {
    "Conv2D": weighted.convolution,
    "DepthwiseConv2D": weighted.depthwise,
    "Dense": weighted.dense,
    "BatchNormalization": weighted.normalisation,
    "HeadAttention": weighted.attention,
    "CharacterSoftmax": weighted.shared_softmax,
    "Activation": passing.each_value,
    "ReLU": passing.rectifier,
    "MaxPooling2D": passing.within_channels,
    "AveragePooling2D": passing.within_channels,
    "GlobalAveragePooling2D": passing.within_channels,
    "GlobalMaxPooling2D": passing.within_channels,
    "ZeroPadding2D": passing.within_channels,
    "Dropout": passing.within_channels,
    "Add": passing.sum_of,
    "Average": passing.sum_of,
    "Multiply": passing.product_of,
    "Concatenate": passing.concatenation,
    "ChannelSplit": passing.split,
    "ContextScale": passing.within_channels,
    "HeightMean": passing.within_channels,
    "Reshape": passing.reshape,
    "Flatten": passing.flattening,
    "GetItem": passing.slicing,
}


def follow(call: Call) -> list[Flow]:
    """The channels that a layer puts out; the call's book takes down what it does to them."""
    classes = [c.__name__ for c in type(call.layer).__mro__]
    rule = next((RULES[name] for name in classes if name in RULES), None)
    found = rule(call) if rule is not None and call.flows else None
    if found is not None:
        return found
    made = [call.book.fresh(int(shape[-1] or 1)) for shape in call.given]
    for flow in [*call.flows, *made]:
        call.book.pin(flow.ids)
    return made

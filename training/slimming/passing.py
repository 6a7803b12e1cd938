"""How layers without weights pass channels on."""

from __future__ import annotations

import numpy as np

from .book import Flow
from .call import Call, keeps_zero


def each_value(call: Call) -> list[Flow] | None:
    """Activations, which change each value by itself."""
    zero = keeps_zero(call.layer.activation)
    return None if zero is None else [call.flows[0].passed(zero)]


def rectifier(call: Call) -> list[Flow] | None:
    """ReLU in all its forms."""
    return [call.flows[0].passed(not call.layer.threshold)]


def within_channels(call: Call) -> list[Flow] | None:
    """Pooling and dropout, which leave a channel of zeros alone."""
    if getattr(call.layer, "data_format", "channels_last") != "channels_last":
        return None
    return [call.flows[0].passed()]


def sum_of(call: Call) -> list[Flow] | None:
    """Residual additions: zero where all of them are."""
    return _combined(call, np.logical_and)


def product_of(call: Call) -> list[Flow] | None:
    """Channels weighted by others: zero where one of them is."""
    return _combined(call, np.logical_or)


def _combined(call: Call, silent: np.ufunc) -> list[Flow] | None:
    """Channel by channel; not where one channel is spread over all others."""
    first = call.flows[0]
    if any(flow.width != first.width for flow in call.flows):
        return None
    for flow in call.flows[1:]:
        call.book.tie(first.ids, flow.ids)
    return [Flow(first.ids, silent.reduce([flow.silent for flow in call.flows]))]


def concatenation(call: Call) -> list[Flow] | None:
    """Channels side by side."""
    if call.layer.axis not in (-1, len(call.received[0]) - 1):
        return None
    ids = np.concatenate([flow.ids for flow in call.flows])
    return [Flow(ids, np.concatenate([flow.silent for flow in call.flows]))]


def split(call: Call) -> list[Flow] | None:
    """`chepai.backbone.grouped.ChannelSplit`."""
    (flow,) = call.flows
    ends = np.cumsum(call.layer.sizes)[:-1]
    parts = np.split(flow.ids, ends)
    call.book.sized(call.layer, "sizes", lambda count: [count(part) for part in parts])
    silent = np.split(flow.silent, ends)
    return [Flow(part, quiet) for part, quiet in zip(parts, silent, strict=True)]


def reshape(call: Call) -> list[Flow] | None:
    """Channels lie closest together in memory: a reshape that keeps their number keeps them."""
    (flow,), (shape,) = call.flows, call.given
    if shape[-1] != flow.width:
        return None
    outer = list(shape[1:-1])
    call.book.sized(call.layer, "target_shape", lambda count: [*outer, count(flow.ids)])
    return [flow]


def flattening(call: Call) -> list[Flow] | None:
    """Every position of the map in turn, each with all of its channels."""
    (flow,), (shape,) = call.flows, call.given
    plain = getattr(call.layer, "data_format", "channels_last") == "channels_last"
    if not plain or shape[-1] is None:
        return None
    positions = shape[-1] // flow.width
    return [Flow(np.tile(flow.ids, positions), np.tile(flow.silent, positions))]


def slicing(call: Call) -> list[Flow] | None:
    """Rows and columns that are skipped, as `x[:, ::2, ::2]`."""
    (received,), (given,) = call.received, call.given
    key = call.key if isinstance(call.key, tuple | list) else ()
    spatial = 0 < len(key) < len(received) and all(isinstance(part, slice) for part in key)
    return [call.flows[0].passed()] if spatial and len(received) == len(given) else None

"""How layers with weights pass channels on."""

from __future__ import annotations

from typing import Any

import numpy as np

from .book import Book, Flow
from .call import Call, keeps_zero

# Below this, 1x1 convolutions must not stride: see `backbone/base.py`.
LEAST_STRIDED = 16


def convolution(call: Call) -> list[Flow] | None:
    """Reads all channels and makes others; a grouped one, within its groups."""
    layer, (flow,) = call.layer, call.flows
    zero = keeps_zero(layer.activation)
    if zero is None or not _is_plain(layer, {"kernel", "bias"}):
        return None
    made = call.book.fresh(layer.filters)
    if layer.groups == 1:
        strided = max(layer.strides) > 1 and max(layer.kernel_size) == 1
        call.book.reads(layer, "kernel", 2, flow, LEAST_STRIDED if strided else 1)
    else:
        made = _tied_groups(call.book, layer.groups, flow, made, zero and not layer.use_bias)
    call.book.makes(layer, "kernel", 3, made.ids)
    if layer.use_bias:
        call.book.lies(layer, "bias", 0, made.ids)
    call.book.sized(layer, "filters", lambda count: count(made.ids))
    if layer.groups > 1:
        size = layer.filters // layer.groups
        call.book.sized(layer, "groups", lambda count: count(made.ids) // size)
    return [made]


def _tied_groups(book: Book, groups: int, flow: Flow, made: Flow, zero: bool) -> Flow:
    """Each group of a grouped convolution goes or stays with all that it reads and makes."""
    silent = []
    for read, quiet, own in zip(
        np.split(flow.ids, groups),
        np.split(flow.silent, groups),
        np.split(made.ids, groups),
        strict=True,
    ):
        together = np.concatenate([read, own])
        book.tie(together[:-1], together[1:])
        silent.append(np.full(len(own), zero and bool(quiet.all())))
    return Flow(made.ids, np.concatenate(silent))


def depthwise(call: Call) -> list[Flow] | None:
    """Filters each channel by itself, once or several times."""
    layer, (flow,) = call.layer, call.flows
    zero = keeps_zero(layer.activation)
    weight = next((v.name for v in layer.weights if v.name.endswith("kernel")), "kernel")
    if zero is None or not _is_plain(layer, {weight, "bias"}):
        return None
    made = Flow(
        np.repeat(flow.ids, layer.depth_multiplier),
        np.repeat(flow.silent & (zero and not layer.use_bias), layer.depth_multiplier),
    )
    call.book.makes(layer, weight, 2, flow.ids)
    if layer.use_bias:
        call.book.lies(layer, "bias", 0, made.ids)
    return [made]


def dense(call: Call) -> list[Flow] | None:
    """Reads all channels and makes others."""
    layer, (flow,) = call.layer, call.flows
    if {weight.name for weight in layer.weights} - {"kernel", "bias"}:
        return None
    call.book.reads(layer, "kernel", 0, flow)
    made = call.book.fresh(layer.units)
    call.book.makes(layer, "kernel", 1, made.ids)
    if layer.use_bias:
        call.book.lies(layer, "bias", 0, made.ids)
    call.book.sized(layer, "units", lambda count: count(made.ids))
    # A softmax or the like looks at all of its values at once.
    if keeps_zero(layer.activation) is None:
        call.book.pin(made.ids)
    return [made]


def normalisation(call: Call) -> list[Flow] | None:
    """Scales each channel by its gamma, which says how much it matters."""
    layer, (flow,) = call.layer, call.flows
    if layer.axis not in (-1, len(call.received[0]) - 1):
        return None
    for weight in layer.weights:
        call.book.lies(layer, weight.name, 0, flow.ids)
    if not layer.scale:
        # Nothing can silence a channel here.
        return [flow.passed(False)]
    call.book.scores(layer, flow.ids, np.asarray(layer.gamma.numpy(), np.float64))
    return [Flow(flow.ids, np.ones(flow.width, bool))]


def attention(call: Call) -> list[Flow] | None:
    """`chepai.multi_label.heads.HeadAttention`: weighted sums of the map's positions."""
    (flow,) = call.flows
    call.book.reads(call.layer, "kernel", 0, flow)
    if call.layer.layout:
        call.book.reads(call.layer, "layout_kernel", 0, flow)
    return [flow] * len(call.given)


def shared_softmax(call: Call) -> list[Flow] | None:
    """`chepai.multi_label.character_softmax.CharacterSoftmax`: reads all views by one kernel."""
    first = call.flows[0]
    if any(flow.width != first.width for flow in call.flows):
        return None
    for flow in call.flows[1:]:
        call.book.tie(first.ids, flow.ids)
    seen = Flow(first.ids, np.logical_and.reduce([flow.silent for flow in call.flows]))
    for weight in call.layer.weights:
        if not weight.name.endswith("bias"):
            call.book.reads(call.layer, weight.name, 0, seen)
    made = [call.book.fresh(int(shape[-1] or 1)) for shape in call.given]
    for flow in made:
        call.book.pin(flow.ids)
    return made


def _is_plain(layer: Any, weights: set[str]) -> bool:
    own = {weight.name for weight in layer.weights}
    return own <= weights and layer.data_format == "channels_last"

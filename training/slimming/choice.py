"""Which channels go: one threshold for the whole network, and what no layer may lose."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from .channels import Bundles, ChannelGraph, Kept


@dataclass(frozen=True)
class Limits:
    """What every layer keeps, whatever its gammas are.

    Attributes:
        share: of its channels.
        channels: at least so many, or all where it has fewer.
        multiple: channels are kept in multiples of this: processors compute them in such blocks,
            so that what lies between two of them costs time and saves none.
    """

    share: float = 0.1
    channels: int = 4
    multiple: int = 8


@dataclass(frozen=True)
class Choice:
    """What stays.

    Attributes:
        kept: bool [bundles].
        threshold: no bundle whose largest gamma is above it goes; 0 where none goes.
    """

    kept: Kept
    threshold: float


def choose(
    graph: ChannelGraph, share: float, count: Callable[[Kept], float], limits: Limits
) -> Choice:
    """The lowest threshold on gammas that removes `share` of what `count` counts.

    Args:
        graph: of the network.
        share: 0 to 1, of what the whole network has.
        count: of a choice, what shrinks with it: channels, or multiply-adds.
        limits: what stays all the same.

    Raises:
        InputError: so much cannot go.
    """
    order = _lowest_first(graph)
    always = _protected(graph, limits)
    clusters = _clusters(graph)

    def kept_without(lowest: int) -> Kept:
        kept = graph.everything()
        kept[order[:lowest]] = False
        kept |= always
        for widest in clusters:
            _round_up(kept, widest, graph.scores, limits.multiple)
        return kept

    whole = count(graph.everything())
    goal = (1 - share) * whole
    fewest = count(kept_without(len(order)))
    if fewest > goal:
        raise InputError(
            f"no more than {math.floor(1000 * (1 - fewest / whole)) / 10:g} % can be removed here, "
            f"since every layer keeps some channels; received {share:g}"
        )
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        if count(kept_without(middle)) <= goal:
            high = middle
        else:
            low = middle + 1
    kept = kept_without(low)
    threshold = float(graph.scores[~kept].max(initial=0.0))
    return Choice(kept, threshold)


def _lowest_first(graph: ChannelGraph) -> npt.NDArray[np.int64]:
    """Removable bundles by their score; where scores are equal, those of later layers first."""
    removable = np.flatnonzero(graph.removable)
    return removable[np.lexsort((-removable, graph.scores[removable]))]


def _protected(graph: ChannelGraph, limits: Limits) -> Kept:
    """For each weight the bundles of the largest gammas, as many as it must keep."""
    protected = ~graph.removable
    for axis in graph.axes:
        width = len(axis.bundles)
        least = max(axis.least, limits.channels, math.ceil(limits.share * width))
        bundles, sizes = np.unique(axis.bundles, return_counts=True)
        best = np.argsort(-graph.scores[bundles], kind="stable")
        before = np.cumsum(sizes[best]) - sizes[best]
        protected[bundles[best[before < least]]] = True
    return protected


def _clusters(graph: ChannelGraph) -> list[Bundles]:
    """The widest axis of each set of axes that have bundles in common."""
    clusters: list[tuple[set[int], Bundles]] = []
    for axis in graph.axes:
        members, widest = set(axis.bundles.tolist()), axis.bundles
        apart = []
        for others, other in clusters:
            if members.isdisjoint(others):
                apart.append((others, other))
            else:
                members |= others
                widest = max(other, widest, key=len)
        clusters = [*apart, (members, widest)]
    return [widest for _, widest in clusters]


def _round_up(kept: Kept, axis: Bundles, scores: npt.NDArray[np.float64], multiple: int) -> None:
    """Gives back the best of what was removed until a multiple of channels, or all, is kept."""
    removed = np.unique(axis[~kept[axis]])
    for bundle in removed[np.argsort(-scores[removed], kind="stable")]:
        if kept[axis].sum() % multiple == 0:
            return
        kept[bundle] = True

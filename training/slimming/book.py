"""What is noted down of a network while its channels are followed from layer to layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .channels import Bundles, ChannelGraph, Kept, Sizing, WeightAxis


@dataclass(frozen=True)
class Flow:
    """The channels of a tensor, which are its last axis.

    Attributes:
        ids: int64 [channels]: the number of each, shared where layers pass it on.
        silent: bool [channels]: whether the tensor is zero in it once the gammas and betas of
            everything tied to it are zero.
    """

    ids: Bundles
    silent: Kept

    @property
    def width(self) -> int:
        """How many channels."""
        return len(self.ids)

    def passed(self, silent: bool = True) -> Flow:
        """The same channels after a layer that does or does not leave zeros alone."""
        return Flow(self.ids, self.silent & silent)


class Book:
    """Channels by number, which of them are tied, and where they lie in the weights."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._pinned: list[int] = []
        self._axes: list[WeightAxis] = []
        self._gammas: dict[str, tuple[Bundles, npt.NDArray[np.float64]]] = {}
        self._outputs: dict[str, Bundles] = {}
        self._sizings: list[tuple[str, str, Sizing]] = []
        self._shapes: dict[tuple[str, str], tuple[int, ...]] = {}

    def fresh(self, width: int) -> Flow:
        """Channels that no other layer knows yet."""
        first = len(self._parents)
        self._parents.extend(range(first, first + width))
        ids = np.arange(first, first + width)
        return Flow(ids, np.zeros(width, bool))

    def tie(self, first: Bundles, second: Bundles) -> None:
        """Each channel of `first` and its counterpart can only be removed together."""
        for one, other in zip(first, second, strict=True):
            self._parents[self._root(int(one))] = self._root(int(other))

    def pin(self, ids: Bundles) -> None:
        """These channels, and what is tied to them, stay."""
        self._pinned.extend(int(number) for number in ids)

    def reads(self, layer: Any, weight: str, axis: int, flow: Flow, least: int = 1) -> None:
        """A weight multiplies what the layer receives; what may not become zero must stay."""
        self.lies(layer, weight, axis, flow.ids, least)
        self.pin(flow.ids[~flow.silent])

    def makes(self, layer: Any, weight: str, axis: int, ids: Bundles) -> None:
        """A weight makes, or filters one by one, the channels that the layer puts out."""
        self.lies(layer, weight, axis, ids)
        self._outputs[layer.name] = ids

    def lies(self, layer: Any, weight: str, axis: int, ids: Bundles, least: int = 1) -> None:
        """Channels lie along an axis of a weight."""
        shape = next(tuple(v.shape) for v in layer.weights if v.name == weight)
        if shape[axis] != len(ids):
            raise ValueError(f"{layer.name}: {weight} {shape} has no {len(ids)} channels")
        self._shapes[layer.name, weight] = shape
        self._axes.append(WeightAxis(layer.name, weight, axis, ids, least))

    def scores(self, layer: Any, ids: Bundles, gammas: npt.NDArray[np.float64]) -> None:
        """A batch normalisation scales these channels."""
        self._gammas[layer.name] = (ids, np.abs(gammas))

    def sized(self, layer: Any, key: str, sizing: Sizing) -> None:
        """A value of the layer's configuration depends on how many channels stay."""
        self._sizings.append((layer.name, key, sizing))

    def finish(self) -> ChannelGraph:
        """Everything noted down, by bundles of tied channels in place of channels."""
        roots = np.array([self._root(number) for number in range(len(self._parents))], np.int64)
        _, bundle_of = np.unique(roots, return_inverse=True)
        scores = self._bundle_scores(bundle_of)
        removable = np.isfinite(scores)
        removable[bundle_of[self._pinned]] = False
        return ChannelGraph(
            axes=tuple(replace(axis, bundles=bundle_of[axis.bundles]) for axis in self._axes),
            gammas={name: bundle_of[ids] for name, (ids, _) in self._gammas.items()},
            outputs={name: bundle_of[ids] for name, ids in self._outputs.items()},
            sizings=tuple(
                (layer, key, _of_bundles(sizing, bundle_of)) for layer, key, sizing in self._sizings
            ),
            removable=removable,
            scores=scores,
            shapes=dict(self._shapes),
        )

    def _bundle_scores(self, bundle_of: Bundles) -> npt.NDArray[np.float64]:
        scores = np.full(bundle_of.max(initial=-1) + 1, -np.inf)
        for ids, gammas in self._gammas.values():
            np.maximum.at(scores, bundle_of[ids], gammas)
        return np.where(scores < 0, np.inf, scores)

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number


def _of_bundles(sizing: Sizing, bundle_of: Bundles) -> Sizing:
    """The same sizing for who counts bundles, not channels."""
    return lambda count: sizing(lambda ids: count(bundle_of[ids]))

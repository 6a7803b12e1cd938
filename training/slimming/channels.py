"""Which channels of a network stand or fall together, and where each lies in the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

Bundles = npt.NDArray[np.int64]  # for each channel of an axis the bundle that it belongs to
Kept = npt.NDArray[np.bool_]  # for each bundle whether it stays
# Makes a value of a layer's configuration from what counts the channels that stay.
Sizing = Callable[[Callable[[Bundles], int]], Any]


@dataclass(frozen=True)
class WeightAxis:
    """An axis of a layer's weight along which lie channels.

    Attributes:
        layer, weight: their names.
        axis: of the weight's shape.
        bundles: that each place on the axis belongs to.
        least: how few channels the layer can work with.
    """

    layer: str
    weight: str
    axis: int
    bundles: Bundles
    least: int = 1


@dataclass(frozen=True)
class ChannelGraph:
    """The channels of a network in bundles.

    A bundle holds the channels that can only be removed together: those that are added to one
    another, that pass a depthwise convolution, or that share a group of a grouped one.

    Attributes:
        axes: every axis of a weight along which channels lie.
        gammas: of each batch normalisation by name, the bundles of its channels.
        outputs: of each layer that makes or filters channels, likewise.
        sizings: (layer, key of its configuration, what makes the value).
        removable: bool [bundles]: whether everything that reads a channel of the bundle sees zero
            once the bundle's gammas and betas are zero.
        scores: float64 [bundles]: the largest absolute gamma of each; infinite without gamma.
        shapes: of all weights that lie on `axes`, by (layer, weight).
    """

    axes: tuple[WeightAxis, ...]
    gammas: dict[str, Bundles]
    outputs: dict[str, Bundles]
    sizings: tuple[tuple[str, str, Sizing], ...]
    removable: Kept
    scores: npt.NDArray[np.float64]
    shapes: dict[tuple[str, str], tuple[int, ...]]

    def gamma_count(self, kept: Kept) -> int:
        """Channels of all batch normalisations, which is what the paper counts."""
        return int(sum(kept[bundles].sum() for bundles in self.gammas.values()))

    def macs(self, kept: Kept, costs: Mapping[str, int]) -> int:
        """Multiply-adds of the network that `kept` leaves.

        Args:
            kept: bool [bundles].
            costs: multiply-adds of each layer of the whole network; others cost nothing.
        """
        return sum(round(cost * self._kernel_share(name, kept)) for name, cost in costs.items())

    def _kernel_share(self, layer: str, kept: Kept) -> float:
        """The share of a layer's kernel elements that stay."""
        old = new = 0
        for (owner, weight), shape in self.shapes.items():
            if owner == layer and weight.endswith("kernel"):
                old += prod(shape)
                new += prod(self._narrow_shape(layer, weight, kept))
        return new / old if old else 1.0

    def _narrow_shape(self, layer: str, weight: str, kept: Kept) -> tuple[int, ...]:
        shape = list(self.shapes[layer, weight])
        for axis in self.axes_of(layer):
            if axis.weight == weight:
                shape[axis.axis] = int(kept[axis.bundles].sum())
        return tuple(shape)

    def axes_of(self, layer: str) -> list[WeightAxis]:
        """The axes of one layer's weights."""
        return [axis for axis in self.axes if axis.layer == layer]

    def sizes(self, kept: Kept) -> dict[str, dict[str, Any]]:
        """What changes in the layers' configurations: {layer: {key: value}}."""
        found: dict[str, dict[str, Any]] = {}
        for layer, key, sizing in self.sizings:
            value = sizing(lambda bundles: int(kept[bundles].sum()))
            found.setdefault(layer, {})[key] = value
        return found

    def widths(self, kept: Kept) -> dict[str, int]:
        """Channels that each layer puts out, in the network's order."""
        return {layer: int(kept[bundles].sum()) for layer, bundles in self.outputs.items()}

    def everything(self) -> Kept:
        """The choice that removes nothing."""
        return np.ones(len(self.removable), bool)

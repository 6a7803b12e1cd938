"""Which nodes have to stay in float32, so that a quantised model reads as its source does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Measure: TypeAlias = Callable[[Sequence[str]], float]


@dataclass(frozen=True)
class Choice:
    """What a search found.

    Attributes:
        quantised: nodes in int8.
        left_out: nodes in float32, the most sensitive first.
        loss: of this choice.
        loss_of_all: with every node in int8.
    """

    quantised: tuple[str, ...]
    left_out: tuple[str, ...]
    loss: float
    loss_of_all: float


def choose_nodes(nodes: Sequence[str], measure: Measure, bar: float) -> Choice:
    """The nodes to leave out, as few as it takes for the loss to be at most `bar`.

    Nodes are ranked by the loss when each is quantised alone. That finds what leaving out one
    node at a time does not: a map between two nodes is float only where both are. The most
    sensitive are left out one after another until the bar is met; then each of them, the least
    sensitive first, is taken back if the bar is still met without it.

    Args:
        nodes: all that can be quantised.
        measure: the loss, at least 0, with just these nodes quantised.
        bar: with no node quantised the loss is taken to be below it.
    """
    loss_of_all = measure(nodes)
    if loss_of_all <= bar:
        return Choice(tuple(nodes), (), loss_of_all, loss_of_all)
    alone = {node: measure([node]) for node in nodes}
    ranked = sorted(nodes, key=lambda node: -alone[node])
    left, loss = _fewest_of(ranked, nodes, measure, bar)
    for node in reversed(left[:-1]):
        fewer = [each for each in left if each != node]
        found = measure(_without(nodes, fewer))
        if found <= bar:
            left, loss = fewer, found
    return Choice(tuple(_without(nodes, left)), tuple(left), loss, loss_of_all)


def _fewest_of(
    ranked: Sequence[str], nodes: Sequence[str], measure: Measure, bar: float
) -> tuple[list[str], float]:
    """The shortest beginning of the ranking that meets the bar, and its loss."""
    for count in range(1, len(ranked)):
        loss = measure(_without(nodes, ranked[:count]))
        if loss <= bar:
            return list(ranked[:count]), loss
    return list(ranked), 0.0


def _without(nodes: Iterable[str], left_out: Iterable[str]) -> list[str]:
    missing = set(left_out)
    return [node for node in nodes if node not in missing]

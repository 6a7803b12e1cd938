"""How fast models read here: side by side, each in a process of its own, round by round.

A process each, because some libraries take their number of threads once, and so that none finds
another's threads in its way. Only one measures at a time; in every round each has its turn, so
that whatever slows the machine for a while slows all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from .timing_process import SCOPES, Worker

FEWEST_ROUNDS, MOST_ROUNDS = 3, 20
# A turn shorter than this measures how the processor wakes up.
TURN_SECONDS = 0.3


@dataclass
class Figures:
    """What was measured of one contender, a list a round for each of `SCOPES`.

    Attributes:
        seconds: of single pictures.
        speeds: pictures a second, in batches of `BATCH`.
    """

    seconds: dict[str, list[list[float]]] = field(default_factory=lambda: {s: [] for s in SCOPES})
    speeds: dict[str, list[float]] = field(default_factory=lambda: {s: [] for s in SCOPES})

    def latency(self, scope: str) -> tuple[float, float]:
        """(median, 95th percentile) over all rounds, seconds."""
        every = np.concatenate([np.array(turn) for turn in self.seconds[scope]])
        return float(np.median(every)), float(np.quantile(every, 0.95))

    def speed(self, scope: str) -> float:
        """The median round's, pictures a second."""
        return median(self.speeds[scope])

    def faster_than(self, other: Figures, scope: str) -> tuple[float, float]:
        """How many times (latency, throughput) is better than another's, by the median round.

        The two are compared within each round, so that what slows a round cancels out.
        """
        pairs = zip(self.seconds[scope], other.seconds[scope], strict=True)
        speeds = zip(self.speeds[scope], other.speeds[scope], strict=True)
        return (
            median(median(theirs) / median(ours) for ours, theirs in pairs),
            median(ours / theirs for ours, theirs in speeds),
        )


def measure(workers: Sequence[Worker], seconds: float) -> Iterator[list[Figures]]:
    """Measures all workers in turn for about `seconds`; yields the figures after every round.

    The lists are the same objects each time, and grow; one a worker, in their order.
    """
    turns = 2 * len(SCOPES) * len(workers)
    rounds = round(seconds / turns / TURN_SECONDS)
    rounds = min(MOST_ROUNDS, max(FEWEST_ROUNDS, rounds))
    turn = seconds / turns / rounds
    figures = [Figures() for _ in workers]
    for _ in range(rounds):
        for scope in SCOPES:
            for worker, found in zip(workers, figures, strict=True):
                found.seconds[scope].append(worker.latencies(scope, turn))
            for worker, found in zip(workers, figures, strict=True):
                found.speeds[scope].append(worker.speed(scope, turn))
        yield figures

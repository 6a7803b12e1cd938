"""How long programs take beside one another: in turn, so that all meet the same busy machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

WARM_UP = 5


def interleaved(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median of milliseconds that each of `runs` takes.

    Each round calls every one of them once, every other round in the opposite order.
    """
    for run in runs.values():
        for _ in range(WARM_UP):
            run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(rounds):
        for name in list(runs)[:: -1 if index % 2 else 1]:
            began = time.perf_counter()
            runs[name]()
            times[name].append(time.perf_counter() - began)
    return {name: 1000 * statistics.median(each) for name, each in times.items()}

"""The picture of a benchmark: how often models are right against how long they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from .plots import save_figure


@dataclass(frozen=True)
class Point:
    """A model: milliseconds a plate (median, 95th percentile), accuracy and its interval."""

    label: str
    median: float
    p95: float
    accuracy: float
    interval: tuple[float, float]


def plot_accuracy_latency(points: Sequence[Point], path: str | Path) -> None:
    """Accuracy upwards, milliseconds to the right on a logarithmic scale.

    Horizontal bars reach to the 95th percentile, vertical ones are the accuracy's interval.

    Args:
        points: the models.
        path: of the PNG.
    """
    figure = Figure(figsize=(7, 4.5))
    axes = figure.add_subplot()
    for point in points:
        low, high = point.interval
        # Rounding may put an end a hair inside; matplotlib refuses negative lengths.
        upwards = np.maximum(0, [[point.accuracy - low], [high - point.accuracy]])
        axes.errorbar(
            [point.median],
            [100 * point.accuracy],
            xerr=np.maximum(0, [[0.0], [point.p95 - point.median]]),
            yerr=100 * upwards,
            fmt="o",
            capsize=3,
            label=point.label,
        )
    axes.set_xscale("log")
    # 0.5 and 2, not powers of ten; and not so many that they overlap.
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(
        xlabel="milliseconds a plate, end to end, one at a time (bar: to the 95th percentile)",
        ylabel="plates read right, %",
        title="Accuracy and latency",
    )
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    save_figure(figure, path)

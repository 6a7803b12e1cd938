"""The pictures of a calibration: whether confidences are honest, and what was tested."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .plots import save_figure


class Bin(Protocol):
    """Readings of like confidence: their mean confidence, the share of right ones, how many."""

    @property
    def confidence(self) -> float: ...
    @property
    def right(self) -> float: ...
    @property
    def count(self) -> int: ...


class Tested(Protocol):
    """A threshold that was tested: readings accepted, wrong ones of them, and the bound."""

    @property
    def accepted(self) -> int: ...
    @property
    def wrong(self) -> int: ...
    @property
    def precision_bound(self) -> float: ...
    @property
    def passed(self) -> bool: ...


def plot_calibration(
    characters: tuple[Sequence[Bin], Sequence[Bin]],
    plates: tuple[Sequence[Bin], Sequence[Bin]],
    tests: Sequence[Tested],
    precision: float,
    path: str | Path,
) -> None:
    """Three pictures side by side: characters' and plates' reliability, and the thresholds.

    Args:
        characters, plates: bins (before, after) the temperatures.
        tests: in the order in which they were made; the last may have failed.
        precision: the promise.
        path: of the PNG.
    """
    figure = Figure(figsize=(13, 4.2))
    left, middle, right = figure.subplots(1, 3)
    _draw_reliability(left, characters, "characters and lengths")
    _draw_reliability(middle, plates, "plates (least confidence of their characters)")
    _draw_tests(right, tests, precision)
    save_figure(figure, path)


def _draw_reliability(axes: Axes, both: tuple[Sequence[Bin], Sequence[Bin]], title: str) -> None:
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="honest")
    for bins, label, colour in zip(
        both, ("as trained", "calibrated"), ("tab:orange", "tab:blue"), strict=True
    ):
        places = [each.confidence for each in bins]
        shares = [each.right for each in bins]
        # One reading is a dot, ten thousand a disc: what hardly counts should not catch the eye.
        areas = [8 + 40 * math.log10(each.count) for each in bins]
        axes.plot(places, shares, color=colour, alpha=0.4)
        axes.scatter(places, shares, areas, color=colour, label=label, zorder=3, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), title=title)
    axes.set(xlabel="confidence (larger discs: more of them)", ylabel="share right")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", markerscale=0.7)


def _draw_tests(axes: Axes, tests: Sequence[Tested], precision: float) -> None:
    if not tests:
        axes.text(0.5, 0.5, "too few plates for any test", ha="center")
        axes.set_axis_off()
        return
    axes.set(xlabel="readings accepted", ylabel="share right", title="thresholds, highest first")
    accepted = [test.accepted for test in tests]
    axes.plot(accepted, _shares(tests), ".-", color="tab:green", label="right among the accepted")
    bounds = [test.precision_bound for test in tests]
    axes.plot(accepted, bounds, "o-", color="tab:blue", label="at least (exact bound)")
    axes.axhline(precision, color="tab:red", linestyle="--", label=f"promise {precision:.1%}")
    failed = [test for test in tests if not test.passed]
    axes.plot(
        [test.accepted for test in failed],
        [test.precision_bound for test in failed],
        "x", color="tab:red", markersize=11, label="fails: the end" if failed else None,
    )  # fmt: skip
    axes.margins(0.1)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)


def _shares(tests: Iterable[Tested]) -> list[float]:
    return [1 - test.wrong / test.accepted for test in tests]

"""The pictures of a test report. Drawn without a window; Chinese characters are shown."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager

from ..files import atomic_path

# A package that brings a font with Chinese characters, and fonts that systems have.
_FONT_PACKAGE = "noto_cjk_sans_jp_bold"
_SYSTEM_FONTS = (
    "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei", "SimHei",
    "PingFang SC", "Heiti SC",
)  # fmt: skip
MOST_CHARACTERS = 40
NOTHING = "·"


@lru_cache(maxsize=1)
def chinese_font() -> FontProperties | None:
    """A font with Chinese characters, or None where neither package nor system has one."""
    try:
        return FontProperties(fname=importlib.import_module(_FONT_PACKAGE).FONT_PATH)
    except (ImportError, AttributeError):
        installed = {entry.name for entry in fontManager.ttflist}
        known = [name for name in _SYSTEM_FONTS if name in installed]
        return FontProperties(family=known[0]) if known else None


def shown(text: str) -> str:
    """`text` itself where its characters can be drawn, else with code points for Chinese ones."""
    if chinese_font() is not None:
        return text
    return "".join(char if ord(char) < 256 else f"<{ord(char):04X}>" for char in text)


def plot_confusions(confusions: Sequence[tuple[str, str, int]], path: str | Path) -> None:
    """A matrix of misread characters: rows as printed, columns as read, numbers as counts.

    Args:
        confusions: (truth, read, count), most frequent first; the characters of the most
            frequent ones are shown. "" stands for no character.
        path: of the PNG.
    """
    most = confusions[:MOST_CHARACTERS]
    printed = sorted({truth or NOTHING for truth, _, _ in most})
    read = sorted({got or NOTHING for _, got, _ in most})
    counts = np.zeros((len(printed), len(read)), int)
    for truth, got, count in most:
        counts[printed.index(truth or NOTHING), read.index(got or NOTHING)] = count
    figure = Figure(figsize=(2.5 + 0.32 * len(read), 2 + 0.3 * len(printed)))
    axes = figure.add_subplot()
    if not most:
        axes.text(0.5, 0.5, "no character was misread", ha="center")
        axes.set_axis_off()
        return save_figure(figure, path)
    axes.imshow(counts, cmap="Blues", vmin=0, aspect="auto")
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if counts[row, column] > counts.max() / 2 else "black"
        axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, size=7)
    axes.set_xticks(range(len(read)), [shown(char) for char in read], font=chinese_font())
    axes.set_yticks(range(len(printed)), [shown(char) for char in printed], font=chinese_font())
    axes.set(xlabel="read", ylabel="printed", title=f"Misread characters ({NOTHING} none)")
    return save_figure(figure, path)


def plot_coverage(
    curve: Sequence[tuple[float, float, float]], min_confidence: float, path: str | Path
) -> None:
    """How precise readings are against how many of them are accepted.

    Args:
        curve: (threshold, coverage, precision), the highest threshold first.
        min_confidence: the threshold that is marked.
        path: of the PNG.
    """
    figure = Figure(figsize=(6, 4))
    axes = figure.add_subplot()
    axes.plot([point[1] for point in curve], [point[2] for point in curve], color="tab:blue")
    reached = [point for point in curve if point[0] >= min_confidence]
    if reached:
        _, coverage, precision = reached[-1]
        label = f"confidence {min_confidence:g}: {coverage:.1%} accepted, {precision:.2%} right"
        axes.plot([coverage], [precision], "o", color="tab:red", label=label)
        axes.legend(loc="lower left")
    axes.set_xlim(0, 1.01)
    axes.set(xlabel="share accepted", ylabel="share of these right", title="Coverage and precision")
    axes.grid(alpha=0.3)
    return save_figure(figure, path)


def plot_accuracies(
    groups: Mapping[str, tuple[int, float, tuple[float, float]]], title: str, path: str | Path
) -> None:
    """One bar a group with its interval, the worst first.

    Args:
        groups: name to (plates, accuracy, (low, high)); shares from 0 to 1.
        title: of the picture.
        path: of the PNG.
    """
    ordered = sorted(groups.items(), key=lambda item: item[1][1])
    figure = Figure(figsize=(max(5.2, 1.5 + 0.3 * len(ordered)), 4.2))
    axes = figure.add_subplot()
    places = range(len(ordered))
    shares = np.array([accuracy for _, (_, accuracy, _) in ordered])
    ends = np.array([interval for _, (_, _, interval) in ordered]).reshape(-1, 2)
    # Rounding may put an end a hair inside the share; matplotlib refuses negative lengths.
    errors = np.maximum(0, [shares - ends[:, 0], ends[:, 1] - shares])
    axes.bar(places, shares, yerr=errors, capsize=2, color="tab:blue", ecolor="black")
    names = [shown(name) for name, _ in ordered]
    long_names = any(len(name) > 3 for name in names)
    axes.set_xticks(places, names, font=chinese_font(), rotation=90 if long_names else 0)
    for place, (_, (plates, _, _)) in enumerate(ordered):
        axes.text(place, 0.02, str(plates), rotation=90, ha="center", color="white", size=7)
    axes.set_xlim(-0.6, len(ordered) - 0.4)
    axes.set_ylim(0, 1.02)
    axes.set(ylabel="plate accuracy", title=f"{title} (in the bars: plates)")
    return save_figure(figure, path)


def plot_errors(
    errors: Sequence[tuple[np.ndarray, str, str, float]], path: str | Path, columns: int = 4
) -> None:
    """A contact sheet of misread plates: the picture, what is printed and what was read.

    Args:
        errors: (uint8 RGB [h, w, 3], truth, read, confidence), the worst first.
        path: of the PNG.
        columns: pictures side by side.
    """
    rows = max(1, -(-len(errors) // columns))
    figure = Figure(figsize=(2.6 * columns, 1.55 * rows + 0.3))
    figure.suptitle("Misread plates: as printed, and below it as read, with its confidence", size=9)
    for place, (image, truth, read, confidence) in enumerate(errors, start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(image)
        text = f"{shown(truth)}\n{shown(read) or '(none)'}  {confidence:.3f}"
        axes.set_title(text, font=chinese_font(), fontsize=9)
        axes.set_axis_off()
    if not errors:
        figure.text(0.5, 0.5, "no plate was misread", ha="center")
    return save_figure(figure, path)


def save_figure(figure: Figure, path: str | Path) -> None:
    """Writes a figure as a PNG, whole or not at all."""
    FigureCanvasAgg(figure)
    with matplotlib.rc_context({"font.size": 9}), atomic_path(path) as temporary:
        figure.tight_layout()
        figure.savefig(temporary, dpi=110)

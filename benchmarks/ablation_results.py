"""The results of the ablation: one JSON line a training, and the page that shows them."""

from __future__ import annotations

import fcntl
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ablation_rows import BASELINE, PRESET, Row

THRESHOLDS = ("0.85", "0.95")
MISSING = "not yet run"


@dataclass(frozen=True)
class Budget:
    """What every row has alike; results of another budget are never in one table."""

    plates: int = 25_000
    wrong: float = 0.03
    epochs: int = 3
    glyphs: bool = False


class Results:
    """Lines of a JSONL file, merged by (row, seed); lines of other budgets are passed over."""

    def __init__(self, file: Path, budget: Budget) -> None:
        self._file = file
        self._budget = asdict(budget)
        self._lines: dict[tuple[str, int], dict[str, Any]] = {}
        for line in self._stored():
            if line["budget"] == self._budget:
                self._take(line)

    def find(self, row: str, seed: int) -> dict[str, Any] | None:
        """What is known of one training; None: it has not been run."""
        return self._lines.get((row, seed))

    def append(self, line: dict[str, Any]) -> None:
        """Adds one training's line, or further sets of one that is there."""
        line = {"budget": self._budget, **line}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # What a killed program left of a line must not swallow this one.
        begun = self._file.is_file() and not self._file.read_bytes().endswith(b"\n")
        with self._file.open("a", encoding="utf-8") as stream:
            # Other trainings append too.
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.write("\n" * begun + json.dumps(line, ensure_ascii=False) + "\n")
        self._take(line)

    def all(self) -> list[dict[str, Any]]:
        """Every training of this budget."""
        return list(self._lines.values())

    def _stored(self) -> Iterable[dict[str, Any]]:
        if not self._file.is_file():
            return
        for line in self._file.read_text(encoding="utf-8").splitlines():
            # Half a line: its training is measured again.
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue

    def _take(self, line: dict[str, Any]) -> None:
        known = self._lines.setdefault((line["row"], line["seed"]), {**line, "sets": {}})
        known["sets"].update(line["sets"])


def page(results: Results, budget: Budget, rows: Sequence[Row], seeds: Sequence[int]) -> str:
    """docs/ablation.md: how it was made, and a table for each set of plates."""
    lines = results.all()
    sets = list(dict.fromkeys(name for line in lines for name in line["sets"]))
    parts = [_INTRODUCTION, _how(lines, budget, sets, seeds), _baseline()]
    parts += [_set_table(name, results, rows, seeds) for name in sets] or [_plan(rows)]
    parts += [_noise(results, sets, seeds), _cost_table(results, rows, seeds)]
    return "\n\n".join(part for part in parts if part) + "\n"


_INTRODUCTION = """# What each choice is worth

The rows that the original's author tried, each trained anew under the same conditions. Each row
changes one thing of the baseline; `recipe` changes all that the author recommends together.
[learning.md](learning.md) explains the choices and [what these rows
say](learning.md#what-the-table-of-choices-says).

Each training is short: the table says who learns sooner. What pays in a long training only, as
augmentation does, looks worse here than it is."""


def _how(
    lines: Sequence[dict[str, Any]], budget: Budget, sets: Sequence[str], seeds: Sequence[int]
) -> str:
    checks = "".join(f" --check PATH/{name}" for name in sets if "/" not in name)
    glyphs = " --glyphs PATH" if budget.glyphs else ""
    command = (
        f"python benchmarks/ablation.py --plates {budget.plates} --wrong {budget.wrong:g} "
        f"--epochs {budget.epochs} --seeds {' '.join(map(str, seeds))}{glyphs}{checks}"
    )
    hours = sum(line["seconds"] for line in lines) / 3600
    facts = [
        f"{budget.plates:,} rendered plates of 32 x 96, rendered once, "
        f"{100 * budget.wrong:g} % of them with wrong labels; {budget.epochs} epochs; "
        f"seeds {', '.join(map(str, seeds))}; the last epoch's weights.",
    ]
    if lines:
        facts.append(
            f"Hardware: {_listed(line['machine'] for line in lines)}. "
            f"Runtime: {_listed(line['runtime'] for line in lines)}. "
            f"Trained {_dates(lines)}, {len(lines)} trainings, {hours:.1f} hours in all.",
        )
    return f"```sh\n{command}\npython benchmarks/ablation.py --table\n```\n\n" + "\n\n".join(facts)


def _listed(values: Iterable[str]) -> str:
    return "; ".join(sorted(set(values))) or "–"


def _dates(lines: Sequence[dict[str, Any]]) -> str:
    dates = sorted({line["date"] for line in lines})
    return " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "–"


def _baseline() -> str:
    values = ", ".join(f"`{value}`" for value in BASELINE)
    return f"The baseline is the preset `{PRESET}` with {values}."


def _set_table(name: str, results: Results, rows: Sequence[Row], seeds: Sequence[int]) -> str:
    found = (line["sets"].get(name) for line in results.all())
    plates = next(figures["plates"] for figures in found if figures is not None)
    header = ["row", "what", "plate accuracy", "each seed", "characters"]
    header += [
        f"{what} at {threshold}" for threshold in THRESHOLDS for what in ("coverage", "precision")
    ]
    body = [_set_row(name, row, results, seeds) for row in rows]
    return f"## {name} ({plates:,} plates)\n\n" + _table(header, body)


def _set_row(name: str, row: Row, results: Results, seeds: Sequence[int]) -> list[str]:
    """Means over the seeds, only where all of them are there."""
    lines = [results.find(row.name, seed) for seed in seeds]
    figures = [line["sets"].get(name) if line else None for line in lines]
    known = [each for each in figures if each is not None]
    each_seed = ", ".join(_percent(each["plate_accuracy"]) for each in known)
    cells = [f"`{row.name}`", row.title]
    if len(known) < len(seeds):
        state = MISSING if not known else f"{len(known)} of {len(seeds)} seeds"
        return [*cells, state, each_seed, *[""] * (1 + 2 * len(THRESHOLDS))]
    cells += [_percent(_mean(each["plate_accuracy"] for each in known)), each_seed]
    cells.append(_percent(_mean(each["char_accuracy"] for each in known)))
    for threshold in THRESHOLDS:
        for what in ("coverage", "precision"):
            cells.append(_percent(_mean(each[threshold][what] for each in known)))
    return cells


def _plan(rows: Sequence[Row]) -> str:
    return _table(["row", "what", ""], [[f"`{row.name}`", row.title, MISSING] for row in rows])


def _mean(values: Iterable[float | None]) -> float | None:
    """None where a value is: nothing was accepted, so nothing is known of its precision."""
    listed = [value for value in values]
    return None if None in listed else statistics.fmean(v for v in listed if v is not None)


def _noise(results: Results, sets: Sequence[str], seeds: Sequence[int]) -> str:
    """How far seeds of one row are apart: smaller differences between rows mean nothing."""
    apart: dict[str, list[float]] = {name: [] for name in sets}
    for row in {line["row"] for line in results.all()}:
        lines = [results.find(row, seed) for seed in seeds]
        for name in sets:
            values = [line["sets"][name]["plate_accuracy"]
                      for line in lines if line and name in line["sets"]]  # fmt: skip
            if len(values) == len(seeds) > 1:
                apart[name].append(max(values) - min(values))
    said = [
        f"{name}: {100 * statistics.fmean(values):.2f} on average, {100 * max(values):.2f} at most"
        for name, values in apart.items()
        if values
    ]
    if not said:
        return ""
    return (
        "Two seeds of one row are this far apart, in points of plate accuracy; smaller "
        f"differences between rows say nothing. {'; '.join(said)}."
    )


def _cost_table(results: Results, rows: Sequence[Row], seeds: Sequence[int]) -> str:
    body = []
    for row in rows:
        lines = [line for seed in seeds if (line := results.find(row.name, seed))]
        if lines:
            minutes = statistics.fmean(line["seconds"] for line in lines) / 60
            body.append([f"`{row.name}`", f"{lines[0]['parameters']:,}", f"{minutes:.1f}"])
    if not body:
        return ""
    said = "Minutes by the clock, of a machine that may have had other work beside."
    return f"## Cost\n\n{said}\n\n" + _table(["row", "parameters", "minutes a training"], body)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

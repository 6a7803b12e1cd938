"""What is known of each recogniser: JSON lines, merged by preset, and the table that shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chepai.errors import InputError
from chepai.files import write_text

MISSING = "not yet run"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


@dataclass(frozen=True)
class Budget:
    """What every recogniser is trained with; results of another budget are never in one table."""

    plates: int = 102_400
    epochs: int = 3
    glyphs: bool = False
    drawn: int = 0
    """Epochs after which the same plates come again; 0: every epoch is fresh."""
    settings: tuple[str, ...] = ()
    """Values over every preset's, as `--set` takes them."""


class Results:
    """Lines of a JSONL file; later ones complete earlier ones of the same preset and budget."""

    def __init__(self, file: Path, budget: Budget) -> None:
        self._file = file
        self.budget = budget
        self._lines: dict[str, dict[str, Any]] = {}
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        for line in text.splitlines():
            # Half a line, of a program that was killed: it is measured again.
            try:
                values = json.loads(line)
            except json.JSONDecodeError:
                continue
            if values["budget"] == _plain(budget):
                self._take(values)

    def find(self, preset: str) -> dict[str, Any] | None:
        """What is known of a preset; None: nothing."""
        return self._lines.get(preset)

    def append(self, line: dict[str, Any]) -> None:
        """Adds figures of `line["preset"]`; its `sets` are added to those that are known."""
        line = {"budget": _plain(self.budget), **line}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        begun = self._file.is_file() and not self._file.read_bytes().endswith(b"\n")
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write("\n" * begun + json.dumps(line, ensure_ascii=False) + "\n")
        self._take(line)

    def _take(self, line: dict[str, Any]) -> None:
        known = self._lines.setdefault(line["preset"], {})
        sets = known.get("sets", {}) | line.get("sets", {})
        known |= line | {"sets": sets}
        self._lines[line["preset"]] = known


def _plain(budget: Budget) -> dict[str, Any]:
    return asdict(budget) | {"settings": list(budget.settings)}


def write_table(page: Path, results: Results, presets: Sequence[str]) -> None:
    """Replaces what stands between the page's two marks.

    Raises:
        InputError: the page has no marks.
    """
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"{page} has no lines {BEGIN} and {END} to write between")
    write_text(page, f"{before}{BEGIN}\n{table(results, presets)}\n{END}{after}")


def table(results: Results, presets: Sequence[str]) -> str:
    """How it was measured, and one row a preset."""
    lines = {preset: results.find(preset) for preset in presets}
    known = [line for line in lines.values() if line]
    sets = list(dict.fromkeys(name for line in known for name in line["sets"]))
    header = ["preset", "input", "parameters", "MMAC", "MB"]
    header += [f"{name} (accepted at 99 %)" for name in sets] or ["plate accuracy"]
    header += ["ms, batch 1", "ms a plate, batch 64", "minutes"]
    rows = [_row(preset, line, sets, len(header)) for preset, line in lines.items()]
    cells = "\n".join(
        "| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]
    )
    return f"{_how(results.budget, known)}\n\n{cells}"


def _how(budget: Budget, known: Iterable[dict[str, Any]]) -> str:
    glyphs = "glyph pictures" if budget.glyphs else "open fonts"
    drawn = f"after {budget.drawn} the same again" if budget.drawn else "all fresh"
    facts = [
        f"{budget.epochs} epochs of {budget.plates:,} rendered plates each ({glyphs}; {drawn}); "
        "the weights of the best validation epoch."
    ]
    if budget.settings:
        facts.append(f"Over the presets: `{' '.join(budget.settings)}`.")
    for name, key in (("Hardware", "machine"), ("Trained by", "runtime"), ("Dates", "date")):
        values = sorted({line[key] for line in known if key in line})
        if values:
            facts.append(f"{name}: {'; '.join(values)}.")
    return " ".join(facts)


def _row(preset: str, line: dict[str, Any] | None, sets: Sequence[str], width: int) -> list[str]:
    if not line:
        return [f"`{preset}`", MISSING, *[""] * (width - 2)]
    height, wide = line["input"]
    row = [f"`{preset}`", f"{height} x {wide}", f"{line['parameters']:,}"]
    row += [f"{line['macs'] / 1e6:.0f}"]
    row += [f"{line['bytes'] / 1e6:.1f}" if "bytes" in line else MISSING]
    row += [_set_cell(line["sets"].get(name)) for name in sets] or [MISSING]
    row += [_number(line.get("ms_1")), _number(line.get("ms_64"))]
    return [*row, f"{line['seconds'] / 60:.0f}" if "seconds" in line else ""]


def _set_cell(figures: dict[str, Any] | None) -> str:
    if figures is None:
        return MISSING
    accepted = figures["coverage_99"]
    shown = "–" if accepted is None else f"{100 * accepted:.1f}"
    return f"{100 * figures['plate_accuracy']:.2f} % ({shown})"


def _number(value: float | None) -> str:
    return MISSING if value is None else f"{value:.2f}"

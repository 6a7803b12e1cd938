"""The figures of a shipped model's card, from what `chepai test --json` wrote of each set.

    chepai test --model default --data eval-v1/gate --json gate.json
    python benchmarks/model_card.py pretrained/default.md gate=gate.json check=check.json

They are put between the card's two marks. Columns stand in the order of the command line; a kind or
a province that a set has no plate of is left empty there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chepai.errors import InputError
from chepai.files import write_text
from chepai.training.precision_bound import precision_bound

BEGIN, END = "<!-- figures: benchmarks/model_card.py -->", "<!-- end of figures -->"
CERTAINTY = 0.95
# A share of few plates says little: their number is shown instead of an interval.
FEW = 30

Figures = Mapping[str, Any]


def main() -> int:
    """Writes the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("card", type=Path, help="a Markdown file with the two marks")
    parser.add_argument("sets", nargs="+", metavar="NAME=FILE.json")
    args = parser.parse_args()
    write_figures(args.card, dict(_named(text) for text in args.sets))
    return 0


def _named(text: str) -> tuple[str, Figures]:
    name, _, file = text.partition("=")
    found = json.loads(Path(file).read_text(encoding="utf-8"))
    # Of several sets the file holds the combined figures too: each is wanted by itself.
    if "plate_accuracy" not in found:
        raise InputError(f"{file} holds several sets; run `chepai test` on each alone")
    return name, found


def write_figures(card: Path, sets: Mapping[str, Figures]) -> None:
    """Replaces what stands between the card's two marks.

    Raises:
        InputError: the card has no marks.
    """
    before, begin, rest = card.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"{card} has no lines {BEGIN} and {END} to write between")
    parts = [
        set_table(sets),
        precision_table(sets),
        group_table("kind", "per_kind", sets),
        group_table("province", "per_province", sets),
    ]
    write_text(card, f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}")


def set_table(sets: Mapping[str, Figures]) -> str:
    """One row a set: what is right, and what is accepted at the threshold of the test."""
    header = ["set", "plates", "right (95 %)", "without the province", "mean over provinces"]
    header += ["colour", "rows", "threshold", "accepted", "of these right"]
    rows = [
        [
            name,
            f"{found['plates']:,}",
            _interval(found["plate_accuracy"], found["plate_accuracy_interval"]),
            percent(found["accuracy_without_province"]),
            percent(found["macro_province_accuracy"]),
            percent(found["colour_accuracy"]),
            percent(found["rows_accuracy"]),
            f"{found['min_confidence']:.4g}",
            percent(found["coverage"]),
            percent(found["precision"]),
        ]
        for name, found in sets.items()
        if found["plates"]
    ]
    refused = [
        f"Of the {found['rejects']:,} pictures of {name} without a whole plate "
        f"{percent(found['reject_refused'])} are refused."
        for name, found in sets.items()
        if found["rejects"]
    ]
    return "\n\n".join([_table(header, rows), *refused])


def precision_table(sets: Mapping[str, Figures]) -> str:
    """What can be accepted so precisely, and how precise it is with 95 % certainty."""
    wanted = list(next(iter(sets.values()))["coverage_at_precision"])
    header = ["accepted at a precision of", *(percent(float(each)) for each in wanted)]
    rows = [
        [name, *(_covered(found, precision) for precision in wanted)]
        for name, found in sets.items()
        if found["plates"]
    ]
    note = (
        "In brackets: what the precision of these is at least, with a certainty of 95 % "
        "(one-sided Clopper-Pearson)."
    )
    return f"{_table(header, rows)}\n\n{note}"


def _covered(found: Figures, precision: str) -> str:
    share = found["coverage_at_precision"][precision]
    if not share:
        return "–"
    accepted = round(share * found["plates"])
    wrong = int(accepted * (1 - float(precision)) + 1e-6)
    return f"{percent(share)} ({percent(precision_bound(accepted, wrong, CERTAINTY))})"


def group_table(title: str, key: str, sets: Mapping[str, Figures]) -> str:
    """One row a group; the first one is the mean over groups, the worst group next."""
    with_plates = {name: found for name, found in sets.items() if found["plates"]}
    groups = {group for found in with_plates.values() for group in found[key]}
    first = next(iter(with_plates.values()))[key]
    ordered = sorted(groups, key=lambda group: (_share(first, group), group))
    means = [_mean(found[key].values()) for found in with_plates.values()]
    rows = [[f"mean over {len(groups)}", *map(percent, means)]]
    rows += [
        [group, *(_group_cell(found[key].get(group)) for found in with_plates.values())]
        for group in ordered
    ]
    return _table([title, *with_plates], rows)


def _share(groups: Mapping[str, Figures], group: str) -> float:
    return float(groups[group]["accuracy"]) if group in groups else 2.0


def _mean(groups: Iterable[Figures]) -> float | None:
    shares = [group["accuracy"] for group in groups]
    return sum(shares) / len(shares) if shares else None


def _group_cell(group: Figures | None) -> str:
    if group is None:
        return ""
    if group["plates"] < FEW:
        return f"{round(group['accuracy'] * group['plates'])} of {group['plates']}"
    return _interval(group["accuracy"], group["interval"])


def _interval(share: float, bounds: Sequence[float]) -> str:
    return f"{percent(share)} ({100 * bounds[0]:.2f} to {100 * bounds[1]:.2f})"


def percent(share: float | None) -> str:
    """For people: two decimals, so that 99.95 is not taken for 100."""
    return "–" if share is None else f"{100 * share:.2f} %"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    raise SystemExit(main())

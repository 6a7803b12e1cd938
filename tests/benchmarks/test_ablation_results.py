"""The table shows what was run under one budget, and says of the rest that it was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ablation_results import Budget, Results, page
from ablation_rows import BASELINE, PRESET, ROWS, Row
from chepai.configs import load_config

BUDGET = Budget(plates=100, epochs=1)
ROWS_SHOWN = (Row("baseline", "nothing"), Row("adam", "Adam", ("optimizer.name=adam",)))


def line(row: str, seed: int, accuracy: float, **others: Any) -> dict[str, Any]:
    accepted = {"coverage": 0.5, "precision": 0.9}
    figures: dict[str, Any] = {"plates": 200, "plate_accuracy": accuracy, "char_accuracy": 0.95}
    figures |= {"0.85": accepted, "0.95": accepted}
    common = {"machine": "2 cores", "runtime": "TensorFlow", "date": "2026-11-21"}
    costs = {"parameters": 1000, "seconds": 60.0}
    return {"row": row, "seed": seed, **common, **costs, "sets": {"check": figures}, **others}


def shown(results: Results) -> dict[str, list[str]]:
    """The cells of the first table by row."""
    table = page(results, BUDGET, ROWS_SHOWN, [1, 2]).split("## check")[1].split("\n\n")[1]
    rows = [[cell.strip() for cell in text.strip("|").split("|")] for text in table.splitlines()]
    return {cells[0].strip("`"): cells[1:] for cells in rows[2:]}


def test_every_row_changes_one_thing_of_the_baseline_and_is_a_valid_configuration():
    baseline = load_config(PRESET, overrides=BASELINE).model_dump()
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names) and names[0] == "baseline"
    for row in ROWS[1:]:
        config = load_config(PRESET, overrides=[*BASELINE, *row.overrides]).model_dump()
        assert config != baseline, row.name


def test_a_mean_needs_every_seed(tmp_path: Path):
    results = Results(tmp_path / "r.jsonl", BUDGET)
    for seed, accuracy in ((1, 0.8), (2, 0.9)):
        results.append(line("baseline", seed, accuracy))
    rows = shown(results)
    assert rows["baseline"][1:3] == ["85.00 %", "80.00 %, 90.00 %"]
    assert rows["adam"][1:] == ["not yet run", "", "", "", "", "", ""]
    results.append(line("adam", 1, 0.7))
    assert shown(results)["adam"][1:3] == ["1 of 2 seeds", "70.00 %"]


def test_a_precision_of_nothing_is_no_number(tmp_path: Path):
    results = Results(tmp_path / "r.jsonl", BUDGET)
    for seed in (1, 2):
        made = line("adam", seed, 0.8)
        if seed == 2:
            made["sets"]["check"]["0.95"] = {"coverage": 0.0, "precision": None}
        results.append(made)
    results.append(line("baseline", 1, 0.8))
    assert shown(results)["adam"][4:] == ["50.00 %", "90.00 %", "25.00 %", "–"]


def test_other_budgets_and_half_a_line_are_passed_over(tmp_path: Path):
    file = tmp_path / "r.jsonl"
    Results(file, Budget(plates=50)).append(line("baseline", 1, 0.1))
    Results(file, BUDGET).append(line("baseline", 2, 0.2))
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line("adam", 1, 0.3))[:40])
    results = Results(file, BUDGET)
    assert results.find("baseline", 1) is None and results.find("adam", 1) is None
    found = results.find("baseline", 2)
    assert found is not None and found["sets"]["check"]["plate_accuracy"] == 0.2
    results.append(line("adam", 1, 0.4))
    assert Results(file, BUDGET).find("adam", 1) is not None


def test_sets_measured_later_join_their_training(tmp_path: Path):
    file = tmp_path / "r.jsonl"
    first = line("baseline", 1, 0.2)
    Results(file, BUDGET).append(first)
    later = {**first, "sets": {"road": first["sets"]["check"]}}
    Results(file, BUDGET).append(later)
    found = Results(file, BUDGET).find("baseline", 1)
    assert found is not None and list(found["sets"]) == ["check", "road"]


def test_the_page_says_how_it_was_made_and_how_far_seeds_are_apart(tmp_path: Path):
    results = Results(tmp_path / "r.jsonl", BUDGET)
    assert page(results, BUDGET, ROWS_SHOWN, [1, 2]).count("not yet run") == 2
    for seed, accuracy in ((1, 0.80), (2, 0.83)):
        results.append(line("baseline", seed, accuracy))
    text = page(results, BUDGET, ROWS_SHOWN, [1, 2])
    assert "--plates 100 --wrong 0.03 --epochs 1 --seeds 1 2 --check PATH/check" in text
    assert "2026-11-21" in text and "2 cores" in text and "2 trainings" in text
    assert "check: 3.00 on average, 3.00 at most" in text

"""What is known of recognisers is merged by preset and budget, and shown between two marks."""

from __future__ import annotations

from pathlib import Path

import pytest
from chepai.errors import InputError
from recogniser_results import BEGIN, END, Budget, Results, table, write_table

LINE = {
    "preset": "lprnet",
    "input": [24, 94],
    "parameters": 521_936,
    "macs": 149_506_592,
    "bytes": 2_109_820,
    "seconds": 5400.0,
    "sets": {"check": {"plates": 212, "plate_accuracy": 0.925, "coverage_99": 0.5}},
}


def test_figures_of_one_preset_come_together_and_other_budgets_stay_apart(tmp_path: Path):
    file = tmp_path / "results.jsonl"
    results = Results(file, Budget(100, 2))
    results.append(LINE)
    results.append({"preset": "lprnet", "ms_1": 1.5, "ms_64": 0.9})
    results.append({"preset": "lprnet", "sets": {"gate": LINE["sets"]["check"]}})
    with file.open("a") as stream:
        stream.write('{"half a li')
    again = Results(file, Budget(100, 2)).find("lprnet")
    assert again is not None
    assert again["ms_1"] == 1.5 and again["parameters"] == 521_936
    assert list(again["sets"]) == ["check", "gate"]
    assert Results(file, Budget(100, 3)).find("lprnet") is None


def test_the_table_shows_what_has_been_run_and_what_has_not(tmp_path: Path):
    results = Results(tmp_path / "results.jsonl", Budget(100, 2))
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n{BEGIN}\nold\n{END}\nbehind\n", encoding="utf-8")
    write_table(page, results, ["lprnet", "crnn"])
    assert page.read_text(encoding="utf-8").count("not yet run") == 2
    results.append(LINE)
    write_table(page, results, ["lprnet", "crnn"])
    text = page.read_text(encoding="utf-8")
    assert "old" not in text and text.startswith("# Page\n") and text.endswith("behind\n")
    assert "| `lprnet` | 24 x 94 | 521,936 | 150 | 2.1 | 92.50 % (50.0) | not yet run |" in text
    widths = {line.count("|") for line in table(results, ["lprnet", "crnn"]).splitlines()[2:]}
    assert len(widths) == 1


def test_a_page_without_marks_is_left_alone(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n", encoding="utf-8")
    with pytest.raises(InputError, match="has no lines"):
        write_table(page, Results(tmp_path / "none.jsonl", Budget()), ["lprnet"])

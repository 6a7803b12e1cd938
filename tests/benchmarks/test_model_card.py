"""A card's figures come from the files of `chepai test`, and stand between two marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chepai.errors import InputError
from model_card import BEGIN, END, group_table, precision_table, write_figures


def figures(**changed: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "plates": 400,
        "plate_accuracy": 0.95,
        "plate_accuracy_interval": [0.924, 0.967],
        "accuracy_without_province": 0.97,
        "macro_province_accuracy": 0.9,
        "colour_accuracy": None,
        "rows_accuracy": 1.0,
        "min_confidence": 0.83,
        "coverage": 0.8,
        "precision": 0.99,
        "coverage_at_precision": {"0.99": 0.7475, "0.999": None},
        "per_kind": {
            "blue": {"plates": 390, "accuracy": 0.96, "interval": [0.93, 0.98]},
            "police": {"plates": 10, "accuracy": 0.6, "interval": [0.3, 0.8]},
        },
        "per_province": {},
        "rejects": 0,
        "reject_refused": None,
    }
    return values | changed


def test_what_stands_outside_the_marks_stays(tmp_path: Path) -> None:
    card = tmp_path / "default.md"
    card.write_text(f"# default\n{BEGIN}\nyesterday's\n{END}\n## Limits\n", encoding="utf-8")
    rejected = figures(plates=0, rejects=3000, reject_refused=0.999)
    write_figures(card, {"check": figures(), "reject": rejected})
    text = card.read_text(encoding="utf-8")
    assert text.startswith("# default\n")
    assert text.endswith("## Limits\n")
    assert "yesterday's" not in text
    assert "| check | 400 | 95.00 % (92.40 to 96.70) |" in text
    assert "Of the 3,000 pictures of reject without a whole plate 99.90 % are refused." in text
    card.write_text("# no marks\n", encoding="utf-8")
    with pytest.raises(InputError, match="to write between"):
        write_figures(card, {"check": figures()})


def test_a_precision_is_certain_to_its_clopper_pearson_bound() -> None:
    # 299 accepted plates of which at most 2 are wrong: beta.ppf(0.05, 297, 3) = 0.97909.
    (row,) = [
        line for line in precision_table({"check": figures()}).splitlines() if "check" in line
    ]
    assert row == "| check | 74.75 % (97.91 %) | – |"


def test_groups_stand_with_their_mean_first_and_the_worst_next() -> None:
    other = figures(per_kind={"blue": {"plates": 50, "accuracy": 1.0, "interval": [0.92, 1.0]}})
    lines = group_table("kind", "per_kind", {"gate": figures(), "check": other}).splitlines()
    assert lines[0] == "| kind | gate | check |"
    assert lines[2] == "| mean over 2 | 78.00 % | 100.00 % |"
    assert lines[3] == "| police | 6 of 10 |  |"
    assert lines[4] == "| blue | 96.00 % (93.00 to 98.00) | 100.00 % (92.00 to 100.00) |"

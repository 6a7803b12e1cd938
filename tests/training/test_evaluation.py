"""An evaluation of eight readings, every figure worked by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from chepai.plate.schema import load_schema
from chepai.training.evaluation import Evaluation, evaluate_readings
from chepai.training.report import markdown_report


@dataclass(frozen=True)
class Plate:
    text: str
    colour: str | None = None
    rows: int | None = None
    confidence: float = 0.0
    error: str | None = None


TRUTHS = [
    Plate("京A12345", "blue", 1),
    Plate("京B12345", "blue", 1),
    Plate("皖AD12345", "green", 1),
    Plate("皖C1234警", "white", None),
    Plate("MA1234", None, 1),
    Plate("沪A12345", "yellow", 2),
    Plate(""),
    Plate(""),
]
READINGS = [
    Plate("京A12345", "blue", 1, 0.99),
    Plate("津B12345", "blue", 1, 0.90),
    Plate("皖AD12345", "green", 1, 0.80),
    Plate("皖C1Z34警", "blue", 1, 0.50),
    Plate("MA1234", "black", 2, 0.99),
    Plate("", error="not a picture"),
    Plate("粤B88888", confidence=0.2),
    Plate("粤B88888", confidence=0.95),
]


@pytest.fixture
def evaluation() -> Evaluation:
    return evaluate_readings(
        TRUTHS, READINGS, 0.83, load_schema("cn"), name="hand", model="m", seconds=2.0, left_out=3
    )


def test_accuracies(evaluation: Evaluation):
    figures = evaluation.to_dict()
    assert (figures["plates"], figures["left_out"], figures["unreadable"]) == (6, 3, 1)
    assert figures["plate_accuracy"] == pytest.approx(3 / 6)
    assert figures["accuracy_without_province"] == pytest.approx(4 / 6)
    # 7 + 6 + 8 + 6 + 6 + 0 of 7 + 7 + 8 + 7 + 6 + 7
    assert figures["char_accuracy"] == pytest.approx(33 / 42)
    assert figures["colour_accuracy"] == pytest.approx(3 / 4) and figures["colour_known"] == 4
    assert figures["rows_accuracy"] == pytest.approx(3 / 4) and figures["rows_known"] == 4


def test_confidence(evaluation: Evaluation):
    figures = evaluation.to_dict()
    # 0.99, 0.99 right and 0.90 wrong reach 0.83.
    assert figures["coverage"] == pytest.approx(3 / 6)
    assert figures["precision"] == pytest.approx(2 / 3)
    assert figures["coverage_at_precision"] == {"0.99": 2 / 6, "0.995": 2 / 6, "0.999": 2 / 6}
    assert evaluation.curve == [
        (0.99, 2 / 6, 1.0), (0.90, 3 / 6, 2 / 3), (0.80, 4 / 6, 3 / 4), (0.50, 5 / 6, 3 / 5),
    ]  # fmt: skip


def test_groups(evaluation: Evaluation):
    def shares(key: str) -> dict[str, tuple[int, int]]:
        groups = evaluation.to_dict()[key]
        return {name: (group["correct"], group["plates"]) for name, group in groups.items()}

    assert shares("per_province") == {"京": (1, 2), "皖": (1, 2), "沪": (0, 1), "other": (1, 1)}
    assert evaluation.macro_province_accuracy == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    assert shares("per_length") == {"6": (1, 1), "7": (1, 4), "8": (1, 1)}
    kinds = shares("per_kind")
    assert sum(plates for _, plates in kinds.values()) == 6
    assert len(kinds) == 5 and "other" not in kinds


def test_confusions_name_what_was_printed_first(evaluation: Evaluation):
    assert evaluation.to_dict()["confusions"] == [
        {"truth": "2", "read": "Z", "count": 1},
        {"truth": "京", "read": "津", "count": 1},
    ]


def test_pictures_without_a_plate_count_apart(evaluation: Evaluation):
    assert evaluation.to_dict()["rejects"] == 2
    assert evaluation.to_dict()["reject_refused"] == pytest.approx(1 / 2)


def test_the_figures_are_plain_json(evaluation: Evaluation):
    figures = evaluation.to_dict()
    assert json.loads(json.dumps(figures)) == figures


def test_nothing_to_evaluate_gives_no_figures_instead_of_a_crash():
    figures = evaluate_readings([], [], 0.5, load_schema("cn")).to_dict()
    assert figures["plate_accuracy"] is None and figures["coverage"] is None
    assert figures["plate_accuracy_interval"] == [0.0, 1.0]
    assert figures["coverage_at_precision"]["0.99"] is None


def test_as_many_readings_as_truths_are_wanted():
    with pytest.raises(ValueError, match="shorter"):
        evaluate_readings(TRUTHS, READINGS[:-1], 0.5, load_schema("cn"))


def test_the_report_has_one_row_a_data_set_and_every_table_is_whole(evaluation: Evaluation):
    page = markdown_report([evaluation, evaluation], evaluation)
    assert page.count("| hand | 6 | 50.00 % (") == 3
    for table in page.split("\n\n"):
        lines = [line for line in table.split("\n") if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1
    assert "| 2 | Z | 1 |" in page
    assert "1 pictures could not be opened" in page

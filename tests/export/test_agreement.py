"""Agreement: hand-worked differences, and what passes each bar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from chepai.errors import InputError
from chepai.export.agreement import Agreement, agreement, check_agreement, surely_read
from chepai.inference.model_card import ModelCard
from chepai.plate.schema import Head, LabelSchema

SCHEMA = LabelSchema("two", (Head("char_1", "character", ("A", "B")),))
CARD = ModelCard("two", SCHEMA, 8, 24)
SAME = Agreement(pictures=200, difference=0.0, loss=0.0, changed=0, sure=100, changed_sure=0)


def probabilities(*of_a: float) -> dict[str, np.ndarray]:
    return {"char_1": np.array([[value, 1 - value] for value in of_a], np.float32)}


def test_differences_are_counted_as_worked_by_hand():
    found = agreement(CARD, probabilities(0.9, 0.6, 0.1), probabilities(0.8, 0.4, 0.1))
    assert found.difference == pytest.approx(0.2, abs=1e-6)
    assert found.loss == pytest.approx((0.1 + 0.2 + 0.0) / 3, abs=1e-6)
    # The second becomes B; 0.9 and 0.1, which is 0.9 of B, are sure.
    assert (found.pictures, found.changed, found.sure, found.changed_sure) == (3, 1, 2, 0)


def test_sure_are_those_above_the_threshold():
    sure = surely_read(CARD, probabilities(0.9, 0.82, 0.1, 0.84))  # 0.1 of A is 0.9 of B
    assert sure.tolist() == [True, False, True, True]


def test_a_sure_reading_that_changes_is_counted():
    found = agreement(CARD, probabilities(0.9), probabilities(0.3))
    assert (found.changed, found.sure, found.changed_sure) == (1, 1, 1)


def test_nan_is_no_small_difference():
    found = agreement(CARD, probabilities(0.9), probabilities(np.nan))
    assert found.difference == np.inf
    for precision in ("fp32", "fp16", "int8"):
        with pytest.raises(InputError, match="differs from its source by inf"):
            check_agreement(found, precision, "x.onnx")


@pytest.mark.parametrize(
    ("precision", "changes", "passes"),
    [
        ("fp32", {"difference": 9e-4}, True),
        ("fp32", {"difference": 2e-3}, False),
        ("fp32", {"changed": 3}, True),  # ties, which any order of summing decides
        ("fp16", {"difference": 0.04}, True),
        ("fp16", {"difference": 0.2}, False),
        ("fp16", {"changed_sure": 1}, False),
        ("int8", {"difference": 0.9, "changed": 20, "changed_sure": 1}, True),
        ("int8", {"changed_sure": 2}, False),
        ("int8", {"loss": 0.2}, False),
    ],
)
def test_each_precision_has_its_bar(precision: str, changes: dict, passes: bool):
    found = replace(SAME, **changes)
    if passes:
        check_agreement(found, precision, "x.onnx")
        return
    with pytest.raises(InputError, match=r"x\.onnx .*was not kept"):
        check_agreement(found, precision, "x.onnx")

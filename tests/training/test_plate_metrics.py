"""The shares shown during training, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from chepai.plate.schema import Head, LabelSchema
from chepai.training.plate_metrics import PlateMetrics

#         char_1 char_2 length colour
LABELS = [[0, 3, 2, 1], [1, -1, 1, 0], [2, 2, 2, 0], [2, -1, 0, -1], [0, 1, -1, -1], [-1] * 4]
READ = [[0, 3, 2, 0], [1, 0, 1, 0], [2, 1, 2, 0], [2, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]]


@pytest.fixture
def schema() -> LabelSchema:
    """Two characters, the second not always there, a length and a colour."""
    return LabelSchema(
        "tiny",
        (
            Head("char_1", "character", ("A", "B", "C")),
            Head("char_2", "character", ("0", "1", "2", "3", None)),
            Head("length", "length", ("none", "1", "2")),
            Head("colour", "colour", ("blue", "green")),
        ),
    )


def measured(schema: LabelSchema, batches: list[slice]) -> dict[str, float]:
    metrics = PlateMetrics(schema)
    labels, read = np.array(LABELS, "int32"), np.array(READ)
    for rows in batches:
        probabilities = {
            head.name: np.eye(head.width, dtype="float32")[read[rows, index]]
            for index, head in enumerate(schema.heads)
        }
        metrics.update_state(labels[rows], probabilities)
    return {name: float(value) for name, value in metrics.result().items()}


def test_a_plate_is_right_when_its_characters_and_length_are(schema: LabelSchema) -> None:
    result = measured(schema, [slice(None)])
    # Rows 0 (colour wrong, which does not count), 1 and 4 are right, row 2 is not; row 3 shows
    # no whole plate and row 5 has no label.
    assert result["plate_accuracy"] == pytest.approx(3 / 4)
    assert result["char_accuracy"] == pytest.approx(7 / 8)


def test_each_head_counts_its_valid_labels(schema: LabelSchema) -> None:
    result = measured(schema, [slice(None)])
    assert result["acc_char_1"] == pytest.approx(1.0)
    assert result["acc_char_2"] == pytest.approx(2 / 3)
    assert result["acc_length"] == pytest.approx(3 / 4)
    assert result["acc_colour"] == pytest.approx(2 / 3)


def test_batches_add_up(schema: LabelSchema) -> None:
    whole = measured(schema, [slice(None)])
    assert measured(schema, [slice(0, 1), slice(1, 4), slice(4, 6)]) == pytest.approx(whole)


def test_nothing_counted_is_zero(schema: LabelSchema) -> None:
    assert set(measured(schema, [slice(5, 6)]).values()) == {0.0}

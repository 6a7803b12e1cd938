"""Weights by effective number against the paper's formula."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.configs import LossConfig
from chepai.multi_label.class_balance import ClassBalance
from chepai.multi_label.classifier_loss import build_loss


def weights_of(memory: ClassBalance, labels: list, training: bool = True) -> np.ndarray:
    weights = memory.row_weights(np.array(labels, "int32"), [], training)
    return keras.ops.convert_to_numpy(weights)


def paper_weights(samples: list[float], beta: float) -> np.ndarray:
    weights = (1 - beta) / (1 - beta ** np.array(samples))
    return weights / weights.mean()


def test_the_weights_are_the_papers_for_the_samples_of_the_whole_data() -> None:
    # Eight rows of 80 plates: three of class 0, four of class 2, one masked; class 1 has none.
    memory = ClassBalance([3], beta=0.9, plates=80)
    weights = weights_of(memory, [[0]] * 3 + [[2]] * 4 + [[-1]])
    expected = paper_weights([30, 40], 0.9)
    np.testing.assert_allclose(weights[:7, 0], np.repeat(expected, [3, 4]), rtol=1e-5)


def test_batches_add_up_and_evaluation_does_not_count() -> None:
    rows = [[0, 1]] * 5 + [[1, 1]] + [[1, -1]] * 2
    whole, parts = (ClassBalance([2, 2], 0.99, 500) for _ in range(2))
    weights = weights_of(whole, rows)
    for part in (rows[:3], rows[3:]):
        weights_of(parts, part)
    np.testing.assert_allclose(weights_of(parts, rows, training=False), weights, rtol=1e-6)
    np.testing.assert_allclose(weights_of(parts, rows, training=False), weights, rtol=1e-6)


def test_the_ends_of_beta_are_even_weights_and_inverse_frequencies() -> None:
    rows = [[0]] * 9 + [[1]]
    np.testing.assert_allclose(weights_of(ClassBalance([2], 1e-9, 100), rows), 1.0, rtol=1e-5)
    inverse = weights_of(ClassBalance([2], 1 - 1e-9, 100), rows)
    assert inverse[9, 0] / inverse[0, 0] == pytest.approx(9.0, rel=1e-4)


def test_nothing_seen_weighs_one_and_the_unseen_is_finite() -> None:
    memory = ClassBalance([2], 0.999, 100)
    np.testing.assert_array_equal(weights_of(memory, [[0], [-1]], training=False), 1.0)
    weights_of(memory, [[0]] * 4)
    assert np.isfinite(weights_of(memory, [[1]], training=False)).all()


@pytest.mark.parametrize("name", ["cross_entropy", "focal", "ghm"])
def test_it_is_an_option_of_every_loss(name: str) -> None:
    loss = build_loss(LossConfig(name=name, class_balance=0.99), plates=10)
    kinds = [type(memory).__name__ for memory in loss.memories({"a": 2})]
    assert "ClassBalance" in kinds
    assert not build_loss(LossConfig(name="focal")).memories({"a": 2})


def test_without_the_number_of_plates_it_is_refused() -> None:
    with pytest.raises(ValueError, match="number of plates"):
        build_loss(LossConfig(class_balance=0.99))

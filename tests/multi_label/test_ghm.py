"""Gradient harmonising against numbers worked by hand and the paper's formulas in NumPy."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from chepai.multi_label.ghm import GradientDensity, HarmonizedCrossEntropy

WIDTHS = {"a": 3, "b": 4}


def batch(seed: int, rows: int = 12) -> tuple[np.ndarray, list[np.ndarray]]:
    """Labels [rows, 2], a fifth masked, and a softmax for each head."""
    rng = np.random.default_rng(seed)
    labels = np.stack([rng.integers(0, width, rows) for width in WIDTHS.values()], axis=1)
    labels[rng.random(labels.shape) < 0.2] = -1
    logits = [3 * rng.normal(size=(rows, width)) for width in WIDTHS.values()]
    softmax = [np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in logits]
    return labels.astype("int32"), [p.astype("float32") for p in softmax]


def norms_of(labels: np.ndarray, p: np.ndarray) -> np.ndarray:
    valid = labels >= 0
    return np.abs(np.eye(p.shape[1])[labels[valid]] - p[valid])


def paper_counts(norms: np.ndarray, bins: int) -> np.ndarray:
    """R_j: the number of g with (j - 1) / M <= g < j / M; the last bin holds 1 too."""
    edges = np.linspace(0, 1, bins + 1)
    edges[-1] = np.inf
    pairs = itertools.pairwise(edges)
    return np.array([np.sum((norms >= low) & (norms < high)) for low, high in pairs], float)


def memory_of(batches_per_update: int = 1, **options: object) -> GradientDensity:
    loss = HarmonizedCrossEntropy(**options)
    return loss.memories(WIDTHS, batches_per_update)[0]


def weights_of(memory: GradientDensity, labels: np.ndarray, p: list, training: bool = True):
    return keras.ops.convert_to_numpy(memory.row_weights(labels, p, training))


def test_rows_are_divided_by_the_number_of_gradients_like_theirs() -> None:
    labels = np.array([0, 0, 0, -1], "int32")
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.5, 0.5]], "float32")
    # Norms 0.1 0.1 0.2 0.2 0.7 0.7 in four bins: R = 4 0 2 0, N = 6, weights 6 / 16 and 6 / 8.
    expected = (0.375 * -np.log(0.9 * 0.8) + 0.75 * -np.log(0.3)) / 3
    assert float(HarmonizedCrossEntropy(bins=4)(labels, p)) == pytest.approx(expected, rel=1e-6)


def test_equally_many_gradients_in_every_bin_leave_the_cross_entropy() -> None:
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.2, 0.8]], "float32")
    labels = np.zeros(4, "int32")
    expected = float(keras.losses.SparseCategoricalCrossentropy()(labels, p))
    assert float(HarmonizedCrossEntropy(bins=4)(labels, p)) == pytest.approx(expected, rel=1e-6)


def test_the_average_moves_by_a_quarter_of_each_batch() -> None:
    memory = memory_of(bins=1)
    seen = []
    for _ in range(3):
        labels = np.zeros((1, 2), "int32")
        weights_of(memory, labels, [np.eye(3, dtype="float32")[:1], np.eye(4, dtype="float32")[:1]])
        seen.append(keras.ops.convert_to_numpy(memory.counts)[1, 0])
    # R = 4: what original.md says that the original meant and never had.
    assert seen == pytest.approx([1.0, 1.75, 2.3125])


@pytest.mark.parametrize("label_wise", [True, False])
def test_after_some_batches_the_weights_are_the_papers(label_wise: bool) -> None:
    bins, momentum = 10, 0.6
    memory = memory_of(bins=bins, momentum=momentum, label_wise=label_wise)
    averages = np.zeros((2, bins))
    for seed in range(5):
        labels, p = batch(seed)
        weights = weights_of(memory, labels, p)
        counts = [paper_counts(norms_of(labels[:, i], p[i]), bins) for i in range(2)]
        if not label_wise:
            counts = [sum(counts)] * 2
        averages = momentum * averages + (1 - momentum) * np.array(counts)
    for head in range(2):
        valid = labels[:, head] >= 0
        own = 1 - p[head][valid, labels[valid, head]]
        density = averages[head][np.minimum((own * bins).astype(int), bins - 1)] * bins
        expected = averages[head].sum() / density
        np.testing.assert_allclose(weights[valid, head], expected, rtol=1e-5)


def test_one_batch_is_the_papers_n_over_density_and_heads_differ() -> None:
    labels, p = batch(7, rows=40)
    pooled = weights_of(memory_of(label_wise=False), labels, p)
    apart = weights_of(memory_of(label_wise=True), labels, p)
    norms = [norms_of(labels[:, i], p[i]).ravel() for i in range(2)]
    for row in np.flatnonzero(labels[:, 0] >= 0):
        own = int(30 * (1 - p[0][row, labels[row, 0]]))
        alike = [np.sum((30 * n).astype(int) == own) for n in norms]
        assert apart[row, 0] == pytest.approx(norms[0].size / (alike[0] * 30), rel=1e-5)
        both = sum(n.size for n in norms)
        assert pooled[row, 0] == pytest.approx(both / (sum(alike) * 30), rel=1e-5)


def test_gathering_gradients_over_equal_batches_moves_the_average_as_one_whole_batch() -> None:
    labels, p = batch(1)
    whole, parts = memory_of(momentum=0.5), memory_of(4, momentum=0.5)
    for memory in (whole, parts):
        weights_of(memory, *batch(2))
    start = keras.ops.convert_to_numpy(whole.counts)
    parts.counts.assign(start)
    for _ in range(4):
        weights_of(parts, labels, p)
    weights_of(whole, labels, p)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(parts.counts), keras.ops.convert_to_numpy(whole.counts), 1e-5
    )


def test_evaluation_neither_counts_nor_meets_a_boundless_weight() -> None:
    memory = memory_of(momentum=0.75)
    labels, p = batch(3)
    np.testing.assert_array_equal(weights_of(memory, labels, p, training=False), 1.0)
    weights_of(memory, labels, p)
    before = keras.ops.convert_to_numpy(memory.counts).copy()
    weights = weights_of(memory, *batch(4), training=False)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(memory.counts), before)
    assert np.all(weights <= before.sum(axis=1).max() / (0.25 * 30) * (1 + 1e-6))


def test_a_head_that_nothing_labels_leaves_its_histogram_empty() -> None:
    memory = memory_of()
    labels, p = batch(5)
    labels[:, 1] = -1
    weights = weights_of(memory, labels, p)
    assert keras.ops.convert_to_numpy(memory.counts)[1].sum() == 0
    np.testing.assert_array_equal(weights[:, 1], 1.0)


def test_options_survive_a_round_trip_and_senseless_ones_are_refused() -> None:
    loss = HarmonizedCrossEntropy(bins=20, momentum=0.5, label_wise=False, label_smoothing=0.1)
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(copy, HarmonizedCrossEntropy)
    assert copy.get_config() == loss.get_config()
    for wrong in ({"bins": 0}, {"momentum": 1.0}):
        with pytest.raises(ValueError, match="Received"):
            HarmonizedCrossEntropy(**wrong)

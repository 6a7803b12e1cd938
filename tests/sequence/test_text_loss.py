"""Losses of texts, against all paths one by one, against figures worked by hand, and PyTorch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from chepai.sequence.text_loss import (
    CharacterLoss,
    CTCLoss,
    class_loss,
    ctc_losses,
    first_losses,
    losses_by_rows,
    needed_columns,
)
from chepai.sequence.tokens import Targets
from keras import ops


def all_paths(logits: np.ndarray, text: tuple[int, ...], whole: bool = True) -> float:
    """-ln of the sum over every path that writes the text, or, not `whole`, begins with it."""
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    columns, classes = logits.shape
    total = 0.0
    for path in itertools.product(range(classes), repeat=columns):
        written = tuple(number for number, _ in itertools.groupby(path) if number)
        if (written if whole else written[: len(text)]) == text:
            total += float(np.prod(probabilities[range(columns), path]))
    return -math.log(total)


def known(tokens: list[list[int]]) -> Targets:
    return targets_of(np.array(tokens, "int32"), np.ones(len(tokens), bool))


def targets_of(tokens: np.ndarray, whole: np.ndarray, two_rows: object = False) -> Targets:
    two_rows = np.broadcast_to(np.array(two_rows), len(tokens))
    return Targets(*(ops.convert_to_tensor(part) for part in (tokens, whole, two_rows)))


def value_and_gradient(function: Callable[[Any], Any], values: np.ndarray) -> tuple[Any, Any]:
    """Of a sum, by the framework in use."""
    if keras.backend.backend() == "jax":
        import jax

        found, gradient = jax.value_and_grad(function)(values)
    elif keras.backend.backend() == "torch":
        variable = ops.convert_to_tensor(values).requires_grad_()
        found = function(variable)
        found.backward()
        found, gradient = found.detach(), variable.grad
    else:
        import tensorflow as tf

        variable = tf.Variable(values)
        with tf.GradientTape() as tape:
            found = function(variable)
        gradient = tape.gradient(found, variable)
    return float(found), np.array(gradient.cpu() if hasattr(gradient, "cpu") else gradient)


def test_ctc_is_the_sum_over_all_paths():
    logits = np.random.default_rng(1).normal(size=(4, 5, 4)).astype("float32")
    tokens = [[1, 2, 3], [2, 2, 0], [3, 0, 0], [0, 0, 0]]
    found = np.array(ctc_losses(np.array(tokens, "int32"), logits))
    texts = [tuple(number for number in row if number) for row in tokens]
    wanted = [all_paths(row, text) for row, text in zip(logits, texts, strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert float(CTCLoss().average(known(tokens), logits)) == pytest.approx(np.mean(wanted), 1e-5)


def test_what_no_path_can_write_and_what_nobody_knows_is_left_out():
    logits = np.random.default_rng(2).normal(size=(4, 4, 3)).astype("float32")
    # The second wants five columns, of the third a character is unknown, of the fourth all.
    tokens = np.array([[1, 2, 1], [1, 1, 1], [1, -1, 2], [-1, -1, -1]], "int32")
    assert np.array(needed_columns(tokens)).tolist()[:2] == [3, 5]
    whole = targets_of(tokens, np.array([True, True, True, False]))
    loss = CTCLoss()
    assert float(loss.average(whole, logits)) == pytest.approx(
        all_paths(logits[0], (1, 2, 1)), 1e-5
    )
    nothing = targets_of(tokens[1:], np.array([True, True, False]))
    assert float(loss.average(nothing, logits[1:])) == 0.0


def test_the_first_character_of_ctc_weighs_by_all_paths_that_begin_with_it():
    logits = np.random.default_rng(6).normal(size=(3, 5, 4)).astype("float32")
    tokens = np.array([[1, 2, 3], [2, 2, 0], [0, 0, 0]], "int32")
    first = [all_paths(logits[0], (1,), whole=False), all_paths(logits[1], (2,), whole=False), 0.0]
    np.testing.assert_allclose(np.array(first_losses(tokens, logits)), first, rtol=1e-5)
    text = [all_paths(logits[0], (1, 2, 3)), all_paths(logits[1], (2, 2)), all_paths(logits[2], ())]
    wanted = np.mean(text) + 2 * np.mean(first)
    assert float(CTCLoss(3.0).average(known(tokens.tolist()), logits)) == pytest.approx(
        wanted, 1e-5
    )


def test_two_rows_are_written_each_in_its_half_of_the_columns():
    logits = np.random.default_rng(7).normal(size=(4, 10, 4)).astype("float32")
    texts = [(1, 2, 3, 1), (2, 2, 3), (3, 1, 2, 2), ()]
    tokens = np.array([[*text, *[0] * (4 - len(text))] for text in texts], "int32")
    wanted = []
    for row, text in zip(logits[:2], texts[:2], strict=True):
        cuts = [all_paths(row[:5], text[:k]) + all_paths(row[5:], text[k:]) for k in (1, 2, 3)]
        wanted.append(-math.log(sum(math.exp(-cut) for cut in cuts)))
    # Of plates of one row, and where there is none, every path counts.
    wanted += np.array(ctc_losses(tokens[2:], logits[2:])).tolist()
    two_rows = np.array([True, True, False, False])
    np.testing.assert_allclose(losses_by_rows(tokens, logits, two_rows), wanted, rtol=1e-5)
    targets = targets_of(tokens, np.ones(4, bool), two_rows)
    average = float(CTCLoss(rows_apart=True).average(targets, logits))
    assert average == pytest.approx(np.mean(wanted), 1e-5)


@pytest.mark.parametrize("sharpness", [1.0, 30.0])
@pytest.mark.parametrize("first_weight", [1.0, 3.0])
def test_ctc_has_a_finite_gradient_that_points_the_right_way(sharpness: float, first_weight: float):
    rng = np.random.default_rng(3)
    logits = (sharpness * rng.normal(size=(6, 10, 8))).astype("float32")
    tokens = rng.integers(1, 8, (6, 4)).astype("int32")
    targets = targets_of(tokens, np.ones(6, bool))
    loss = CTCLoss(first_weight)
    before, gradient = value_and_gradient(lambda given: loss.average(targets, given), logits)
    assert np.isfinite(gradient).all()
    # No plateau: every plate that is not read yet pulls, and in sum 0.
    assert (np.abs(gradient).sum((1, 2)) > 1e-3).all()
    np.testing.assert_allclose(gradient.sum(2), 0, atol=1e-4)
    assert float(loss.average(targets, logits - 5 * gradient)) < before


def test_ctc_agrees_with_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `parity`)")
    rng = np.random.default_rng(4)
    tokens = rng.integers(1, 86, (16, 8)).astype("int32")
    lengths = rng.integers(0, 9, 16)
    tokens[np.arange(8) >= lengths[:, None]] = 0
    # In float32 PyTorch's own gradients are up to 1e-4 off these; JAX's lie between.
    tolerance = 1e-5 if keras.backend.backend() == "tensorflow" else 2e-4
    for sharpness in (1.0, 10.0):
        values = (sharpness * rng.normal(size=(16, 18, 86))).astype("float32")
        theirs = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        wanted = torch.nn.functional.ctc_loss(
            theirs.log_softmax(-1).transpose(0, 1),
            torch.tensor(tokens.astype("int64")),
            torch.full((16,), 18),
            torch.tensor(lengths),
            reduction="none",
        )
        wanted.sum().backward()
        found = np.array(ctc_losses(tokens, values))
        np.testing.assert_allclose(found, wanted.detach().numpy(), rtol=1e-5)
        _, gradient = value_and_gradient(lambda given: ops.sum(ctc_losses(tokens, given)), values)
        np.testing.assert_allclose(gradient, theirs.grad.numpy(), atol=tolerance)


def test_characters_and_the_end_behind_them_are_counted_once_each():
    logits = np.random.default_rng(5).normal(size=(3, 4, 5)).astype("float32")
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    targets = targets_of(
        np.array([[1, 2, 0], [3, -1, 4], [-1, -1, -1]], "int32"), np.array([True, True, False])
    )
    counted = [
        logs[0, 0, 1], logs[0, 1, 2], logs[0, 2, 0],
        logs[1, 0, 3], logs[1, 2, 4], logs[1, 3, 0],
    ]  # fmt: skip
    assert float(CharacterLoss().average(targets, logits)) == pytest.approx(-np.mean(counted), 1e-5)
    heavier = [*counted, *(counted[place] for place in (0, 0, 3, 3))]
    first = float(CharacterLoss(first_weight=3.0).average(targets, logits))
    assert first == pytest.approx(-np.mean(heavier), 1e-5)
    smooth = float(CharacterLoss(0.1).average(targets, logits))
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (1, 3)]
    even = np.mean([logs[place].mean() for place in places])
    assert smooth == pytest.approx(-(0.9 * np.mean(counted) + 0.1 * even), 1e-5)


def test_other_heads_count_where_they_are_labelled():
    probabilities = np.array([[0.25, 0.75], [0.5, 0.5], [0.9, 0.1]], "float32")
    loss = class_loss(np.array([1, -1, 0]), probabilities)
    assert float(loss) == pytest.approx(-(math.log(0.75) + math.log(0.9)) / 2, 1e-5)


def test_losses_are_rebuilt_from_their_configuration():
    for loss in (CTCLoss(3.0, rows_apart=True), CharacterLoss(0.2, 3.0)):
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
        assert copy.get_config() == loss.get_config()

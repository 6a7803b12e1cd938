"""Focal losses against Keras's, tensorflow-addons' and numbers worked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.multi_label.focal import MaskedFocal, MaskedSigmoidFocal, sigmoid_focal

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "focal_tfa.json").read_text(encoding="utf-8")
)
PROBABILITIES = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]], "float32")
LABELS = np.array([1, -1, 2], "int32")


def test_a_row_is_the_papers() -> None:
    # (1 - 0.25)^2 (-log 0.25) and (1 - 0.6)^2 (-log 0.6), the mean of the two valid rows.
    expected = (0.5625 * np.log(4.0) + 0.16 * -np.log(0.6)) / 2
    assert float(MaskedFocal()(LABELS, PROBABILITIES)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_kerass_over_the_valid_rows(smoothing: float) -> None:
    theirs = keras.losses.CategoricalFocalCrossentropy(0.3, 1.5, label_smoothing=smoothing)
    valid = LABELS >= 0
    expected = float(theirs(np.eye(3)[LABELS[valid]], PROBABILITIES[valid]))
    ours = MaskedFocal(gamma=1.5, alpha=0.3, label_smoothing=smoothing)
    assert float(ours(LABELS, PROBABILITIES)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_the_sigmoid_focal_is_that_of_tensorflow_addons(case: str) -> None:
    import tensorflow as tf

    golden = GOLDEN["cases"][case]
    labels = np.array(GOLDEN["y_true"], "float64")
    given = GOLDEN["logits" if golden["from_logits"] else "y_pred_probs"]
    predictions = tf.Variable(np.array(given, "float64"))
    options = {key: golden[key] for key in ("alpha", "gamma", "from_logits")}
    with tf.GradientTape() as tape:
        losses = sigmoid_focal(labels, predictions, **options)
        total = tf.reduce_sum(losses)
    np.testing.assert_allclose(losses, np.array(golden["loss"], "float64"), rtol=1e-12)
    gradients = np.array(golden["grad_of_sum"], "float64")
    np.testing.assert_allclose(tape.gradient(total, predictions), gradients, rtol=1e-9, atol=1e-14)


def test_each_class_of_a_head_is_a_question_of_its_own() -> None:
    rows = sigmoid_focal(np.eye(3, dtype="float32")[[1, 2]], PROBABILITIES[[0, 2]])
    expected = float(np.mean(keras.ops.convert_to_numpy(rows)))
    assert float(MaskedSigmoidFocal()(LABELS, PROBABILITIES)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("loss", [MaskedFocal(1.0, 0.5), MaskedSigmoidFocal(3.0, 0.4)])
def test_options_survive_a_round_trip(loss: MaskedFocal) -> None:
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(copy) is type(loss)
    assert (copy.gamma, copy.alpha) == (loss.gamma, loss.alpha)

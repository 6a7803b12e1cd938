"""The soft loss against numbers worked by hand, and against the logits that softmaxes forget."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.plate.schema import Head, LabelSchema, load_schema
from chepai.training.distillation import (
    Teachers,
    characters_by_length,
    soft_loss,
    soft_losses,
    softened,
)
from keras import ops


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """In float64, by its definition."""
    powers = np.exp(logits / temperature - np.max(logits / temperature, axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_softened_probabilities_are_softened_logits(temperature: float) -> None:
    rng = np.random.default_rng(1)
    # To differences of 80: e^-80 is about the least that float32 holds.
    logits = rng.uniform(-40, 40, (200, 34))
    shifted = logits + rng.uniform(-1000, 1000, (200, 1))
    probabilities = softmax(shifted).astype("float32")
    found = np.exp(ops.convert_to_numpy(softened(probabilities, temperature)))
    np.testing.assert_allclose(found, softmax(logits, temperature), atol=1e-6)


def test_a_probability_that_rounds_to_zero_is_softened_to_a_small_one() -> None:
    found = ops.convert_to_numpy(softened(np.array([[1.0, 0.0]], "float32"), 4.0))
    assert found[0, 1] == pytest.approx(np.log(2e-38) / 4, rel=1e-3)


def test_the_divergence_is_that_worked_by_hand() -> None:
    # At T = 2 probabilities become their square roots: 0.64, 0.36 -> 0.8, 0.6 -> 4/7, 3/7.
    taught = np.array([[0.64, 0.36], [0.5, 0.5]], "float32")
    answered = np.array([[0.5, 0.5], [0.5, 0.5]], "float32")
    by_hand = 4 / 7 * np.log(8 / 7) + 3 / 7 * np.log(6 / 7)
    found = ops.convert_to_numpy(soft_losses(taught, answered, 2.0))
    np.testing.assert_allclose(found, [4 * by_hand, 0.0], atol=1e-6)


def test_it_is_kerass_divergence_of_softened_logits() -> None:
    rng = np.random.default_rng(2)
    taught, answered = rng.normal(0, 3, (2, 50, 12))
    theirs = keras.losses.KLDivergence(reduction=None)(
        softmax(taught, 3.0).astype("float32"), softmax(answered, 3.0).astype("float32")
    )
    ours = soft_losses(softmax(taught).astype("float32"), softmax(answered).astype("float32"), 3.0)
    np.testing.assert_allclose(ours, 9 * np.asarray(theirs), rtol=1e-4, atol=1e-6)


def test_the_gradient_by_the_logits_is_the_papers() -> None:
    """T^2 times (1 / T) (q_student - q_teacher), formula 2 of the paper."""
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(3)
    taught = rng.normal(0, 2, (5, 7)).astype("float32")
    logits = tf.constant(rng.normal(0, 2, (5, 7)).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = soft_losses(softmax(taught).astype("float32"), tf.nn.softmax(logits), 4.0)
    found = tape.gradient(losses, logits)
    expected = 4.0 * (softmax(logits.numpy(), 4.0) - softmax(taught, 4.0))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_rows_count_by_their_weights() -> None:
    taught = np.array([[0.64, 0.36], [0.36, 0.64], [0.9, 0.1]], "float32")
    answered = np.full((3, 2), 0.5, "float32")
    rows = np.asarray(soft_losses(taught, answered, 2.0))
    loss = soft_loss(taught, answered, 2.0, np.array([1.0, 0.5, 0.0], "float32"))
    assert float(loss) == pytest.approx((rows[0] + 0.5 * rows[1]) / 1.5, rel=1e-6)
    # A head that no picture of the batch is sure to have is not raised to the weight of others.
    loss = soft_loss(taught, answered, 2.0, np.array([0.0, 0.0, 0.1], "float32"))
    assert float(loss) == pytest.approx(0.1 * rows[2], rel=1e-6)


def test_characters_are_there_up_to_the_plates_length() -> None:
    schema = LabelSchema(
        "tiny",
        (
            Head("char_1", "character", ("A", "B")),
            Head("char_2", "character", ("0", "1")),
            Head("length", "length", ("none", "2", None, "1")),
        ),
    )
    assert characters_by_length(schema).tolist() == [[0, 0], [1, 1], [0, 0], [1, 0]]
    assert characters_by_length(load_schema("original")).sum(axis=1).tolist() == [7, 8]


def test_teachers_answer_together_at_their_own_sizes() -> None:
    def teacher(size: tuple[int, int], answer: list[float]) -> keras.Model:
        image = keras.Input((*size, 3), dtype="uint8")
        flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
        dense = keras.layers.Dense(2, activation="softmax", kernel_initializer="zeros")
        model = keras.Model(image, {"head": dense(flat)})
        dense.bias.assign(np.log(answer))
        return model

    teachers = Teachers([teacher((2, 2), [0.9, 0.1]), teacher((4, 6), [0.5, 0.5])])
    assert teachers.sizes == ((2, 2), (4, 6))
    pictures = {size: np.zeros((3, *size, 3), "uint8") for size in teachers.sizes}
    np.testing.assert_allclose(teachers(pictures)["head"], [[0.7, 0.3]] * 3, atol=1e-6)


def test_of_several_devices_answers_the_batch_is_taken_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = keras.Input((2, 2, 3))
    model = keras.Model(image, {"one": keras.layers.Dense(4)(keras.layers.Flatten()(image))})
    plain = model.predict_on_batch

    def twice(pictures: np.ndarray) -> dict[str, np.ndarray]:
        return {name: np.concatenate([answer] * 2) for name, answer in plain(pictures).items()}

    pictures = {(2, 2): np.random.default_rng(1).normal(size=(3, 2, 2, 3))}
    wanted = Teachers([model]).predict(pictures)
    monkeypatch.setattr(model, "predict_on_batch", twice)
    np.testing.assert_array_equal(Teachers([model]).predict(pictures)["one"], wanted["one"])

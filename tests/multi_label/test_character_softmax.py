from __future__ import annotations

import keras
import numpy as np
from chepai.multi_label.character_softmax import CharacterSoftmax


def test_what_one_head_learns_of_a_character_the_others_know():
    """Two heads with B in common, on other places of their classes; A, C and a spare are not."""
    layer = CharacterSoftmax([["A", "B"], ["C", None, "B"]])
    layer.build([(None, 1), (None, 1)])
    view = np.ones((1, 1), np.float32)
    layer.shared.assign([[0.0, np.log(8.0), 0.0]])
    first, second = layer([view, view])
    np.testing.assert_allclose(first, [[1 / 9, 8 / 9]], rtol=1e-6)
    np.testing.assert_allclose(second, [[0.1, 0.1, 0.8]], rtol=1e-6)


def test_a_head_can_differ_from_what_is_shared():
    layer = CharacterSoftmax([["A", "B"], ["A", "B"]])
    layer.build([(None, 1), (None, 1)])
    layer.shared.assign([[0.0, 0.0]])
    layer.own[1].assign([[np.log(3.0), 0.0]])
    layer.biases[1].assign([0.0, np.log(2.0)])
    first, second = layer([np.ones((1, 1), np.float32)] * 2)
    np.testing.assert_allclose(first, [[0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(second, [[0.6, 0.4]], rtol=1e-6)


def test_another_schema_begins_with_what_is_known_of_its_characters():
    rng = np.random.default_rng(0)
    source = CharacterSoftmax([["A", "B"], ["B", "C"]])
    source.build([(None, 3)] * 2)
    source.set_weights([rng.normal(size=weight.shape) for weight in source.get_weights()])
    target = CharacterSoftmax([["B", None, "A"], ["D", "C"]])
    target.build([(None, 3)] * 2)
    fresh = np.array(target.shared)[:, target.alphabet.index("D")]
    assert target.take_over(source)
    view = rng.normal(size=(1, 3)).astype("float32")
    first, second = target([view, view])
    known, _ = source([view, view])
    np.testing.assert_allclose(first[0, 0] / first[0, 2], known[0, 1] / known[0, 0], rtol=1e-5)
    logits = view @ (np.array(source.shared)[:, 2] + np.array(source.own[1])[:, 1])
    expected = np.exp(logits + np.array(source.biases[1])[1] - view @ fresh)
    np.testing.assert_allclose(second[0, 1] / second[0, 0], expected[0], rtol=1e-5)


def test_nothing_is_taken_from_a_layer_of_another_width():
    source, target = CharacterSoftmax([["A"]]), CharacterSoftmax([["A"]])
    source.build([(None, 3)])
    target.build([(None, 4)])
    assert not target.take_over(source)
    assert not target.take_over(keras.layers.Dense(1))

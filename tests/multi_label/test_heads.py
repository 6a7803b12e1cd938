from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.backbone.base import LayerStyle
from chepai.multi_label.heads import (
    LOWEST_PLACE_BIAS,
    CharacterSoftmax,
    HeadAttention,
    place_biases,
    softmax_heads,
)
from chepai.plate.schema import Head

WIDTH = 20


def test_a_head_begins_by_looking_at_its_place():
    layer = HeadAttention(3, places=(0.1, 0.9, None))
    # A map whose single channel is the column's place: what a head sees is where it looks.
    columns = (np.arange(WIDTH, dtype=np.float32) + 0.5) / WIDTH
    features = np.tile(columns[None, None, :, None], (1, 3, 1, 1))
    layer.build(features.shape)
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    left, right, everywhere = (float(seen[0, 0]) for seen in layer(features))
    assert left < 0.3 and right == pytest.approx(1 - left, abs=1e-6)
    assert everywhere == pytest.approx(0.5, abs=1e-6)


def test_the_nearest_column_gets_the_largest_bias_and_no_column_is_hidden():
    biases = place_biases((0.0, 0.5, 1.0), 9)
    assert biases.argmax(0).tolist() == [0, 4, 8]
    assert biases.max() == pytest.approx(0.0, abs=0.7)
    assert biases.min() == LOWEST_PLACE_BIAS


def test_the_whole_plate_moves_the_places():
    layer = HeadAttention(1, places=(0.125,), layout=True)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 3, WIDTH, 4)).astype("float32")
    layer.build(features.shape)
    plain = HeadAttention(1, places=(0.125,))
    plain.build(features.shape)
    plain.set_weights(layer.get_weights()[:2])
    np.testing.assert_allclose(layer(features)[0], plain(features)[0], atol=1e-6)
    layer.layout_kernel.assign(rng.normal(size=layer.layout_kernel.shape))
    assert np.abs(np.asarray(layer(features)[0]) - np.asarray(plain(features)[0])).max() > 0.01


def test_places_are_kept_in_the_configuration():
    layer = HeadAttention(3, places=(0.1, None, 0.9))
    again = HeadAttention.from_config(layer.get_config())
    assert again.places == (0.1, None, 0.9)
    with pytest.raises(ValueError, match="places wants 3 values"):
        HeadAttention(3, places=(0.1,))


def test_what_one_head_learns_of_a_character_the_others_know():
    """Two heads with B in common, on other places of their classes; A, C and a spare are not."""
    layer = CharacterSoftmax([[0, 1], [2, -1, 1]])
    layer.build([(None, 1), (None, 1)])
    view = np.ones((1, 1), np.float32)
    layer.shared.assign([[0.0, np.log(8.0), 0.0]])
    first, second = layer([view, view])
    np.testing.assert_allclose(first, [[1 / 9, 8 / 9]], rtol=1e-6)
    np.testing.assert_allclose(second, [[0.1, 0.1, 0.8]], rtol=1e-6)


def test_a_head_can_differ_from_what_is_shared():
    layer = CharacterSoftmax([[0, 1], [0, 1]])
    layer.build([(None, 1), (None, 1)])
    layer.shared.assign([[0.0, 0.0]])
    layer.own[1].assign([[np.log(3.0), 0.0]])
    layer.biases[1].assign([0.0, np.log(2.0)])
    first, second = layer([np.ones((1, 1), np.float32)] * 2)
    np.testing.assert_allclose(first, [[0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(second, [[0.6, 0.4]], rtol=1e-6)


def test_only_heads_of_characters_share():
    heads = (
        Head("one", "character", ("A", "B")),
        Head("two", "character", ("B", "C", "D")),
        Head("rows", "rows", ("1", "2")),
    )
    features = keras.Input((3, 6, 4))
    outputs = softmax_heads(features, heads, head="attention", style=LayerStyle(0.0, 0.0))
    assert list(outputs) == ["one", "two", "rows"]
    shared = keras.Model(features, outputs).get_layer("characters")
    assert shared.characters == ((0, 1), (1, 2, 3))
    assert shared.shared.shape == (4, 4)


@pytest.mark.parametrize("head", ["pooled", "attention", "flatten"])
def test_every_way_gives_probabilities_for_each_head(head):
    features = keras.Input((3, 6, 4))
    heads = (Head("one", "character", (*"ABCD", None)), Head("two", "rows", ("1", "2")))
    outputs = softmax_heads(
        features, heads, head=head, style=LayerStyle(0.0, 0.0), places=(0.2, None)
    )
    values = keras.Model(features, outputs)(np.random.default_rng(0).random((2, 3, 6, 4), "f4"))
    assert {name: value.shape for name, value in values.items()} == {"one": (2, 5), "two": (2, 2)}
    for value in values.values():
        np.testing.assert_allclose(np.sum(value, axis=1), 1, atol=1e-6)

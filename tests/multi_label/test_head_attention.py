from __future__ import annotations

import numpy as np
import pytest
from chepai.multi_label.head_attention import LOWEST_PLACE_BIAS, HeadAttention, place_biases

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


def test_what_heads_see_is_the_formula_of_the_class():
    layer = HeadAttention(3, places=(0.1, 0.5, 0.9), layout=True)
    rng = np.random.default_rng(1)
    features = rng.normal(size=(2, 3, 5, 4)).astype("float32")
    layer.build(features.shape)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.weights])
    kernel, bias, layout = layer.get_weights()
    plates = features.reshape(2, 15, 4)
    for plate, seen in zip(plates, np.stack(layer(features), axis=1), strict=True):
        logits = plate @ kernel + bias + (plate.mean(0) @ layout).reshape(15, 3)
        weights = np.exp(logits) / np.exp(logits).sum(0)
        np.testing.assert_allclose(seen, weights.T @ plate, atol=1e-5)


def test_places_are_kept_in_the_configuration():
    layer = HeadAttention(3, places=(0.1, None, 0.9))
    again = HeadAttention.from_config(layer.get_config())
    assert again.places == (0.1, None, 0.9)
    with pytest.raises(ValueError, match="places wants 3 values"):
        HeadAttention(3, places=(0.1,))

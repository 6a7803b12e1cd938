from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.backbone.base import LayerStyle
from chepai.multi_label.heads import softmax_heads
from chepai.plate.schema import Head


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
    assert shared.alphabet == ("A", "B", "C", "D")
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

"""LPRNet is slimmed by its gammas: a map keeps its strength."""

from __future__ import annotations

import keras
import numpy as np
from chepai.plate.schema import load_schema
from chepai.sequence.context import ContextScale
from chepai.sequence.recogniser import build_recogniser
from chepai.training.slimming.choice import Limits, choose
from chepai.training.slimming.surgery import narrowed, silenced
from chepai.training.slimming.trace import trace
from narrow_recognisers import narrow_config


def test_a_slimmed_lprnet_answers_as_the_silenced_one():
    keras.utils.set_random_seed(3)
    model = build_recogniser(narrow_config("lprnet"), load_schema("cn"))
    rng = np.random.default_rng(4)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(rng.uniform(0.2, 2.0, layer.gamma.shape))
            layer.beta.assign(rng.normal(0, 0.5, layer.beta.shape))
    graph = trace(model)
    choice = choose(graph, 0.4, graph.gamma_count, Limits(share=0.1, channels=4, multiple=1))
    slim = narrowed(model, graph, choice.kept)
    assert slim.count_params() < model.count_params()
    images = rng.integers(0, 256, (3, 24, 94, 3), dtype=np.uint8)
    wanted = silenced(model, graph, choice.kept)(images, training=False)
    for name, value in slim(images, training=False).items():
        np.testing.assert_allclose(value, wanted[name], atol=1e-5)
    scales = [layer for layer in slim.layers if isinstance(layer, ContextScale)]
    assert any(layer.channels != layer.input.shape[-1] for layer in scales)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(slim))
    assert again.count_params() == slim.count_params()

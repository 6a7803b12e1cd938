"""Temperatures on probabilities are temperatures on logits, and change no reading."""

from __future__ import annotations

import numpy as np
import pytest
from chepai.plate.codec import decode
from chepai.plate.schema import load_schema
from chepai.plate.temperature import LEAST, MOST, soften

CN = load_schema("cn")


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("temperature", [LEAST, 0.5, 1.7, MOST])
def test_it_is_the_softmax_of_divided_logits(temperature: float):
    logits = {
        name: np.random.default_rng(width).normal(0, 3, (50, width))
        for name, width in zip(CN.head_names, CN.widths, strict=True)
    }
    given = {name: softmax(values).astype(np.float32) for name, values in logits.items()}
    softened = soften(given, dict.fromkeys(CN.head_names[::2], temperature))
    for place, name in enumerate(CN.head_names):
        wanted = softmax(logits[name] / (1 if place % 2 else temperature))
        np.testing.assert_allclose(softened[name], wanted, rtol=2e-4, atol=1e-6)
        assert softened[name].dtype == np.float32


def test_what_underflowed_stays_impossible_and_sums_to_one():
    sure = {"a": np.array([[1.0, 0.0, 0.0]], np.float32), "b": np.array([[1e-30, 1.0]], np.float32)}
    for temperature in (LEAST, MOST):
        softened = soften(sure, {"a": temperature, "b": temperature})
        assert softened["a"][0, 0] > 0.999 and softened["b"][0, 1] > 0.99
        for values in softened.values():
            np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-6)


def test_given_arrays_are_not_changed():
    given = {"a": np.array([[0.75, 0.25]], np.float32)}
    soften(given, {"a": 2.0})
    assert given["a"].tolist() == [[0.75, 0.25]]
    assert soften(given, {})["a"] is given["a"]


def test_without_the_grammar_texts_stay_and_confidences_move():
    rng = np.random.default_rng(4)
    given = {
        head.name: rng.dirichlet(np.full(head.width, 0.1), 500).astype(np.float32)
        for head in CN.heads
    }
    temperatures = dict(zip(CN.head_names, rng.uniform(0.5, 2, len(CN.heads)), strict=True))
    before = decode(CN, given, constrain=False)
    after = decode(CN, soften(given, temperatures), constrain=False)
    for one, other in zip(before, after, strict=True):
        assert (one.text, one.colour, one.rows) == (other.text, other.colour, other.rows)
        assert one.confidence != other.confidence

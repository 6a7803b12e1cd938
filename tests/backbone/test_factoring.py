"""Convolutions in factors answer like the whole ones that they are made of, as far as they can."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.backbone import registry
from chepai.backbone.factoring import (
    answers,
    has_factors,
    input_factor,
    output_factor,
    take_factors,
)
from chepai.training.initialise import take_over

SMALL = {
    "widths": (16, 16, 24, 32),
    "blocks": (1, 1, 2, 1),
    "strides": (1, 2, 1, (2, 1)),
    "stem_pool": False,
}
FULL = ((16, 16), (16, 16), (24, 24), (32, 32))


def network(ranks: object = None, seed: int = 0, **options: object) -> keras.Model:
    """ResNet18 with random weights."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((16, 32, 3))
    options = {**SMALL, "ranks": ranks, **options}
    return keras.Model(image, registry.build("resnet18", image, **options))


def trained(model: keras.Model) -> keras.Model:
    """The model with random normalisations, whose statistics are those of `pictures`."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            rows = answers(model, layer.input, pictures())
            gamma, beta = rng.uniform(0.5, 1.5, rows.shape[1]), rng.normal(0.2, 0.3, rows.shape[1])
            layer.set_weights([gamma, beta, rows.mean(0), rows.var(0)])
    return model


def pictures(count: int = 24) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, 16, 32, 3)).astype("float32") / 255


def factored(ranks: object, source: keras.Model, **options: object) -> keras.Model:
    model = network(ranks, seed=1, **options)
    take_over(model, source)
    take_factors(model, source, pictures())
    return model


def distance(model: keras.Model, source: keras.Model) -> float:
    """Of the maps, relative to how far those of `source` spread."""
    wanted, received = (answers(each, each.output, pictures()) for each in (source, model))
    return float(((received - wanted) ** 2).mean() / wanted.var(0).mean())


def composed(model: keras.Model) -> keras.Model:
    """The network of whole convolutions that a network of factors is, multiplied out."""
    whole = network()
    take_over(whole, model)
    for layer in whole.layers:
        name = layer.name.removesuffix("_conv")
        if not layer.name.endswith("_conv") or name == "stem":
            continue
        reduce = model.get_layer(name + "_reduce").get_weights()[0][0, 0]
        last = model.get_layer(name + "_conv").get_weights()[0][0, 0]
        if layer.kernel_size == (1, 1):
            layer.set_weights([(reduce @ last)[None, None]])
        else:
            core = model.get_layer(name + "_core").get_weights()[0]
            layer.set_weights([np.einsum("ia,hwab,bo->hwio", reduce, core, last)])
    return whole


def test_factors_of_full_rank_answer_as_the_whole_does() -> None:
    source = trained(network())
    model = factored(FULL, source)
    assert has_factors(model) and not has_factors(source)
    assert distance(model, source) < 1e-8


def test_kernels_that_are_to_be_mixed_begin_as_factors_too() -> None:
    source = trained(network())
    assert distance(factored(FULL, source, mixed_kernels=2), source) < 1e-8


def test_kernels_of_low_rank_are_found_again() -> None:
    ranks = ((5, 6), (4, 7), (9, 8), (6, 10))
    original = trained(network(ranks, seed=7))
    source = composed(original)
    assert distance(source, original) < 1e-8
    assert distance(factored(ranks, source), source) < 1e-6


def test_higher_ranks_come_nearer() -> None:
    source = trained(network())
    far, near, nearest = (
        distance(factored([(n, n) for n in ranks], source), source)
        for ranks in [(4, 4, 6, 8), (8, 8, 12, 16), (14, 14, 22, 28)]
    )
    assert far > near > nearest


def test_what_was_not_made_for_it_stays_fresh() -> None:
    source = network(widths=(16, 16, 24, 40))
    model = network(FULL, seed=1)
    before = model.get_layer("stage4_block1_1_core").get_weights()[0]
    # Stages 1 to 3 have four blocks and three shortcuts between them; the fourth is wider there.
    assert take_factors(model, source, pictures(4)) == 4 * 2 + 3
    np.testing.assert_array_equal(model.get_layer("stage4_block1_1_core").get_weights()[0], before)


def test_a_network_of_factors_is_no_source_of_factors() -> None:
    assert take_factors(network(FULL), network(FULL, seed=2), pictures(4)) == 0


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_what_the_input_factor_loses_is_the_smallest_that_can_be_lost(rank: int) -> None:
    """By Eckart and Young: the singular values left out; and no other combinations lose less."""
    rng = np.random.default_rng(rank)
    kernel = rng.normal(size=(3, 3, 6, 4))
    x = rng.normal(size=(4000, 6)) @ rng.normal(size=(6, 6))
    moments = x.T @ x / len(x)

    def lost(into: np.ndarray, rebuilt: np.ndarray) -> float:
        gone = x - x @ into @ rebuilt.T
        return float((np.einsum("ni,hwio->nhwo", gone, kernel) ** 2).sum((1, 2, 3)).mean())

    values, vectors = np.linalg.eigh(moments)
    root = vectors * np.sqrt(values) @ vectors.T
    singular = np.linalg.svd(kernel.transpose(0, 1, 3, 2).reshape(-1, 6) @ root)[1]
    best = lost(*input_factor(kernel, moments, rank))
    assert best == pytest.approx((singular[rank:] ** 2).sum(), rel=1e-3)
    for _ in range(20):
        into = np.linalg.qr(rng.normal(size=(6, rank)))[0]
        rebuilt = np.linalg.lstsq(x @ into, x, rcond=None)[0].T
        assert lost(into, rebuilt) > best


def test_the_output_factor_holds_the_principal_directions() -> None:
    rng = np.random.default_rng(0)
    answered = rng.normal(size=(500, 5)) * (9, 7, 5, 3, 1) + 20
    basis = output_factor(answered, 2)
    np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-12)
    directions = np.linalg.svd(answered - answered.mean(0), full_matrices=False)[2][:2]
    np.testing.assert_allclose(np.abs(directions @ basis), np.eye(2), atol=1e-9)

"""What is planted in a small network is named by its layer; figures against NumPy."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
from chepai.training.inspection import Statistics, find_faults, layer_figures, weight_figures
from chepai.training.inspection_report import inspection_json, inspection_tables
from chepai.training.observation import Observation, observe
from keras import layers, ops

if keras.backend.backend() != "tensorflow":
    pytest.skip("gradients are looked at on TensorFlow only", allow_module_level=True)

PICTURES = np.random.default_rng(1).normal(0, 1, (8, 4)).astype("float32")
LABELS = np.zeros((8, 1), "float32")


class Root(layers.Layer):
    """A square root, whose gradient has no bound at 0."""

    def call(self, x: Any) -> Any:
        return ops.sqrt(ops.relu(x))


class Reciprocal(layers.Layer):
    """1 / x of the non-negative part: infinite where that is 0."""

    def call(self, x: Any) -> Any:
        return 1.0 / ops.relu(x)


def network(*planted: layers.Layer, residual: bool = False) -> keras.Model:
    """dense - planted - (added to what went in) - dense."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((4,))
    x = first = layers.Dense(5, name="before")(inputs)
    for layer in planted:
        x = layer(x)
    if residual:
        x = layers.Add(name="add")([first, x])
    model = keras.Model(inputs, layers.Dense(1, name="behind")(x))
    model.compile(keras.optimizers.SGD(0.5), loss="mse", jit_compile=False)
    return model


def seen(model: keras.Model) -> Observation:
    with np.errstate(all="ignore"):
        return observe(model, PICTURES, LABELS)


def test_a_healthy_network_has_no_fault() -> None:
    assert find_faults(seen(network(layers.ReLU(name="relu"), residual=True))) == []


def test_a_planted_weight_is_named_first_and_the_output_that_it_spoils() -> None:
    model = network(layers.Dense(3, name="planted"), layers.ReLU(name="relu"))
    kernel = model.get_layer("planted").kernel.numpy()
    kernel[2, 1] = np.nan
    model.get_layer("planted").kernel.assign(kernel)
    faults = find_faults(seen(model))
    assert [(fault.layer, fault.where) for fault in faults] == [
        ("planted", "weight"),
        ("planted", "output"),
    ]
    assert faults[0].sentence == "NaN in the weight kernel of planted (Dense): 1 of 15 values"


@pytest.mark.parametrize("residual", [False, True])
def test_an_infinite_output_is_named_and_not_what_follows(residual: bool) -> None:
    faults = find_faults(seen(network(Reciprocal(name="planted"), residual=residual)))
    assert [(fault.layer, fault.where, fault.what) for fault in faults] == [
        ("planted", "output", "infinite values")
    ]


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("middle", [False, True])
def test_a_gradient_without_bound_is_named_by_its_layer(residual: bool, middle: bool) -> None:
    """Outputs and loss are finite; before and behind it stand layers that are not to blame."""
    around = (layers.Dense(5, name="near"),) if middle else ()
    model = network(*around, Root(name="planted"), residual=residual)
    found = seen(model)
    assert np.isfinite(found.loss)
    faults = find_faults(found)
    names = [fault.layer for fault in faults]
    # An addition that takes the same tensor as the planted layer cannot be told from it.
    assert names == (["add", "planted"] if residual and not middle else ["planted"])
    assert {fault.where for fault in faults} == {"gradient"}


def test_labels_that_spoil_the_loss_are_told_apart_from_layers() -> None:
    found = observe(network(), PICTURES, np.full((8, 1), np.nan, "float32"))
    assert [(fault.layer, fault.where) for fault in find_faults(found)] == [("loss", "loss")]


def test_figures_are_those_of_numpy() -> None:
    model = network(layers.ReLU(name="relu"))
    kernel, bias = (w.numpy() for w in model.get_layer("before").weights)
    behind = model.get_layer("behind").kernel.numpy()
    found = seen(model)
    relu = np.maximum(PICTURES @ kernel + bias, 0)
    figures = {layer.name: layer for layer in layer_figures(found)}["relu"]
    assert (figures.shape, figures.kind, figures.tensors) == ((8, 5), "ReLU", 1)
    wanted = [relu.min(), relu.max(), relu.mean(), relu.std(), np.mean(relu == 0)]
    out = figures.output
    np.testing.assert_allclose(
        [out.minimum, out.maximum, out.mean, out.std, out.zeros], wanted, 1e-5
    )
    # d mse / d relu = 2 / 8 * answer * kernel; the step is 0.5 times the gradient.
    gradient = 2 / 8 * (relu @ behind) @ behind.T
    assert figures.gradient == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    weights = {(w.layer, w.name): w for w in weight_figures(found)}
    step = weights["behind", "kernel"]
    by_hand = np.linalg.norm(2 / 8 * relu.T @ (relu @ behind))
    assert step.gradient == pytest.approx(by_hand, rel=1e-5)
    assert step.ratio == pytest.approx(0.5 * by_hand / np.linalg.norm(behind), rel=1e-4)
    assert weights["behind", "bias"].ratio is None


def test_statistics_are_of_finite_values_and_count_the_others() -> None:
    values = np.array([0.0, 2.0, np.nan, np.inf, -np.inf])
    found = Statistics.of(values)
    assert (found.count, found.nan, found.infinite, found.mean, found.zeros) == (5, 1, 2, 1.0, 0.5)
    assert Statistics.of(np.array([np.nan])).mean is None


def test_the_table_and_the_json_hold_every_layer() -> None:
    found = seen(network(Reciprocal(name="planted")))
    figures = layer_figures(found), weight_figures(found)
    table = inspection_tables(*figures)
    assert "infinite values" in next(x for x in table.splitlines() if x.startswith("planted"))
    values = inspection_json(*figures, find_faults(found), loss=found.loss)
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert values["finite"] is False and values["loss"] is None
    assert [layer["name"] for layer in values["layers"]] == ["before", "planted", "behind"]

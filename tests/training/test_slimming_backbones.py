"""Every registered backbone is slimmed, and what is left is a model like any other."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.backbone import registry
from chepai.configs import Config, parse_config
from chepai.errors import InputError
from chepai.export.cost import layer_multiply_adds, multiply_adds
from chepai.export.onnx_export import export_onnx
from chepai.inference.reader import Reader
from chepai.multi_label.classifier_model import PlateClassifier, build_classifier
from chepai.multi_label.train import compiled_classifier
from chepai.plate.schema import load_schema
from chepai.training.initialise import load_initial_weights
from chepai.training.slimming.channels import ChannelGraph, Kept
from chepai.training.slimming.choice import Limits, choose
from chepai.training.slimming.surgery import narrowed, silenced
from chepai.training.slimming.trace import trace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "backbone"))
from small_networks import described

SIZE = (32, 64)
SCHEMA = load_schema("original")
# The small networks are narrower than what layers keep otherwise.
LIMITS = Limits(share=0.1, channels=2, multiple=2)
HEADS = ("attention", "pooled", "flatten")
CASES = list(zip(registry.names(), itertools.cycle(HEADS), strict=False))
# Each head once with the cheapest of the residual networks.
CASES += [("resnet18", head) for head in HEADS if ("resnet18", head) not in CASES]
CASES += [("resnet18 in factors", "attention")]


@dataclass(frozen=True)
class Slimmed:
    """A classifier, what of it stays, and what is left."""

    config: Config
    model: PlateClassifier
    graph: ChannelGraph
    kept: Kept
    slim: PlateClassifier


def config_of(name: str, head: str) -> Config:
    backbone, options = described(name)
    values = {"height": SIZE[0], "width": SIZE[1], "backbone": backbone, "head": head}
    values["backbone_options"] = options
    return parse_config({"model": values | {"label_schema": "original"}})


def with_spread_gammas(model: PlateClassifier) -> PlateClassifier:
    """Gammas, betas and statistics as different as those of a trained network."""
    rng = np.random.default_rng(6)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape
            gammas, betas = rng.uniform(-1.5, 1.5, size), rng.normal(0, 0.5, size)
            layer.set_weights([gammas, betas, rng.normal(0, 0.5, size), rng.uniform(0.5, 2, size)])
    return model


def slimmed(config: Config, model: PlateClassifier, share: float) -> Slimmed:
    graph, costs = trace(model), layer_multiply_adds(model)
    kept = choose(graph, share, lambda kept: graph.macs(kept, costs), LIMITS).kept
    slim = narrowed(model, graph, kept)
    assert multiply_adds(slim) == graph.macs(kept, costs)
    return Slimmed(config, model, graph, kept, slim)


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> Iterator[Slimmed]:
    keras.utils.set_random_seed(3)
    config = config_of(*request.param)
    model = with_spread_gammas(build_classifier(config, SCHEMA))
    # The grouped networks are so narrow here that whole groups soon are all that is left.
    yield slimmed(config, model, 0.3 if request.param[0].startswith(("resnext", "mix")) else 0.5)
    keras.backend.clear_session()


def pictures(count: int = 3) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, *SIZE, 3), dtype=np.uint8)


def softmax_layers(model: PlateClassifier) -> dict[str, keras.KerasTensor]:
    """What the last layers are given: probabilities of 0 and 1 would hide differences."""
    last = {output._keras_history[0].name: None for output in model.outputs}
    inputs = {name: model.get_layer(name).input for name in last}
    return {name: x[0] if isinstance(x, list) else x for name, x in inputs.items()}


def assert_same(found: dict, wanted: dict, tolerance: float) -> None:
    for head in SCHEMA.head_names:
        np.testing.assert_allclose(found[head], wanted[head], rtol=0, atol=tolerance)


def assert_equals_the_silenced(case: Slimmed) -> None:
    whole = silenced(case.model, case.graph, case.kept)
    assert_same(case.slim(pictures(), training=False), whole(pictures(), training=False), 1e-5)
    seen, wanted = (
        keras.Model(model.input, softmax_layers(model))(pictures(), training=False)
        for model in (case.slim, whole)
    )
    for name, slim in seen.items():
        axes = case.graph.axes_of(name)
        read = next(a for a in axes if a.axis == 0 and a.weight in ("kernel", "shared"))
        stays = case.kept[read.bundles]
        values = np.asarray(wanted[name])
        assert not values[:, ~stays].any()
        np.testing.assert_allclose(slim, values[:, stays], rtol=0, atol=1e-5 * values.max())


def test_it_answers_as_the_network_whose_channels_are_silenced(case: Slimmed) -> None:
    assert_equals_the_silenced(case)
    narrow = case.graph.widths(case.kept)
    assert min(narrow.values()) >= 2
    assert case.slim.count_params() < case.model.count_params()


def test_it_is_saved_loaded_exported_and_read_with(case: Slimmed, tmp_path: Path) -> None:
    wanted = case.slim(pictures(), training=False)
    case.slim.save(tmp_path / "slim.keras")
    loaded = keras.models.load_model(tmp_path / "slim.keras")
    assert_same(loaded(pictures(), training=False), wanted, 0)
    assert loaded.slimmed_from == case.slim.slimmed_from
    # The export compares every probability itself.
    assert export_onnx(loaded, tmp_path / "slim.onnx").agreement.difference < 1e-4
    readings = Reader(tmp_path / "slim.onnx").read(list(pictures()))
    assert [reading.error for reading in readings] == [None] * 3


def test_it_is_trained_further(case: Slimmed, tmp_path: Path) -> None:
    case.slim.save(tmp_path / "slim.keras")
    model = compiled_classifier(case.config, SCHEMA, 2, tmp_path / "slim.keras")
    assert load_initial_weights(model, tmp_path / "slim.keras").missing == ()
    wanted = case.slim(pictures(), training=False)
    assert_same(model(pictures(), training=False), wanted, 0)
    model.run_eagerly = True
    labels = np.stack([np.arange(4) % width for width in SCHEMA.widths], axis=1).astype(np.int32)
    before = [np.array(v) for v in model.trainable_variables]
    assert np.isfinite(model.train_on_batch(pictures(4), labels, return_dict=True)["loss"])
    moved = [
        not np.array_equal(a, b) for a, b in zip(before, model.trainable_variables, strict=True)
    ]
    assert np.mean(moved) > 0.9


def test_it_is_slimmed_again(case: Slimmed) -> None:
    again = slimmed(case.config, case.slim, 0.05)
    assert not again.kept.all()
    assert_equals_the_silenced(again)
    # What the configuration builds is remembered from the first time.
    assert again.slim.slimmed_from.items() >= case.slim.slimmed_from.items()


def test_kernels_that_are_mixed_for_each_picture_are_refused() -> None:
    model = build_classifier(config_of("resnet18 of mixed kernels", "pooled"), SCHEMA)
    with pytest.raises(InputError, match="cannot be slimmed"):
        trace(model)

"""What holds for a backbone because it is registered: it trains, is saved, and exports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from chepai.backbone import registry
from chepai.configs import load_config, parse_config
from chepai.export.onnx_export import export_onnx
from chepai.multi_label.classifier_model import build_classifier
from chepai.plate.schema import load_schema
from chepai.run import main
from small_networks import NETWORKS, SIZE, STEPS, Trained, batch, described, small_backbone

PAGE = Path(__file__).resolve().parents[2] / "docs" / "backbones.md"


def rows_of_the_page() -> dict[str, list[str]]:
    """The cells after the name, by name, of the page's table of costs."""
    rows = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        name, *cells = (cell.strip(" `") for cell in line.strip("|").split("|"))
        if len(cells) == 4 and name in registry.names():
            rows[name] = cells
    return rows


def test_the_page_has_what_the_models_mode_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--backbones", "--json"]) == 0
    wanted = {}
    for entry in json.loads(capsys.readouterr().out):
        assert entry["input"] == [48, 144, 3]
        size = " x ".join(map(str, entry["features"]))
        figures = [size, f"{entry['parameters']:,}", f"{entry['macs'] / 1e6:.1f}"]
        wanted[entry["name"]] = figures
    assert tuple(wanted) == registry.names()
    assert {name: cells[1:] for name, cells in rows_of_the_page().items()} == wanted


@pytest.mark.parametrize("name", registry.names())
def test_a_preset_of_its_name_trains_it_with_default_options(name: str) -> None:
    model = load_config(name).model
    assert (model.backbone, model.backbone_options) == (name, {})


def test_some_steps_lower_the_loss(trained: Trained) -> None:
    assert len(trained.losses) == STEPS
    assert trained.losses[-1] < 0.7 * trained.losses[0]


def test_a_saved_backbone_answers_the_same(trained: Trained, tmp_path: Path) -> None:
    trained.backbone.save(tmp_path / "backbone.keras")
    loaded = keras.saving.load_model(tmp_path / "backbone.keras")
    pictures, _ = batch()
    wanted = trained.backbone(pictures, training=False)
    np.testing.assert_array_equal(loaded(pictures, training=False), wanted)


@pytest.fixture(scope="session")
def exported(
    trained: Trained, tmp_path_factory: pytest.TempPathFactory
) -> tuple[keras.Model, Path]:
    """The trained backbone in a classifier, and its ONNX file."""
    classifier = classifier_of(trained)
    path = tmp_path_factory.mktemp("export") / "plates.onnx"
    return classifier, export_onnx(classifier, path).path


def test_an_onnx_file_answers_the_same(exported: tuple[keras.Model, Path]) -> None:
    classifier, path = exported
    images = np.random.default_rng(5).integers(0, 256, (3, *SIZE), dtype=np.uint8)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    received = session.run(None, {"image": images})
    wanted = classifier(images, training=False)
    # Decided answers: nearly even ones would agree whatever the backbone said.
    assert max(float(np.max(values)) for values in wanted.values()) > 0.5
    for output, values in zip(session.get_outputs(), received, strict=True):
        np.testing.assert_allclose(values, wanted[output.name], atol=1e-4)


def test_a_grouped_convolution_is_one_operator_of_the_onnx_file(
    trained: Trained, exported: tuple[keras.Model, Path]
) -> None:
    _, path = exported
    received = [
        attribute.i
        for node in onnx.load(path).graph.node
        if node.op_type == "Conv"
        for attribute in node.attribute
        if attribute.name == "group" and attribute.i > 1
    ]
    wanted = []
    for layer in trained.backbone.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            wanted.append(layer.input.shape[-1])
        elif isinstance(layer, keras.layers.Conv2D) and layer.groups > 1:
            wanted.append(layer.groups)
    assert sorted(received) == sorted(wanted)


def classifier_of(trained: Trained) -> keras.Model:
    """The trained backbone in a classifier whose answers are decided."""
    backbone, options = described(trained.name)
    values = {"height": SIZE[0], "width": SIZE[1], "backbone": backbone, "head": "pooled"}
    values["backbone_options"] = options
    keras.utils.set_random_seed(2)
    model = build_classifier(parse_config({"model": values}), load_schema("original"))
    for layer in trained.backbone.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense) and layer.activation.__name__ == "softmax":
            layer.kernel.assign(layer.kernel * 100.0)
    return model


@pytest.mark.parametrize("framework", ["jax", "torch"])
def test_other_frameworks_answer_the_same_and_train(framework: str, tmp_path: Path) -> None:
    if find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")
    np.savez(tmp_path / "tensorflow.npz", **answers_of_every_backbone())
    found = run_under(framework, tmp_path / "tensorflow.npz")
    assert tuple(found) == NETWORKS
    for name, figures in found.items():
        assert figures["difference"] < 1e-4, name
        assert figures["losses"][-1] < 0.7 * figures["losses"][0], name


def answers_of_every_backbone() -> dict[str, np.ndarray]:
    """Weights and feature maps, untrained, under the names that the script reads."""
    stored = {}
    for name in NETWORKS:
        backbone = small_backbone(name)
        for index, weights in enumerate(backbone.get_weights()):
            stored[f"{name}/{index}"] = weights
        stored[f"{name}/features"] = np.asarray(backbone(batch()[0], training=False))
    return stored


def run_under(framework: str, file: Path) -> dict[str, dict]:
    """What `small_networks.py` prints under another framework of Keras, on one thread."""
    script = Path(__file__).with_name("small_networks.py")
    # The package stands wherever this process found it, under its own name.
    search = os.pathsep.join(sys.path)
    environment = {"KERAS_BACKEND": framework, "OMP_NUM_THREADS": "1", "PYTHONPATH": search}
    ran = subprocess.run(
        [sys.executable, str(script), str(file)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout.splitlines()[-1])

"""Mode `debug` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from chepai.configs import parse_config
from chepai.multi_label.classifier_model import build_classifier
from chepai.multi_label.distilled_classifier import DistilledClassifier
from chepai.plate.schema import load_schema
from chepai.run import main

TINY = {"widths": [8, 8, 8, 8], "blocks": [1, 1, 1, 1]}


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A tiny model; its third stage has a NaN in a kernel."""
    config = parse_config({"model": {"height": 16, "width": 48, "backbone_options": TINY}})
    model = build_classifier(config, load_schema("cn"))
    layer = next(x for x in model.layers if x.name.startswith("stage3") and "conv" in x.name)
    kernel = layer.kernel.numpy()
    kernel.flat[5] = np.nan
    layer.kernel.assign(kernel)
    # What `last.keras` of a student holds, which is trained with teachers otherwise.
    DistilledClassifier.of(model).save(tmp_path / f"{layer.name}.keras")
    return tmp_path / f"{layer.name}.keras"


def test_a_planted_weight_is_named_first_and_the_status_is_1(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "debug.json"
    status = main(["debug", "--model", str(model_file), "--plates", "3", "--json", str(report)])
    said = capsys.readouterr().out
    assert status == 1
    assert said.startswith(f"NaN in the weight kernel of {model_file.stem} (Conv2D): 1 of ")
    values = json.loads(report.read_text(encoding="utf-8"))
    assert values["faults"][0]["layer"] == model_file.stem
    assert values["plates"] == 3 and not values["finite"]


def test_fresh_weights_are_finite_and_every_layer_is_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["model.height=16", "model.width=48", f"model.backbone_options={TINY}"]
    sets = [part for value in options for part in ("--set", value)]
    assert main(["debug", "--preset", "resnet18", *sets, "--plates", "3", "--json", "-"]) == 0
    values = json.loads(capsys.readouterr().out)
    config = parse_config({"model": {"height": 16, "width": 48, "backbone_options": TINY}})
    model = build_classifier(config, load_schema("cn"))
    assert {layer["name"] for layer in values["layers"]} >= {
        layer.name for layer in model.layers if layer.name != "image"
    }
    trained = [weight for weight in values["weights"] if weight["gradient"] is not None]
    assert len(trained) == len(model.trainable_weights)
    assert all(weight["ratio"] is not None for weight in trained if weight["norm"])

"""Mode `prune` as a user runs it: from a trained file to a smaller one with its report."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.commands import prune
from chepai.configs import load_config
from chepai.inference.reader import Reader
from chepai.multi_label.classifier_model import build_classifier
from chepai.plate.schema import load_schema
from chepai.run import main
from chepai.utils.logger_callback import NBatchLogger

TINY = (
    "model.height=16",
    "model.width=48",
    "model.backbone_options={widths: [16, 16, 16, 16], blocks: [1, 1, 1, 1]}",
    "model.gamma_l1=0.001",
    "distill.map_weight=2",
    "train.epochs=1",
    "train.batch_size=8",
    "render.plates_per_epoch=16",
    "data.validation_plates=8",
    "data.workers=0",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with the gammas of a trained one."""
    keras.utils.set_random_seed(1)
    model = build_classifier(load_config("resnet18", overrides=TINY), load_schema("cn"))
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(rng.uniform(0, 1, layer.gamma.shape))
    path = tmp_path_factory.mktemp("trained") / "best.keras"
    model.save(path)
    return path


@pytest.fixture
def options(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return ["prune", "--model", str(trained), "--macs", "0.4", "--multiple", "4", "--plates", "6"]


def widths(path: Path) -> list[tuple[int, ...]]:
    model = keras.models.load_model(path, compile=False)
    return [tuple(weight.shape) for weight in model.weights]


def test_a_network_is_slimmed_fine_tuned_measured_and_read_with(
    options: list[str], trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == 0
    run = tmp_path / "runs" / "resnet18-slim-001"
    figures = json.loads((run / "report" / "slimming.json").read_text(encoding="utf-8"))
    assert figures["macs"]["after"] <= 0.6 * figures["macs"]["before"]
    assert figures["layers"]["stem_conv"]["before"] == 16
    assert figures["difference"] <= 1e-5
    assert figures["latency"]["milliseconds"]["before"] > 0
    (accuracy,) = figures["accuracy"]
    assert (accuracy["plates"], list(accuracy["right"])) == (6, ["before", "pruned", "fine-tuned"])
    assert widths(run / "best.keras") == widths(run / "pruned.keras") != widths(trained)
    assert Reader(run / "model.onnx").read([np.zeros((16, 48, 3), np.uint8)])[0].error is None
    # Fine-tuning goes on as the model was trained, without drawing gammas to zero and without the
    # map of a teacher, which is wider now.
    config = load_config(file=run / "config.yaml")
    assert (config.model.gamma_l1, config.distill.map_weight) == (0.0, 0.0)
    assert config.train.batch_size == 8
    page = (run / "report" / "slimming.md").read_text(encoding="utf-8")
    assert "| stem_conv | 16 |" in page
    assert "## Plates read without an error" in capsys.readouterr().out


def test_an_interrupted_fine_tuning_is_continued_as_a_slimmed_one(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def press(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(NBatchLogger, "on_train_batch_end", press)
        assert main([*options, "--no-report"]) == 130
    run = tmp_path / "runs" / "resnet18-slim-001"
    assert main(["prune", "--resume", str(run), "--no-report"]) == 0
    assert widths(run / "final.keras") == widths(run / "pruned.keras")


def test_without_fine_tuning_the_slimmed_network_is_what_is_reported(
    options: list[str], tmp_path: Path
) -> None:
    options[options.index("--macs")] = "--channels"
    assert main([*options, "--no-finetune", "--preset", "quick"]) == 0
    run = tmp_path / "runs" / "quick-slim-001"
    figures = json.loads((run / "report" / "slimming.json").read_text(encoding="utf-8"))
    assert figures["channels"]["after"] <= 0.6 * figures["channels"]["before"]
    assert list(figures["accuracy"][0]["right"]) == ["before", "pruned"]
    assert not (run / "best.keras").exists()
    # The preset's options of the network itself do not count: the model's own do.
    config = load_config(file=run / "config.yaml")
    assert config.model.backbone_options["widths"] == [16, 16, 16, 16]
    assert config.optimizer.name == "adam"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--macs", "1.5"], "a share from 0 to below 1"),
        (["--channels", "0.5"], "not allowed with argument --macs"),
        (["--set", "model.width=96"], "model.width is 48 in .* cannot be changed by prune"),
        (["--init", "default"], "leave --init away"),
        (["--resume", "runs/x"], "leave --model, --channels and --macs away"),
        (["--model", "plates.onnx"], "plates.onnx is none"),
        (["--macs", "0.99"], "every layer keeps some channels; received 0.99"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    options: list[str], extra: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*options, *extra]) == 2
    captured = capsys.readouterr().err
    assert re.search(said, captured), captured
    assert not Path("runs").exists()


def test_an_amount_and_a_model_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune", "--macs", "0.5"]) == 2
    assert "prune wants --model" in capsys.readouterr().err
    assert main(["prune", "--model", "a.keras"]) == 2
    assert "--macs 0.5 or --channels 0.5" in capsys.readouterr().err


def test_a_recogniser_keeps_its_family_and_its_lessons(tmp_path: Path) -> None:
    lessons = ["train.straighten_steps=300"]
    own = load_config("tps-resnet-bilstm-attn-narrow", None, lessons).model_dump(mode="json")
    parser = argparse.ArgumentParser()
    prune.add_arguments(parser)
    (tmp_path / "mine.yaml").write_text("train: {epochs: 2}\n")
    for given in (["--preset", "crnn"], ["--config", str(tmp_path / "mine.yaml")], []):
        config = prune._fine_tuning(parser.parse_args(given), own)
        assert (config.family, config.model.rectifier) == ("attention", "tps")
        assert config.train.straighten_steps == 0

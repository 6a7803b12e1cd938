"""The configuration is validated, layered and frozen."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pytest
from chepai.configs import dump_config, load_config, preset_names
from chepai.errors import InputError


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_is_valid_and_survives_yaml(preset: str, tmp_path: Path) -> None:
    config = load_config(preset)
    file = tmp_path / "config.yaml"
    file.write_text(dump_config(config), encoding="utf-8")
    assert load_config(file=file) == config


def test_an_override_wins_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("preset: quick\ntrain: {epochs: 7, batch_size: 9}\n", encoding="utf-8")
    config = load_config(file=file, overrides=["train.epochs=8", "optimizer.learning_rate=1e-4"])
    assert (config.train.epochs, config.train.batch_size) == (8, 9)
    assert config.optimizer.learning_rate == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["preset=resnet18"], "a preset is chosen by --preset"),
        (["optimizer.boundaries=[10, 5]", "optimizer.values=[1, 1]"], "boundaries must ascend"),
        (["optimizer.boundaries=[]", "optimizer.values=[]"], "must be equally many"),
        (["train.epoch=5"], r"train\.epoch: there is no such key; did you mean epochs\?"),
        (["train.epochs=0"], r"train\.epochs: .* received 0"),
        (["epochs"], "--set wants KEY=VALUE"),
        (["optimizer.values=[1]"], "equally many"),
        (["train.devices=2", "optimizer.accumulate=2"], "cannot both be more than 1$"),
    ],
)
def test_a_wrong_value_is_named(overrides: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        load_config("quick", overrides=overrides)


def test_an_unknown_preset_lists_those_that_exist() -> None:
    with pytest.raises(InputError, match="unknown preset 'nope'; there are: resnet18"):
        load_config("nope")


def test_another_backbone_does_not_inherit_the_options_of_the_presets() -> None:
    assert load_config("quick").model.backbone_options
    other = load_config("quick", overrides=["model.backbone=mobilenet"])
    assert other.model.backbone_options == {}
    same = load_config("quick", overrides=["model.backbone=resnet18"])
    assert same.model.backbone_options == load_config("quick").model.backbone_options


def test_the_originals_spelling_is_accepted() -> None:
    assert load_config("resnet-18").preset == "resnet18"


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(pydantic.ValidationError):
        load_config("quick").train.epochs = 3  # type: ignore[misc]


def test_another_spelling_of_the_backbone_is_the_same_backbone() -> None:
    plain, spelt = (
        load_config("quick", overrides=overrides)
        for overrides in ((), ("model.backbone=resnet-18",))
    )
    assert spelt.model.backbone_options == plain.model.backbone_options != {}


def test_overrides_mean_the_same_in_any_order() -> None:
    options = ("model.backbone_options.alpha=0.5", "model.backbone=mobilenet-v2")
    for overrides in (options, options[::-1]):
        assert load_config("quick", overrides=overrides).model.backbone_options == {"alpha": 0.5}


def test_what_looks_like_a_number_in_quotes_is_a_text() -> None:
    assert load_config("quick", overrides=["render.glyphs='2026'"]).render.glyphs == "2026"
    config = load_config("quick", overrides=["optimizer.learning_rate=1e-3"])
    assert config.optimizer.learning_rate == 1e-3

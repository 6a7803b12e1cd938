"""Run folders are numbered, carry their configuration, and refuse what cannot be resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
from chepai.configs import load_config
from chepai.errors import InputError
from chepai.training.run_folder import RunFolder


def test_each_run_gets_the_next_number(tmp_path: Path) -> None:
    config = load_config("resnet18")
    names = [RunFolder.create(tmp_path, config).path.name for _ in range(2)]
    assert names == ["resnet18-001", "resnet18-002"]


def test_the_configuration_is_read_back_as_it_was(tmp_path: Path) -> None:
    config = load_config("quick", overrides=["train.seed=5", "optimizer.values=[1,2,3,4,5]"])
    assert RunFolder.create(tmp_path, config).load_config() == config


def test_a_run_goes_on_where_its_preset_is_gone(tmp_path: Path) -> None:
    config = load_config("quick").model_copy(update={"preset": "mine"})
    read = RunFolder.create(tmp_path, config).load_config(["train.epochs=3"])
    assert (read.preset, read.train.epochs) == ("mine", 3)
    assert read.model == config.model


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, load_config("quick"))
    with pytest.raises(InputError, match=r"cannot be resumed: it has no last\.keras"):
        RunFolder.open(run.path)


def test_what_a_checkpoint_holds_cannot_be_changed_by_resuming(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, load_config("quick"))
    config = run.config_to_resume(["train.epochs=40", "data.workers=0", "augment.jpeg=0"])
    assert config.train.epochs == 40 and config.data.workers == 0
    for override in ("optimizer.learning_rate=0.5", "loss.name=focal", "train.batch_size=3"):
        key = override.partition("=")[0]
        with pytest.raises(InputError, match=rf"cannot have another {key}: begin a new run"):
            run.config_to_resume([override])

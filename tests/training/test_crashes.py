"""Whatever ends a training, the checkpoint before it is whole, and resuming loses nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from chepai.configs import load_config
from chepai.dataset.array_source import ArraySource
from chepai.errors import InputError
from chepai.plate.schema import load_schema
from chepai.training import callbacks, loop
from chepai.training.callbacks import EpochEnd
from chepai.training.position import Position
from chepai.training.run_folder import RunFolder
from full_disk import files_up_to
from noise_model import short_config, train
from noise_plates import NoisePlates

SCRIPT = Path(__file__).with_name("train_and_die.py")


def plates() -> NoisePlates:
    return NoisePlates(short_config())


def weights(path: Path) -> list[np.ndarray]:
    return keras.models.load_model(path, compile=False).get_weights()


def assert_same(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    assert len(first) == len(second)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(autouse=True, scope="module")
def no_events() -> Iterator[None]:
    """Nothing for TensorBoard, which would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_has_tensorboard", lambda: False)
        yield


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, short_config())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that nothing ended."""
    run = RunFolder.create(tmp_path_factory.mktemp("whole"), short_config())
    train(run, plates())
    return run


def test_a_run_killed_in_a_checkpoint_and_resumed_ends_like_one_that_was_not(
    whole: RunFolder, tmp_path: Path
) -> None:
    """The last epoch's checkpoint is half written when SIGKILL comes."""
    died = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], timeout=300, check=False)
    assert died.returncode == -signal.SIGKILL
    (folder,) = tmp_path.iterdir()
    assert [name for name in names(folder) if "partial" in name]
    run = RunFolder.open(folder)
    train(run, plates(), resume=True)
    assert not [name for name in names(folder) if "partial" in name]
    assert_same(weights(run.final), weights(whole.final))
    assert run.metrics.read_bytes() == whole.metrics.read_bytes()


def test_a_run_that_breaks_off_in_its_first_epoch_can_be_resumed(
    whole: RunFolder, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: Any, **__: Any) -> None:
        raise RuntimeError("the power failed")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="power"):
        patch.setattr(EpochEnd, "on_epoch_end", break_off)
        train(run, plates())
    train(RunFolder.open(run.path), plates(), resume=True)
    assert_same(weights(run.final), weights(whole.final))


def test_ctrl_c_while_validating_repeats_the_epoch(
    whole: RunFolder, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights are averaged ones at that moment, and the epoch has no row yet."""

    def press(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "evaluate", press)
        assert train(run, plates()).interrupted
    train(run, plates(), resume=True)
    assert_same(weights(run.final), weights(whole.final))
    assert run.metrics.read_bytes() == whole.metrics.read_bytes()


def test_a_disk_that_is_full_at_a_checkpoint_leaves_the_one_before(
    whole: RunFolder, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, sizes = callbacks.save_whole, []

    def save_on_a_full_disk(model: keras.Model, path: Path, position: Position) -> None:
        """The second epoch's finds no room for its last half."""
        sizes.append(path.stat().st_size)
        with files_up_to(sizes[-1] // 2 if len(sizes) == 2 else 2**40):
            save(model, path, position)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "save_whole", save_on_a_full_disk)
        with pytest.raises(InputError) as refused:
            train(run, plates())
    assert f"cannot write {run.last}: " in str(refused.value)
    assert f"last.keras of before is whole: continue with --resume {run.path}" in str(refused.value)
    assert not [name for name in names(run.path) if "partial" in name]
    assert int(keras.models.load_model(run.last).optimizer.iterations) == 4
    train(run, plates(), resume=True)
    assert_same(weights(run.final), weights(whole.final))


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_its_batch(run: RunFolder) -> None:
    with pytest.raises(InputError) as refused:
        train(run, plates(), learning_rate=1e30)
    sentence = str(refused.value)
    assert "the loss is infinite at batch 2 of epoch 1: " in sentence
    assert f"--model {run.last} --data {run.not_finite} --plates 8" in sentence
    kept = ArraySource([run.not_finite], run.load_config(), load_schema("cn"))
    images, labels = next(iter(kept.evaluation()))
    wanted_images, wanted_labels = plates().batch(0, 1)
    assert np.array_equal(images, wanted_images) and np.array_equal(labels, wanted_labels)
    assert not run.metrics.exists() and not run.best.exists() and not run.final.exists()
    assert all(np.isfinite(array).all() for array in weights(run.last))


def test_a_validation_loss_that_is_no_number_is_no_checkpoint(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate, figures = callbacks.evaluate, []

    def broken_the_second_time(*given: Any) -> dict[str, float]:
        figures.append(evaluate(*given))
        return figures[-1] | ({"loss": float("inf")} if len(figures) == 2 else {})

    monkeypatch.setattr(callbacks, "evaluate", broken_the_second_time)
    with pytest.raises(InputError, match="validation loss is infinite at batch 4 of epoch 2"):
        train(run, plates())
    assert int(keras.models.load_model(run.last).optimizer.iterations) == 4
    assert np.array_equal(np.load(run.not_finite / "plates.npy"), plates().batch(1, 3)[0])


def test_a_run_that_had_lost_patience_stays_ended(tmp_path: Path) -> None:
    """As where it was killed between its last checkpoint and its final weights."""
    config = short_config("train.patience=1", "train.epochs=9")
    run = RunFolder.create(tmp_path, config)
    first = train(run, plates())
    assert first.epochs < 9
    before = weights(run.final)
    run.final.unlink()
    assert train(run, plates(), resume=True).epochs == first.epochs
    assert_same(weights(run.final), before)


def test_runs_that_begin_at_once_get_a_folder_each(tmp_path: Path) -> None:
    config, made = load_config("resnet18"), []
    together = threading.Barrier(8)

    def begin() -> None:
        together.wait()
        made.append(RunFolder.create(tmp_path, config).path.name)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [f"resnet18-{number:03d}" for number in range(1, 9)]


def test_the_thousandth_run_has_a_number_too(tmp_path: Path) -> None:
    config = load_config("resnet18")
    for name in ("resnet18-999", "resnet18-slim-005", "resnet18-1000"):
        (tmp_path / name).mkdir()
    assert RunFolder.create(tmp_path, config).path.name == "resnet18-1001"


def test_a_second_training_is_kept_out_of_the_folder_of_the_first(run: RunFolder) -> None:
    pytest.importorskip("fcntl", reason="this system has no file locks")
    with run.held(), pytest.raises(InputError, match="another training is writing into"):
        train(run, plates())
    with run.held():
        assert names(run.path) == {"config.yaml", "versions.json"}


def test_what_killed_runs_left_goes_when_one_is_resumed(run: RunFolder) -> None:
    for name in (".last.4321.partial.keras", ".metrics.77.partial.csv", "tmpa1b2c3d4"):
        (run.path / name).write_bytes(bytes(9))
    shutil.copytree(run.path, run.path / "tmp_keep_me")
    with run.held():
        assert names(run.path) == {"config.yaml", "versions.json", "tmp_keep_me"}
    assert os.listdir(run.path / "tmp_keep_me")

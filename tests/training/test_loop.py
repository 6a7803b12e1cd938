"""A run is repeatable, resumable after a kill and after Ctrl-C, and leaves its files."""

from __future__ import annotations

import csv
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import noise_model
import numpy as np
import pytest
from chepai.configs import Config, parse_config
from chepai.multi_label.train import compiled_classifier, train_classifier
from chepai.plate.schema import load_schema
from chepai.training import loop
from chepai.training.averaging import averaged_weights
from chepai.training.callbacks import evaluate
from chepai.training.position import Position, position_in
from chepai.training.run_folder import RunFolder
from chepai.training.stopping import StopBetweenBatches
from chepai.utils.logger_callback import NBatchLogger


def train(config: Config, folder: Path, source: Any, resume: bool = False) -> Any:
    """Trains a small model: what surrounds a training does not depend on what is trained."""
    run = RunFolder.open(folder) if resume else RunFolder.create(folder, config)
    with pytest.MonkeyPatch.context() as patch:
        # Events show readings, of which this model has none.
        patch.setattr(loop, "_has_tensorboard", lambda: False)
        return noise_model.train(run, source, resume)


def train_whole_classifier(config: Config, folder: Path, source: Any, resume: bool = False) -> Any:
    run = RunFolder.open(folder) if resume else RunFolder.create(folder, config)
    return train_classifier(config, run, source, source, resume=resume)


def weights(path: Path) -> list[np.ndarray]:
    return keras.models.load_model(path, compile=False).get_weights()


def assert_same(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def interrupt_at(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    """Presses Ctrl-C, as it were, when `batches` batches have been trained."""
    seen = [0]
    plain = NBatchLogger.on_train_batch_end

    def pressing(self: NBatchLogger, batch: int, logs: Any = None) -> None:
        plain(self, batch, logs)
        seen[0] += 1
        if seen[0] == batches:
            raise KeyboardInterrupt

    monkeypatch.setattr(NBatchLogger, "on_train_batch_end", pressing)


@pytest.fixture(scope="module")
def whole_run(
    tiny_config: Config, make_plates: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a run that nothing interrupted."""
    return train(tiny_config, tmp_path_factory.mktemp("whole"), make_plates()).run.path


def test_training_twice_with_one_seed_gives_the_same_weights(
    whole_run: Path, tiny_config: Config, make_plates: Callable[[], Any], tmp_path: Path
) -> None:
    result = train(tiny_config, tmp_path, make_plates())
    assert_same(weights(result.run.final), weights(whole_run / "final.keras"))


# Four batches are an epoch: its validation is made up for.
@pytest.mark.parametrize("batches", [2, 4, 6])
def test_an_interrupted_and_resumed_run_ends_like_one_that_was_not(
    whole_run: Path,
    tiny_config: Config,
    make_plates: Callable[[], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batches: int,
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, batches)
        plates = make_plates()
        first = train(tiny_config, tmp_path, plates)
    assert first.interrupted
    assert first.run.last.is_file()
    assert plates.closed
    second = train(tiny_config, first.run.path, make_plates(), resume=True)
    assert not second.interrupted
    assert_same(weights(second.run.final), weights(whole_run / "final.keras"))
    assert rows(second.run.metrics) == rows(whole_run / "metrics.csv")


def test_a_classifier_resumed_among_gathered_gradients_ends_like_one_that_was_not_stopped(
    tiny_config: Config,
    make_plates: Callable[[], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Five batches are one update of three and two gathered ones; the histograms go on too."""
    values = tiny_config.model_dump(mode="json")
    values["optimizer"]["accumulate"] = 3
    values["loss"]["name"] = "ghm-label-wise"
    values["train"]["epochs"] = 2
    config = parse_config(values)
    whole = train_whole_classifier(config, tmp_path, make_plates()).run
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        stopped = train_whole_classifier(config, tmp_path, make_plates()).run
    resumed = train_whole_classifier(config, stopped.path, make_plates(), resume=True).run
    assert_same(whole_weights(resumed.last), whole_weights(whole.last))
    assert whole.tensorboard.is_dir()


def whole_weights(path: Path) -> list[np.ndarray]:
    """The weights, what the loss remembers, and the optimizer's state."""
    model = keras.models.load_model(path)
    return model.get_weights() + [np.asarray(v.numpy()) for v in model.optimizer.variables]


def rows(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["epoch"], row["val_plate_accuracy"]) for row in csv.DictReader(file)]


def test_a_run_killed_after_its_metrics_but_before_its_checkpoint_repeats_the_epoch(
    whole_run: Path,
    tiny_config: Config,
    make_plates: Callable[[], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, 8)
        killed = train(tiny_config, tmp_path, make_plates()).run
    shutil.copy(whole_run / "metrics.csv", killed.metrics)
    second = train(tiny_config, killed.path, make_plates(), resume=True)
    assert second.epochs == tiny_config.train.epochs
    assert rows(killed.metrics) == rows(whole_run / "metrics.csv")


def test_a_run_leaves_its_files(whole_run: Path) -> None:
    names = {path.name for path in whole_run.iterdir()}
    assert {"config.yaml", "versions.json", "metrics.csv", "train.log", "last.keras"} <= names
    assert {"best.keras", "final.keras"} <= names
    assert [row[0] for row in rows(whole_run / "metrics.csv")] == ["0", "1", "2"]
    log = (whole_run / "train.log").read_text(encoding="utf-8")
    assert "epoch 1 batch 2: " in log and "epoch 3 ends: " in log


def test_what_is_kept_for_reading_has_no_optimizer(whole_run: Path) -> None:
    assert not keras.models.load_model(whole_run / "final.keras").compiled
    assert int(keras.models.load_model(whole_run / "last.keras").optimizer.iterations) == 12


def test_final_weights_are_the_averaged_ones(whole_run: Path) -> None:
    last = keras.models.load_model(whole_run / "last.keras")
    final = keras.models.load_model(whole_run / "final.keras")
    averages = [v.numpy() for v in last.optimizer._model_variables_moving_average]
    assert_same([v.numpy() for v in final.trainable_variables], averages)
    plain = [v.numpy() for v in last.trainable_variables]
    assert any(not np.array_equal(a, b) for a, b in zip(plain, averages, strict=True))


def test_validation_counts_every_plate_of_every_batch(
    tiny_config: Config, make_plates: Callable[[], Any]
) -> None:
    """Eight plates and then one: were the last batch all that counts, the share would be 0 or 1."""
    model = compiled_classifier(tiny_config, load_schema(tiny_config.model.label_schema), 4)
    images, labels = make_plates().batch(0, 0)
    column = [head["name"] for head in model.label_schema_config["heads"]].index("colour")
    read = model.predict(images, verbose=0)["colour"].argmax(axis=1)
    labels[:, column] = read
    labels[:4, column] = (read[:4] + 1) % 6
    batches = [(images, labels), (images[4:5], labels[4:5])]
    assert evaluate(model, batches)["acc_colour"] == pytest.approx(5 / 9)


@pytest.fixture
def listening() -> Iterator[None]:
    """SIGINT is Ctrl-C, which a shell in the background has its programs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize(("batch", "epochs_done"), [(1, 0), (3, 1)])
def test_a_signal_ends_a_run_behind_its_batch_and_no_epoch_without_its_validation(
    whole_run: Path,
    tiny_config: Config,
    make_plates: Callable[[], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch: int,
    epochs_done: int,
) -> None:
    begun: list[int] = []
    plain = NBatchLogger.on_train_batch_begin

    def pressing(self: NBatchLogger, number: int, logs: Any = None) -> None:
        plain(self, number, logs)
        if number == batch and not begun:
            begun.append(number)
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(NBatchLogger, "on_train_batch_begin", pressing)
        first = train(tiny_config, tmp_path, make_plates())
    assert first.interrupted and first.epochs == epochs_done
    wanted = Position(1, 0) if epochs_done else Position(0, batch + 1)
    assert position_in(first.run.last) == wanted
    second = train(tiny_config, first.run.path, make_plates(), resume=True)
    assert_same(weights(second.run.final), weights(whole_run / "final.keras"))
    assert rows(second.run.metrics) == rows(whole_run / "metrics.csv")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("listening")
def test_who_asks_twice_does_not_wait() -> None:
    stop = StopBetweenBatches()
    with stop.watching():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stop.at_once


def test_in_half_precision_the_averages_are_shipped(
    tiny_config: Config, make_plates: Callable[[], Any], tmp_path: Path
) -> None:
    values = tiny_config.model_dump(mode="json")
    values["train"] |= {"precision": "mixed_float16", "epochs": 1}
    run = train(parse_config(values), tmp_path, make_plates()).run
    model = keras.models.load_model(run.last)
    keras.config.set_dtype_policy("float32")
    with averaged_weights(model):
        assert_same(model.get_weights(), weights(run.final))
    assert position_in(run.last) == Position(1, 0)

"""The training loop that every recogniser shares: seeds, fit, resuming, Ctrl-C."""

from __future__ import annotations

import importlib.util
import itertools
import os
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np

from ..configs import Config
from ..dataset.source import Source, bad_input_named
from ..files import atomic_path
from ..plate.schema import LabelSchema
from ..utils.epoch_progress import EpochProgress
from ..utils.logger_callback import NBatchLogger
from .averaging import averaged_weights, save_for_reading
from .callbacks import MONITOR, EpochEnd, for_keras, save_whole
from .example_readings import ExampleReadings
from .run_folder import RunFolder

EXAMPLES = 12


class _Callbacks(NamedTuple):
    """In the order in which they are called; watchers are closed when training ends."""

    epoch_end: EpochEnd
    watchers: tuple[NBatchLogger, EpochProgress]
    others: list[keras.callbacks.Callback]


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended.

    Attributes:
        run: its folder.
        epochs: epochs that are complete.
        best: the best validation plate accuracy, 0 to 1.
        seconds: of this call, not of calls before a resumption.
        interrupted: by Ctrl-C; `last.keras` continues it.
    """

    run: RunFolder
    epochs: int
    best: float
    seconds: float
    interrupted: bool


def prepare_framework(config: Config) -> None:
    """Seeds every generator and sets determinism and precision, before a model is built."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    keras.utils.set_random_seed(config.train.seed)
    keras.config.set_dtype_policy(config.train.precision)
    if keras.backend.backend() == "tensorflow" and config.train.deterministic:
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


@bad_input_named()
def fit(
    model: keras.Model,
    training: Source,
    validation: Source,
    config: Config,
    run: RunFolder,
    schema: LabelSchema,
) -> TrainingResult:
    """Trains from where the optimizer of `model` stands to `config.train.epochs`.

    A run that was interrupted inside an epoch first finishes that epoch with the batches that
    it has not seen, so that it ends like one that was not interrupted. Best and final weights
    are the averaged ones if averaging is on; those of `model` and `last.keras` are not.

    Raises:
        InputError: a picture that cannot be read, named.
    """
    began = time.perf_counter()
    # Keras's fit would overwrite the weights with their averages at its end; see averaging.py.
    model.optimizer.finalize_variable_values = lambda _variables: None
    first_epoch, done_steps = divmod(_batches_done(model), training.steps_per_epoch)
    callbacks = _callbacks(validation, config, run, schema)
    callbacks.epoch_end.restore(first_epoch)
    interrupted = False
    try:
        if done_steps:
            _fit_epochs(model, training, callbacks, (first_epoch, first_epoch + 1), done_steps)
            first_epoch += 1
        _fit_epochs(model, training, callbacks, (first_epoch, config.train.epochs))
        with averaged_weights(model), atomic_path(run.final) as temporary:
            save_for_reading(model, str(temporary))
    except KeyboardInterrupt:
        interrupted = True
        save_whole(model, run.last)
    finally:
        for watcher in callbacks.watchers:
            watcher.close()
        training.close()
    history = callbacks.epoch_end.history
    best = max((row[MONITOR] for row in history), default=0.0)
    return TrainingResult(run, len(history), best, time.perf_counter() - began, interrupted)


def _batches_done(model: keras.Model) -> int:
    # `iterations` counts updates, which are fewer where gradients are gathered over batches.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    return int(keras.ops.convert_to_numpy(optimizer._iterations))


def _fit_epochs(
    model: keras.Model,
    training: Source,
    callbacks: _Callbacks,
    epochs: tuple[int, int],
    done_steps: int = 0,
) -> None:
    """Trains epochs `[first, end)`, the first without its first `done_steps` batches."""
    first, end = epochs
    if first >= end:
        return
    model.fit(
        for_keras(_without_first(training.batches(first), done_steps)),
        shuffle=False,
        steps_per_epoch=training.steps_per_epoch - done_steps,
        initial_epoch=first,
        epochs=end,
        callbacks=[callbacks.epoch_end, *callbacks.watchers, *callbacks.others],
        verbose=0,
    )


def _without_first(batches: Any, count: int) -> Any:
    if not count:
        return batches
    if hasattr(batches, "skip"):
        return batches.skip(count)
    return itertools.islice(batches, count, None)


def _callbacks(
    validation: Source, config: Config, run: RunFolder, schema: LabelSchema
) -> _Callbacks:
    examples = None
    others: list[keras.callbacks.Callback] = [keras.callbacks.TerminateOnNaN()]
    if _has_tensorboard():
        first = next(iter(validation.evaluation()))
        images, labels = (np.asarray(part)[:EXAMPLES] for part in first)
        examples = ExampleReadings(
            run.tensorboard / "examples", schema, images, labels, config.family
        )
        others.append(keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False))
    epoch_end = EpochEnd(run, validation.evaluation, config.train.patience, examples)
    logger = NBatchLogger(run.log, config.train.log_batches, config.train.batch_size)
    return _Callbacks(epoch_end, (logger, EpochProgress()), others)


def _has_tensorboard() -> bool:
    return all(importlib.util.find_spec(name) for name in ("tensorflow", "tensorboard"))

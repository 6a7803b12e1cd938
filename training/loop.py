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
from ..errors import InputError
from ..files import WriteError, atomic_path, why_unwritable
from ..plate.schema import LabelSchema
from ..utils.epoch_progress import EpochProgress
from ..utils.logger_callback import NBatchLogger
from .averaging import averaged_weights, save_for_reading
from .callbacks import MONITOR, EpochEnd, for_keras, save_whole
from .devices import inner_optimizer
from .example_readings import ExampleReadings
from .finite_loss import FiniteLoss
from .position import Position, position_in
from .precision import policy_of
from .run_folder import RunFolder
from .stopping import StopBetweenBatches

EXAMPLES = 12


class _Callbacks(NamedTuple):
    """In the order in which they are called; watchers are closed when training ends."""

    finite: FiniteLoss
    epoch_end: EpochEnd
    watchers: tuple[NBatchLogger, EpochProgress]
    others: list[keras.callbacks.Callback]
    stop: StopBetweenBatches


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
    keras.config.set_dtype_policy(policy_of(config.train.precision))
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
        InputError: a picture that cannot be read, named; a loss that is NaN or infinite; a full
            disk. `last.keras` then is of the end of an epoch before, or of the beginning.
    """
    began = time.perf_counter()
    # Keras's fit would overwrite the weights with their averages at its end; see averaging.py.
    model.optimizer.finalize_variable_values = lambda _variables: None
    position = _position(model, run, training)
    callbacks = _callbacks(training, validation, config, run, schema)
    callbacks.epoch_end.restore(position)
    interrupted = False
    try:
        if not run.last.is_file():
            _save_beginning(model, run)
        with callbacks.stop.watching():
            _fit_from(position, model, training, callbacks, config.train.epochs)
        with averaged_weights(model), atomic_path(run.final, durable=True) as temporary:
            save_for_reading(model, str(temporary))
    except KeyboardInterrupt:
        interrupted = True
        if callbacks.epoch_end.within_epoch and not callbacks.stop.at_once:
            callbacks.epoch_end.save_last()
    except Exception as error:
        sentence = _unwritten(error, run)
        if sentence is None:
            raise
        raise InputError(f"{sentence}; {_how_it_goes_on(run)}") from error
    finally:
        for watcher in callbacks.watchers:
            watcher.close()
        training.close()
    history = callbacks.epoch_end.history
    best = max((row[MONITOR] for row in history), default=0.0)
    return TrainingResult(run, len(history), best, time.perf_counter() - began, interrupted)


def _save_beginning(model: keras.Model, run: RunFolder) -> None:
    """So that a run which ends in its first epoch can be resumed too."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    save_whole(model, run.last, Position(0, 0))


def _unwritten(error: Exception, run: RunFolder) -> str | None:
    """What could not be written; None where an error is another. TensorBoard's files count too."""
    if isinstance(error, WriteError):
        return str(error)
    reason = why_unwritable(error)
    return None if reason is None else f"cannot write into {run.path}: {reason}"


def _how_it_goes_on(run: RunFolder) -> str:
    if not run.last.is_file():
        return "nothing was trained yet"
    return f"{run.last.name} of before is whole: continue with --resume {run.path}"


def _position(model: keras.Model, run: RunFolder, training: Source) -> Position:
    """Where a training begins, or goes on."""
    found = position_in(run.last) if run.last.is_file() else None
    if found is not None:
        return found
    # Of a file without one: `iterations` would count updates, not batches.
    optimizer = inner_optimizer(model)
    batches = int(keras.ops.convert_to_numpy(optimizer._iterations))
    return Position(*divmod(batches, training.steps_per_epoch))


def _fit_from(
    position: Position, model: keras.Model, training: Source, callbacks: _Callbacks, end: int
) -> None:
    """Finishes the epoch of a position, if it was begun, and trains the others up to `end`."""
    epoch, done_steps = position
    if done_steps >= training.steps_per_epoch:
        # It was ended at once, between an epoch's last batch and its validation.
        callbacks.epoch_end.set_model(model)
        callbacks.epoch_end.on_epoch_end(epoch)
        epoch += 1
    elif done_steps:
        callbacks.finite.done_steps = done_steps
        _fit_epochs(model, training, callbacks, (epoch, epoch + 1), done_steps)
        epoch += 1
    _fit_epochs(model, training, callbacks, (epoch, end))


def _fit_epochs(
    model: keras.Model,
    training: Source,
    callbacks: _Callbacks,
    epochs: tuple[int, int],
    done_steps: int = 0,
) -> None:
    """Trains epochs `[first, end)`, the first without its first `done_steps` batches."""
    first, end = epochs
    if first >= end or callbacks.epoch_end.out_of_patience:
        return
    model.fit(
        for_keras(_without_first(training.batches(first), done_steps)),
        shuffle=False,
        steps_per_epoch=training.steps_per_epoch - done_steps,
        initial_epoch=first,
        epochs=end,
        callbacks=[
            callbacks.finite,
            callbacks.epoch_end,
            *callbacks.watchers,
            *callbacks.others,
            callbacks.stop,
        ],
        verbose=0,
    )


def _without_first(batches: Any, count: int) -> Any:
    if not count:
        return batches
    if hasattr(batches, "skip"):
        return batches.skip(count)
    return itertools.islice(batches, count, None)


def _callbacks(
    training: Source, validation: Source, config: Config, run: RunFolder, schema: LabelSchema
) -> _Callbacks:
    examples = None
    others: list[keras.callbacks.Callback] = []
    if _has_tensorboard():
        first = next(iter(validation.evaluation()))
        images, labels = (np.asarray(part)[:EXAMPLES] for part in first)
        examples = ExampleReadings(
            run.tensorboard / "examples", schema, images, labels, config.family
        )
        others.append(keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False))
    finite = FiniteLoss(run, training, schema)
    epoch_end = EpochEnd(
        run, validation.evaluation, config.train.patience, examples, finite.check_validation
    )
    logger = NBatchLogger(run.log, config.train.log_batches, config.train.batch_size)
    watchers = (logger, EpochProgress(config.train.epochs))
    return _Callbacks(finite, epoch_end, watchers, others, StopBetweenBatches())


def _has_tensorboard() -> bool:
    return all(importlib.util.find_spec(name) for name in ("tensorflow", "tensorboard"))

"""From a configuration to a training under way: builds or loads, initialises, and fits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from ..configs import Config
from ..dataset.source import Source
from ..keras_file import load_checked
from ..plate.schema import LabelSchema, load_schema
from .devices import data_parallel, make_ready
from .initialise import load_initial_weights
from .loop import TrainingResult, fit, prepare_framework
from .run_folder import RunFolder
from .straightening import learn_to_straighten

logger = logging.getLogger(__name__)


def train_model(
    config: Config,
    run: RunFolder,
    training: Source,
    validation: Source,
    compiled: Callable[[LabelSchema], Any],
    init: str | Path | None = None,
    resume: bool = False,
    prepare: Callable[[Any], None] | None = None,
) -> TrainingResult:
    """Trains the recogniser of `config` into the folder `run`.

    Args:
        config: the resolved configuration.
        run: a new folder, or with `resume` one that has a `last.keras`.
        training: endless batches of uint8 images and int32 labels.
        validation: finite batches that choose the best epoch.
        compiled: makes the model, compiled.
        init: a `.keras` file whose fitting weights are taken over at the start.
        resume: continue `run` with its weights, optimizer, epoch and data order.
        prepare: what else the compiled or loaded model wants before it is trained.

    Raises:
        InputError: as of `fit`; another training is writing into `run`.
    """
    with run.held():
        return _train(config, run, training, validation, compiled, init, resume, prepare)


def _train(
    config: Config,
    run: RunFolder,
    training: Source,
    validation: Source,
    compiled: Callable[[LabelSchema], Any],
    init: str | Path | None,
    resume: bool,
    prepare: Callable[[Any], None] | None,
) -> TrainingResult:
    prepare_framework(config)
    schema = load_schema(config.model.label_schema)
    with data_parallel(config.train.devices):
        model = _load_last(run) if resume else compiled(schema)
        if prepare is not None:
            prepare(model)
        make_ready(model, config.train.devices)
    if init is not None and not resume:
        transfer = load_initial_weights(model, init)
        fresh = ", ".join(transfer.missing) or "none"
        logger.info("took over %d layers, fresh: %s", transfer.taken, fresh)
    if config.train.straighten_steps and not resume:
        before, after = learn_to_straighten(model, config, schema)
        logger.info("the rectifier's error went from %.3f to %.3f", before, after)
    return fit(model, training, validation, config, run, schema)


def _load_last(run: RunFolder) -> keras.Model:
    return load_checked(run.last, ours=False, compiled=True)

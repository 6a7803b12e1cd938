"""The classifier's training interface: builds, compiles, initialises or resumes, and fits."""

from __future__ import annotations

import logging
from pathlib import Path

import keras

from ..configs import Config
from ..dataset.source import Source
from ..errors import InputError
from ..plate.schema import LabelSchema, load_schema
from ..training.devices import data_parallel, make_ready
from ..training.distillation import Teachers
from ..training.initialise import load_initial_weights
from ..training.loop import TrainingResult, fit, prepare_framework
from ..training.run_folder import RunFolder
from ..training.slimming.take_over import with_widths_of
from ..utils.optimizers import build_optimizer
from .classifier_loss import build_loss, head_weights
from .classifier_model import PlateClassifier, build_classifier
from .distilled_classifier import DistilledClassifier

logger = logging.getLogger(__name__)


def train_classifier(
    config: Config,
    run: RunFolder,
    training: Source,
    validation: Source,
    init: str | Path | None = None,
    resume: bool = False,
    teachers: Teachers | None = None,
) -> TrainingResult:
    """Trains the classifier of `config` into the folder `run`.

    Args:
        config: the resolved configuration.
        run: a new folder, or with `resume` one that has a `last.keras`.
        training: endless batches of uint8 images and int32 labels; with teachers a
            `TaughtSource`.
        validation: finite batches that choose the best epoch.
        init: a `.keras` file whose fitting weights are taken over at the start; of a slimmed
            one the widths too.
        resume: continue `run` with its weights, optimizer, epoch and data order.
        teachers: of a student, those that `config.distill` names.
    """
    prepare_framework(config)
    schema = load_schema(config.model.label_schema)
    with data_parallel(config.train.devices):
        if resume:
            model = _load_last(run)
        else:
            model = compiled_classifier(config, schema, training.steps_per_epoch, init)
        if teachers is not None:
            model.learn_from(teachers)
        make_ready(model, config.train.devices)
    if init is not None and not resume:
        transfer = load_initial_weights(model, init)
        fresh = ", ".join(transfer.missing) or "none"
        logger.info("took over %d layers, fresh: %s", transfer.taken, fresh)
    return fit(model, training, validation, config, run, schema)


def compiled_classifier(
    config: Config, schema: LabelSchema, steps_per_epoch: int, init: str | Path | None = None
) -> PlateClassifier:
    """A fresh classifier with its optimizer and loss; a student where there are teachers.

    It is as narrow as the model at `init`, if that one has been slimmed.
    """
    model = build_classifier(config, schema)
    if init is not None:
        model = with_widths_of(model, init)
    if config.distill.teachers:
        model = DistilledClassifier.of(model)
    compile_classifier(model, config, schema, steps_per_epoch)
    return model


def compile_classifier(
    model: PlateClassifier, config: Config, schema: LabelSchema, steps_per_epoch: int
) -> None:
    """Gives a classifier the optimizer and the loss of a configuration."""
    optimizer = build_optimizer(
        config.optimizer,
        steps_per_epoch,
        config.train.epochs,
        conv_decay=config.model.conv_decay,
        gamma_decay=config.model.gamma_decay,
    )
    model.compile(
        optimizer=optimizer,
        loss=build_loss(config.loss, plates=steps_per_epoch * config.train.batch_size),
        loss_weights=head_weights(config.loss, schema),
        # XLA triples the time of a step on a CPU.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )


def _load_last(run: RunFolder) -> PlateClassifier:
    try:
        return keras.models.load_model(run.last)
    except (ValueError, OSError, TypeError) as error:
        raise InputError(f"cannot resume from {run.last}: {error}") from error

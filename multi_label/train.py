"""The classifier's training interface: builds, compiles, initialises or resumes, and fits."""

from __future__ import annotations

from pathlib import Path

import keras

from ..configs import Config
from ..dataset.source import Source
from ..plate.schema import LabelSchema
from ..training.distillation import Teachers
from ..training.freezing import freeze_layers
from ..training.loop import TrainingResult
from ..training.run_folder import RunFolder
from ..training.slimming.take_over import with_widths_of
from ..training.start import train_model
from ..utils.optimizers import build_optimizer
from .beginning import begin_like
from .classifier_loss import build_loss, head_weights
from .classifier_model import PlateClassifier, build_classifier
from .distilled_classifier import DistilledClassifier
from .last_map import check_maps_fit


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

    def compiled(schema: LabelSchema) -> PlateClassifier:
        return compiled_classifier(config, schema, training.steps_per_epoch, init)

    def taught(model: PlateClassifier) -> None:
        if teachers is None:
            return
        if config.distill.map_weight:
            check_maps_fit(teachers.models[0], model)
            if not resume:
                begin_like(model, teachers.models[0], config, factors=init is None)
        model.learn_from(teachers)

    return train_model(config, run, training, validation, compiled, init, resume, taught)


def compiled_classifier(
    config: Config, schema: LabelSchema, steps_per_epoch: int, init: str | Path | None = None
) -> PlateClassifier:
    """A fresh classifier with its optimizer and loss; a student where there are teachers.

    It is as narrow as the model at `init`, if that one has been slimmed.
    """
    model = build_classifier(config, schema)
    if init is not None:
        model = with_widths_of(model, init)
    freeze_layers(model, config.train.freeze)
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

"""The training interface of recognisers of sequences: builds, compiles, and fits."""

from __future__ import annotations

from pathlib import Path

import keras

from ..configs import Config
from ..dataset.source import Source
from ..errors import InputError
from ..plate.schema import LabelSchema
from ..training.freezing import freeze_layers
from ..training.loop import TrainingResult
from ..training.run_folder import RunFolder
from ..training.slimming.take_over import with_widths_of
from ..training.start import train_model
from ..utils.optimizers import build_optimizer
from .recogniser import SequenceRecogniser, build_recogniser, unfolds
from .text_loss import CharacterLoss, CTCLoss, TextLoss


def train_recogniser(
    config: Config,
    run: RunFolder,
    training: Source,
    validation: Source,
    init: str | Path | None = None,
    resume: bool = False,
) -> TrainingResult:
    """Trains the recogniser of `config` into the folder `run`; as `training.start.train_model`.

    `init` may be a slimmed model, whose widths are taken over too.
    """

    def compiled(schema: LabelSchema) -> SequenceRecogniser:
        return compiled_recogniser(config, schema, training.steps_per_epoch, init)

    return train_model(config, run, training, validation, compiled, init, resume)


def compiled_recogniser(
    config: Config, schema: LabelSchema, steps_per_epoch: int, init: str | Path | None = None
) -> SequenceRecogniser:
    """A fresh recogniser with its optimizer and loss, as narrow as a slimmed model at `init`."""
    model = build_recogniser(config, schema)
    if init is not None:
        model = with_widths_of(model, init)
    freeze_layers(model, config.train.freeze)
    compile_recogniser(model, config, steps_per_epoch)
    return model


def compile_recogniser(model: SequenceRecogniser, config: Config, steps_per_epoch: int) -> None:
    """Gives a recogniser the optimizer and the loss of a configuration.

    Raises:
        InputError: a loss that only heads of a classifier have.
    """
    optimizer = build_optimizer(
        config.optimizer,
        steps_per_epoch,
        config.train.epochs,
        conv_decay=config.model.conv_decay,
        gamma_decay=config.model.gamma_decay,
    )
    model.compile(
        optimizer=optimizer,
        loss=_text_loss(config),
        loss_weights={"colour": config.loss.colour_weight, "rows": config.loss.rows_weight},
        # XLA triples the time of a step on a CPU.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )


def _text_loss(config: Config) -> TextLoss:
    loss = config.loss
    if loss.name != "cross_entropy" or loss.class_balance:
        raise InputError(
            f"the family {config.family} has its own loss; loss.name and loss.class_balance are "
            "the classifier's"
        )
    if config.family == "attention":
        return CharacterLoss(loss.label_smoothing, loss.first_weight)
    if loss.label_smoothing:
        raise InputError("loss.label_smoothing is nothing that CTC has; set it to 0")
    return CTCLoss(loss.first_weight, rows_apart=unfolds(config))

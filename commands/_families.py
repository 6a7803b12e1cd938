"""The families of recognisers: what builds, compiles and trains the one that is configured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..configs import Config
from ..errors import InputError

if TYPE_CHECKING:
    from ..dataset.source import Source
    from ..plate.schema import LabelSchema
    from ..training.distillation import Teachers
    from ..training.loop import TrainingResult
    from ..training.run_folder import RunFolder

CLASSIFIER = "multi_label"


def build_model(config: Config, schema: LabelSchema) -> Any:
    """The model of a configuration, not compiled."""
    if config.family == CLASSIFIER:
        from ..multi_label.classifier_model import build_classifier

        return build_classifier(config, schema)
    from ..sequence.recogniser import build_recogniser

    return build_recogniser(config, schema)


def compile_model(model: Any, config: Config, schema: LabelSchema, steps_per_epoch: int) -> None:
    """Gives a model the optimizer and the loss of a configuration."""
    if config.family == CLASSIFIER:
        from ..multi_label.train import compile_classifier

        compile_classifier(model, config, schema, steps_per_epoch)
        return
    from ..sequence.train import compile_recogniser

    compile_recogniser(model, config, steps_per_epoch)


def compiled_model(config: Config, schema: LabelSchema, steps_per_epoch: int) -> Any:
    """A fresh model with its optimizer and loss."""
    if config.family == CLASSIFIER:
        from ..multi_label.train import compiled_classifier

        return compiled_classifier(config, schema, steps_per_epoch)
    from ..sequence.train import compiled_recogniser

    return compiled_recogniser(config, schema, steps_per_epoch)


def train_family(
    config: Config,
    run: RunFolder,
    training: Source,
    validation: Source,
    init: Path | None = None,
    resume: bool = False,
    teachers: Teachers | None = None,
) -> TrainingResult:
    """Trains the recogniser of a configuration into the folder `run`."""
    if config.family == CLASSIFIER:
        from ..multi_label.train import train_classifier

        return train_classifier(config, run, training, validation, init, resume, teachers)
    from ..sequence.train import train_recogniser

    return train_recogniser(config, run, training, validation, init, resume)


def check_teachable(config: Config) -> None:
    """Refuses a student or a teacher whose answers are not one softmax for each head."""
    if config.distill.teachers and config.family != CLASSIFIER:
        raise InputError(
            f"only classifiers learn from teachers; the preset {config.preset} is of family "
            f"{config.family}"
        )


def check_heads(family: str, mode: str) -> None:
    """Refuses a recogniser that has no softmax for each head of its schema.

    Raises:
        InputError: `mode` works with the heads' probabilities, which columns are not.
    """
    if family == "ctc":
        raise InputError(
            f"{mode} works with a softmax for each character; recognisers of family ctc read by "
            "columns: take a classifier, or one of family attention"
        )

"""The optimizer that a configuration names, with its schedule, clipping and averaging."""

from __future__ import annotations

from typing import Any

import keras

from ..configs import OptimizerConfig
from .radam import RAdam
from .schedules import EpochSteps, warm_cosine


def build_optimizer(
    config: OptimizerConfig, steps_per_epoch: int, epochs: int
) -> keras.optimizers.Optimizer:
    """RAdam, Adam (AMSGrad, as the original's), AdamW or SGD with Nesterov momentum.

    `ema` keeps an average of the weights beside them, as Keras's `use_ema` does: Keras puts it
    into the model when `fit` ends, `keras.callbacks.SwapEMAWeights` also at each validation.

    Args:
        config: name, rates and options.
        steps_per_epoch: training steps in an epoch.
        epochs: of the whole training.
    """
    rate = build_schedule(config, steps_per_epoch, epochs)
    common: dict[str, Any] = {
        "learning_rate": rate,
        "global_clipnorm": config.clip_norm,
    }
    if config.ema:
        common |= {"use_ema": True, "ema_momentum": config.ema}
    if config.name == "radam":
        return RAdam(**common)
    if config.name == "adam":
        return keras.optimizers.Adam(amsgrad=True, **common)
    if config.name == "adamw":
        return keras.optimizers.AdamW(weight_decay=config.weight_decay, **common)
    return keras.optimizers.SGD(momentum=config.momentum, nesterov=True, **common)


def build_schedule(
    config: OptimizerConfig, steps_per_epoch: int, epochs: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate by training step; a float where it is constant."""
    if config.schedule == "steps":
        return EpochSteps(config.boundaries, config.values, steps_per_epoch)
    if config.schedule == "cosine":
        return warm_cosine(
            config.learning_rate,
            steps=steps_per_epoch * epochs,
            warmup_steps=round(config.warmup_epochs * steps_per_epoch),
            final_fraction=config.final_fraction,
        )
    return config.learning_rate

"""The optimizer that a configuration names, with its schedule, clipping and averaging."""

from __future__ import annotations

from typing import Any

import keras

from ..configs import OptimizerConfig
from .group_decay import with_group_decay
from .radam import RAdam
from .schedules import EpochSteps, warm_cosine

# Not here: Ftrl, which forgets the initial weights; Muon, whose rule is for matrices between
# hidden layers; ScheduleFreeAdamW, whose weights must be exchanged before they are read.
_OPTIMIZERS: dict[str, type[Any]] = {
    "radam": RAdam,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "adadelta": keras.optimizers.Adadelta,
    "adafactor": keras.optimizers.Adafactor,
    "adagrad": keras.optimizers.Adagrad,
    "adamax": keras.optimizers.Adamax,
    "lamb": keras.optimizers.Lamb,
    "lion": keras.optimizers.Lion,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
}
# Registered at import, so that a saved model finds them.
_DECAYED = {name: with_group_decay(optimizer) for name, optimizer in _OPTIMIZERS.items()}


def optimizer_names() -> tuple[str, ...]:
    """What `optimizer.name` can be."""
    return tuple(_OPTIMIZERS)


def build_optimizer(
    config: OptimizerConfig,
    steps_per_epoch: int,
    epochs: int,
    *,
    conv_decay: float = 0.0,
    gamma_decay: float = 0.0,
) -> keras.optimizers.Optimizer:
    """The named optimizer: Adam as AMSGrad and SGD with Nesterov momentum, like the original's.

    `ema` keeps an average of the weights beside them, as Keras's `use_ema` does: Keras puts it
    into the model when `fit` ends, `keras.callbacks.SwapEMAWeights` also at each validation.

    Args:
        config: name, rates and options.
        steps_per_epoch: training steps in an epoch.
        epochs: of the whole training.
        conv_decay: of convolution kernels, where `config.decay` is `decoupled`.
        gamma_decay: of normalisations' gammas, likewise.
    """
    options = _options(config, build_schedule(config, steps_per_epoch, epochs))
    if config.decay == "decoupled":
        decays = {"conv_decay": conv_decay, "gamma_decay": gamma_decay}
        return _DECAYED[config.name](**decays, **options)
    if config.name == "adamw":
        return _DECAYED["adamw"](conv_decay=config.weight_decay, **options)
    return _OPTIMIZERS[config.name](**options)


def _options(config: OptimizerConfig, rate: Any) -> dict[str, Any]:
    """Keyword arguments of every optimizer, and those of the named one."""
    options: dict[str, Any] = {"learning_rate": rate, "global_clipnorm": config.clip_norm}
    if config.ema:
        options |= {"use_ema": True, "ema_momentum": config.ema}
    if config.accumulate > 1:
        options["gradient_accumulation_steps"] = config.accumulate
    own: dict[str, dict[str, Any]] = {
        "adam": {"amsgrad": True},
        # Keras wants a number here; the groups have their own.
        "adamw": {"weight_decay": 0.0},
        "sgd": {"momentum": config.momentum, "nesterov": True},
    }
    return options | own.get(config.name, {})


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

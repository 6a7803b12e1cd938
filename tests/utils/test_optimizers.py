"""Optimizers by name: their settings, that they descend, and what they let shrink."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.configs import OptimizerConfig, load_config
from chepai.errors import InputError
from chepai.utils.optimizers import build_optimizer, optimizer_names
from chepai.utils.radam import RAdam

# At these rates a hundred steps come down the bowl; the others' is 0.05.
RATES = {"adadelta": 50.0, "adagrad": 0.5, "lion": 0.02, "sgd": 0.02}


def built(name: str, **options: object) -> keras.optimizers.Optimizer:
    config = OptimizerConfig(name=name, schedule="constant", **options)
    return build_optimizer(config, 10, 2, conv_decay=0.2, gamma_decay=0.1)


def role_variables() -> list[keras.Variable]:
    """A convolution, a depthwise one, a gamma, a beta, a bias and a softmax layer, all ones."""
    shapes = {
        "kernel": (3, 3, 2, 2),
        "depthwise_kernel": (3, 3, 2, 1),
        "gamma": (2,),
        "beta": (2,),
        "bias": (2,),
        "dense": (2, 3),
    }
    return [
        keras.Variable(np.ones(shape, "float32"), name="kernel" if name == "dense" else name)
        for name, shape in shapes.items()
    ]


def after_one_step_without_gradient(optimizer: keras.optimizers.Optimizer) -> list[float]:
    variables = role_variables()
    optimizer.apply([keras.ops.zeros(v.shape) for v in variables], variables)
    return [float(keras.ops.convert_to_numpy(v).ravel()[0]) for v in variables]


def test_each_named_optimizer_has_its_settings() -> None:
    assert isinstance(built("radam"), RAdam)
    assert built("adam").amsgrad
    assert built("adamw", weight_decay=0.03).conv_decay == 0.03
    sgd = built("sgd", momentum=0.9, clip_norm=2.5, ema=0.99, accumulate=3)
    assert (sgd.momentum, sgd.nesterov, sgd.global_clipnorm) == (0.9, True, 2.5)
    assert (sgd.use_ema, sgd.ema_momentum, built("sgd").use_ema) == (True, 0.99, False)
    assert (sgd.gradient_accumulation_steps, built("sgd").gradient_accumulation_steps) == (3, None)


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(InputError, match=r"optimizer\.name: .*'lion'.* received 'adabound'"):
        load_config("quick", overrides=["optimizer.name=adabound"])
    accepted = [OptimizerConfig(name=name).name for name in optimizer_names()]
    assert len(accepted) == 12


@pytest.mark.parametrize("name", optimizer_names())
def test_each_named_optimizer_comes_down_a_bowl(name: str) -> None:
    config = OptimizerConfig(name=name, learning_rate=RATES.get(name, 0.05), warmup_epochs=0.5)
    optimizer = build_optimizer(config, steps_per_epoch=50, epochs=2)
    start, bottom = np.array([1.4, 0.2], "float32"), np.array([1.0, 0.5], "float32")
    x = keras.Variable(start)
    for _ in range(100):
        optimizer.apply([2.0 * (x - bottom)], [x])
    distance = np.linalg.norm(keras.ops.convert_to_numpy(x) - bottom)
    assert distance < 0.3 * np.linalg.norm(start - bottom)


@pytest.mark.parametrize("name", optimizer_names())
def test_decoupled_decay_has_a_rate_for_kernels_and_one_for_gammas(name: str) -> None:
    optimizer = built(name, decay="decoupled", learning_rate=0.5)
    # 1 - 0.5 x 0.2 and 1 - 0.5 x 0.1; without a gradient nothing else moves.
    assert after_one_step_without_gradient(optimizer) == pytest.approx([0.9, 0.9, 0.95, 1, 1, 1])


def test_adamw_decays_kernels_only_and_the_others_nothing() -> None:
    adamw = built("adamw", weight_decay=0.4, learning_rate=0.5)
    assert after_one_step_without_gradient(adamw) == pytest.approx([0.8, 0.8, 1, 1, 1, 1])
    adam = built("adam", learning_rate=0.5)
    assert after_one_step_without_gradient(adam) == pytest.approx([1] * 6)


@pytest.mark.parametrize("name", ["radam", "adamw"])
def test_decay_survives_a_round_trip(name: str) -> None:
    optimizer = built(name, decay="decoupled")
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(copy) is type(optimizer)
    assert (copy.conv_decay, copy.gamma_decay) == (0.2, 0.1)
    assert copy.get_config() == optimizer.get_config()

"""RAdam against numbers of tensorflow-addons, on a small problem with a known gradient."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.utils.radam import RAdam

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "radam_tfa.json").read_text(encoding="utf-8")
)


class AddonsWarmup(keras.optimizers.schedules.LearningRateSchedule):
    """The rise and fall in lines that tensorflow-addons has inside its optimizer."""

    def __init__(self, learning_rate=0.001, total_steps=0, warmup_proportion=0.1, min_lr=0.0):
        self.peak = learning_rate
        self.rise = total_steps * warmup_proportion
        self.fall = max(total_steps - self.rise, 1)
        self.last = min_lr

    def __call__(self, step):
        step = int(step) + 1
        rate = self.peak * step / self.rise
        if step > self.rise:
            fallen = min(step - self.rise, self.fall) / self.fall
            rate = self.peak + (self.last - self.peak) * fallen
        # Keras would take a plain number through float32.
        return keras.ops.convert_to_tensor(rate, dtype=keras.config.floatx())


@pytest.fixture
def floatx(request: pytest.FixtureRequest) -> Iterator[str]:
    before = keras.config.floatx()
    keras.config.set_floatx(request.param)
    yield request.param
    keras.config.set_floatx(before)


def make_optimizer(hyper: dict) -> RAdam:
    hyper = dict(hyper)
    warmup = {k: hyper.pop(k) for k in ("total_steps", "warmup_proportion", "min_lr") if k in hyper}
    if warmup:
        hyper["learning_rate"] = AddonsWarmup(hyper["learning_rate"], **warmup)
    return RAdam(**hyper)


def gradient(x: np.ndarray, c: np.ndarray, t: np.ndarray, k: np.ndarray, w: np.ndarray):
    return c * (x - t) - k * w * np.sin(w * x)


@pytest.mark.parametrize("floatx", ["float64", "float32"], indirect=True)
@pytest.mark.parametrize("setting", GOLDEN["settings"])
def test_every_recorded_step_is_that_of_tensorflow_addons(setting: str, floatx: str) -> None:
    golden = GOLDEN["settings"][setting]
    problem = {
        name: {key: np.array(value, floatx) for key, value in constants.items()}
        for name, constants in GOLDEN["params"].items()
    }
    variables = {
        name: keras.Variable(constants.pop("init"), dtype=floatx, name=name)
        for name, constants in problem.items()
    }
    optimizer = make_optimizer(golden["hyper"])
    for step in range(1, 61):
        gradients = [
            keras.ops.convert_to_tensor(gradient(keras.ops.convert_to_numpy(x), **problem[name]))
            for name, x in variables.items()
        ]
        optimizer.apply(gradients, list(variables.values()))
        for name, expected in golden["values"].get(str(step), {}).items():
            np.testing.assert_allclose(
                keras.ops.convert_to_numpy(variables[name]),
                np.array(expected, dtype="float64"),
                rtol=0,
                atol=1e-12 if floatx == "float64" else 3e-6,
                err_msg=f"{name} at step {step}",
            )


def test_the_first_five_steps_are_momentum_steps_and_the_sixth_is_rectified() -> None:
    x = keras.Variable([0.0])
    optimizer = RAdam(learning_rate=1.0)
    moves = []
    for _ in range(6):
        before = float(x[0])
        optimizer.apply([keras.ops.convert_to_tensor([10.0])], [x])
        moves.append(before - float(x[0]))
    # A constant gradient g has m' = g and sqrt(v') = g: steps of g, then of r, here 0.0258.
    np.testing.assert_allclose(moves, [10.0] * 5 + [0.0258], rtol=3e-3)


def test_settings_survive_a_round_trip() -> None:
    optimizer = RAdam(
        0.02,
        beta_1=0.8,
        beta_2=0.99,
        epsilon=1e-5,
        amsgrad=True,
        sma_threshold=4.0,
        weight_decay=0.1,
        global_clipnorm=2.0,
    )
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, RAdam)
    assert copy.get_config() == optimizer.get_config()

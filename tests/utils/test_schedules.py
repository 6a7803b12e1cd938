"""The original's schedule of rates, and the cosine."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from chepai.configs import OptimizerConfig
from chepai.utils.optimizers import build_schedule
from chepai.utils.schedules import EpochSteps, warm_cosine


def original_rate(epoch: int) -> float:
    """`lr_func` of the original, which fails after epoch 300."""
    boundaries, values = [10, 140, 200, 260, 300], [1e-5, 1e-3, 1e-4, 1e-5, 1e-6]
    index = 0
    while epoch > boundaries[index]:
        index += 1
    return values[index]


@pytest.mark.parametrize("epoch", [0, 10, 11, 140, 141, 200, 201, 260, 261, 300])
def test_the_first_and_last_step_of_an_epoch_have_the_originals_rate(epoch: int) -> None:
    schedule = build_schedule(OptimizerConfig(schedule="steps"), steps_per_epoch=7, epochs=300)
    for step in (epoch * 7, epoch * 7 + 6):
        assert float(schedule(step)) == pytest.approx(original_rate(epoch), rel=1e-6)


def test_the_last_rate_holds_after_the_last_boundary() -> None:
    assert float(EpochSteps([1, 2], [0.1, 0.2], 5)(5000)) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("boundaries", "values", "steps"),
    [([], [], 1), ([1, 2], [0.1], 1), ([2, 1], [0.1, 0.2], 1), ([1], [0.1], 0)],
)
def test_a_senseless_schedule_is_refused(boundaries: list, values: list, steps: int) -> None:
    with pytest.raises(ValueError, match="Received"):
        EpochSteps(boundaries, values, steps)


def test_the_cosine_rises_to_the_peak_and_falls_to_its_fraction() -> None:
    schedule = warm_cosine(0.5, steps=110, warmup_steps=10, final_fraction=0.1)
    rates = [float(schedule(step)) for step in range(111)]
    assert np.all(np.diff(rates[:11]) > 0)
    assert np.all(np.diff(rates[10:]) < 0)
    assert rates[10] == pytest.approx(0.5)
    # A quarter of the way down: (1 + cos(pi / 4)) / 2 of the 0.45 that are to be lost remain.
    assert rates[35] == pytest.approx(0.05 + 0.45 * (1 + math.cos(math.pi / 4)) / 2, rel=1e-5)
    assert rates[110] == pytest.approx(0.05)


def test_a_warm_up_longer_than_the_training_leaves_one_step_to_fall() -> None:
    schedule = warm_cosine(1.0, steps=4, warmup_steps=100, final_fraction=0.0)
    assert [float(schedule(step)) for step in (3, 4)] == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize("schedule", [EpochSteps([1, 3], [0.1, 0.2], 4)], ids=["steps"])
def test_a_schedule_survives_a_round_trip(schedule: EpochSteps) -> None:
    config = keras.optimizers.schedules.serialize(schedule)
    copy = keras.optimizers.schedules.deserialize(config)
    assert [float(copy(s)) for s in range(20)] == [float(schedule(s)) for s in range(20)]

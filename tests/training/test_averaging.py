"""Averaged weights are swapped in and back, and equal the average worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from chepai.training.averaging import averaged_weights, save_for_reading


@keras.saving.register_keras_serializable("tests")
def plain_output(_truth: Any, output: Any) -> Any:
    return output


def trained(ema: float) -> tuple[keras.Model, list[np.ndarray]]:
    """One weight, started at 0, pulled by a constant gradient of 1 at a rate of 1."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.zeros((1, 1))])
    model.compile(
        keras.optimizers.SGD(1.0, use_ema=bool(ema), ema_momentum=ema or 0.99),
        loss=plain_output,
        jit_compile=False,
    )
    model.optimizer.finalize_variable_values = lambda _variables: None
    seen = []
    for _ in range(3):
        model.fit(np.ones((1, 1)), np.ones((1, 1)), verbose=0)
        seen.append(model.get_weights()[0].copy())
    return model, seen


def test_the_block_sees_the_average_and_after_it_the_plain_weights() -> None:
    model, seen = trained(ema=0.5)
    assert [float(w[0, 0]) for w in seen] == [-1.0, -2.0, -3.0]
    # First step: the average takes the weight as it is; then halfway to -2, then to -3.
    with averaged_weights(model):
        assert float(model.get_weights()[0][0, 0]) == -2.25
    assert float(model.get_weights()[0][0, 0]) == -3.0


def test_without_averaging_the_block_sees_the_plain_weights() -> None:
    model, _ = trained(ema=0.0)
    with averaged_weights(model):
        assert float(model.get_weights()[0][0, 0]) == -3.0


def test_what_is_saved_for_reading_predicts_the_same(tmp_path: Path) -> None:
    model, _ = trained(ema=0.5)
    save_for_reading(model, str(tmp_path / "m.keras"))
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert np.array_equal(loaded(np.ones((2, 1))), model(np.ones((2, 1))))

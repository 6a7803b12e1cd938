"""Learning rates by training step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

WARMUP_START = 0.01  # share of the peak at the first step: a step at rate 0 would be wasted


@keras.saving.register_keras_serializable(package="chepai")
class EpochSteps(keras.optimizers.schedules.LearningRateSchedule):
    """The original's schedule: a rate for each span of epochs.

    Epochs count from 0. `values[i]` holds up to and with epoch `boundaries[i]`; the last value
    also holds afterwards.

    Args:
        boundaries: the last epoch of each span, ascending.
        values: the rate of each span.
        steps_per_epoch: training steps in an epoch.

    Raises:
        ValueError: not equally many, none, not ascending, or no steps.
    """

    def __init__(
        self, boundaries: Sequence[int], values: Sequence[float], steps_per_epoch: int
    ) -> None:
        super().__init__()
        if not boundaries or len(boundaries) != len(values):
            raise ValueError(
                "boundaries and values must be equally many, and one at least. "
                f"Received: {boundaries!r} and {values!r}"
            )
        if list(boundaries) != sorted(set(boundaries)):
            raise ValueError(f"boundaries must ascend. Received: {boundaries!r}")
        if steps_per_epoch < 1:
            raise ValueError(f"steps_per_epoch must be positive. Received: {steps_per_epoch!r}")
        self.boundaries = [int(boundary) for boundary in boundaries]
        self.values = [float(value) for value in values]
        self.steps_per_epoch = int(steps_per_epoch)

    def __call__(self, step: Any) -> Any:
        """The rate of `step`, which counts from 0."""
        epoch = ops.floor_divide(ops.cast(step, "int32"), self.steps_per_epoch)
        ended = ops.convert_to_tensor(self.boundaries[:-1], dtype="int32") < epoch
        return ops.take(
            ops.convert_to_tensor(self.values, dtype=keras.config.floatx()),
            ops.sum(ops.cast(ended, "int32")),
        )

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the schedule."""
        return {
            "boundaries": self.boundaries,
            "values": self.values,
            "steps_per_epoch": self.steps_per_epoch,
        }


def warm_cosine(
    peak: float, *, steps: int, warmup_steps: int, final_fraction: float
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Rises in a line to `peak`, then falls along half a cosine to `final_fraction * peak`.

    Args:
        peak: the highest rate.
        steps: of the whole training, the warm-up with them.
        warmup_steps: of the rise; at least one step is left for the fall. 0: no rise.
        final_fraction: last rate / peak, 0..1.

    Raises:
        ValueError: no steps.
    """
    if steps < 1:
        raise ValueError(f"steps must be positive. Received: {steps!r}")
    warmup_steps = min(warmup_steps, steps - 1)
    rise: dict[str, Any] = {}
    if warmup_steps:
        rise = {"warmup_target": peak, "warmup_steps": warmup_steps}
    return keras.optimizers.schedules.CosineDecay(
        peak * WARMUP_START if warmup_steps else peak,
        decay_steps=steps - warmup_steps,
        alpha=final_fraction,
        **rise,
    )

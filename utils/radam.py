"""Rectified Adam, equal to that of tensorflow-addons, as a Keras 3 optimizer."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from .group_decay import with_rate


@keras.saving.register_keras_serializable(package="chepai")
class RAdam(keras.optimizers.Optimizer):
    """Adam whose first steps, when the second moment is still a guess, are momentum steps.

    With t = 1, 2, …; m and v the running means of the gradient and of its square; and
    m' = m / (1 - b1^t), v' = v / (1 - b2^t):

        rho_inf = 2 / (1 - b2) - 1,  rho = rho_inf - 2 t b2^t / (1 - b2^t)
        r       = sqrt((rho - 4)(rho - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho))
        step    = r m' / (sqrt(v') + epsilon)   where rho >= sma_threshold, else m'
        x      -= learning_rate (step + weight_decay x)

    Args:
        learning_rate: a float or a schedule.
        beta_1: b1, in 0..1.
        beta_2: b2, in 0..1.
        epsilon: added after the bias correction, as in tensorflow-addons.
        amsgrad: divide by the largest v so far.
        sma_threshold: the rho from which steps are rectified; the paper's is just above 4.
        weight_decay: decoupled, times the learning rate; None: none.
        kwargs: of every Keras optimizer: `global_clipnorm`, `use_ema`, `ema_momentum` …

    Reference: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond,
    https://arxiv.org/abs/1908.03265
    """

    weight_decay: Any

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        sma_threshold: float = 5.0,
        weight_decay: float | None = None,
        name: str = "radam",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self.sma_threshold = sma_threshold

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the moments of each variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        if self.amsgrad:
            self._velocity_maxima = self.add_optimizer_variables(variables, "velocity_maximum")

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """One step of one variable."""
        index = self._get_variable_index(variable)
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        momentum, velocity = self._momentums[index], self._velocities[index]
        beta_1, beta_2 = _exact(self.beta_1, dtype), _exact(self.beta_2, dtype)
        self.assign(momentum, beta_1 * momentum + (1 - beta_1) * gradient)
        self.assign(velocity, beta_2 * velocity + (1 - beta_2) * ops.square(gradient))
        if self.amsgrad:
            maximum = self._velocity_maxima[index]
            self.assign(maximum, ops.maximum(maximum, velocity))
            velocity = maximum

        step = ops.cast(self.iterations + 1, dtype)
        unbias_1 = _one_minus_power(self.beta_1, step)
        unbias_2 = _one_minus_power(self.beta_2, step)
        mean = momentum / unbias_1
        deviation = ops.sqrt(velocity / unbias_2)
        rho, rectification = self._rectification(step, unbias_2)
        direction = ops.where(
            rho >= self.sma_threshold,
            rectification * mean / (deviation + _exact(self.epsilon, dtype)),
            mean,
        )
        self.assign_sub(variable, ops.cast(learning_rate, dtype) * direction)

    def _rectification(self, step: Any, unbias_2: Any) -> tuple[Any, Any]:
        """rho and r of the class's docstring; r is 0 where it is not defined."""
        limit = 2.0 / (1.0 - self.beta_2) - 1.0
        rho = limit - 2.0 * step * (1.0 - unbias_2) / unbias_2
        fraction = ((rho - 4.0) / (limit - 4.0)) * ((rho - 2.0) / (limit - 2.0)) * (limit / rho)
        return rho, ops.sqrt(ops.maximum(fraction, 0.0))

    def _apply_weight_decay(self, variables: list[keras.Variable]) -> None:
        if self.weight_decay is not None:
            # Keras takes a plain number through float32, whatever the variables' type.
            rate = _exact(self.weight_decay, keras.config.floatx())
            super(RAdam, with_rate(self, rate))._apply_weight_decay(variables)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the optimizer, without its state."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
            "sma_threshold": self.sma_threshold,
        }


def _exact(value: float, dtype: str) -> Any:
    # `ops.cast(0.999, "float64")` would go through float32.
    return ops.convert_to_tensor(value, dtype=dtype)


def _one_minus_power(beta: float, step: Any) -> Any:
    # 1 - beta^t loses most of float32's digits at the first steps; expm1 does not.
    return -ops.expm1(step * _exact(math.log(beta), step.dtype))

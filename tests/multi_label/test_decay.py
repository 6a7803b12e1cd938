"""Where the configured decays act: in the loss, or in the optimizer, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from chepai.configs import Config, parse_config
from chepai.multi_label.train import compiled_classifier
from chepai.plate.schema import LabelSchema


def config_with(config: Config, decay: str) -> Config:
    values = config.model_dump(mode="json")
    values["optimizer"]["decay"] = decay
    return parse_config(values)


def test_l2_is_of_kernels_and_gammas_each_at_its_rate(
    schema: LabelSchema, make_config: Callable[..., Config]
) -> None:
    config = config_with(make_config(conv_decay=1e-3, gamma_decay=1e-2), "l2")
    model = compiled_classifier(config, schema, steps_per_epoch=2)
    expected = 0.0
    for variable in model.trainable_variables:
        rate = {4: 1e-3}.get(len(variable.shape), 1e-2 if variable.name == "gamma" else 0.0)
        expected += rate * float(np.sum(keras.ops.convert_to_numpy(variable) ** 2))
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
    assert not hasattr(model.optimizer, "conv_decay")


def test_decoupled_decay_leaves_the_loss_alone(
    schema: LabelSchema, make_config: Callable[..., Config]
) -> None:
    config = config_with(make_config(conv_decay=0.05, gamma_decay=0.01), "decoupled")
    model = compiled_classifier(config, schema, steps_per_epoch=2)
    assert model.losses == []
    assert (model.optimizer.conv_decay, model.optimizer.gamma_decay) == (0.05, 0.01)

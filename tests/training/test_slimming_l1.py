"""The L1 sub-gradient on gammas, against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import pytest
from chepai.configs import Config, load_config
from chepai.multi_label.train import compiled_classifier
from chepai.plate.schema import load_schema
from chepai.training.loop import prepare_framework

GAMMAS = [0.5, -0.25, 0.0, 1.0]
START = np.tile(GAMMAS, 2).astype("float32")
# Of a step at rate 0.1, without a gradient from the data (every label is masked):
# L1 0.01: 0.1 x 0.01 x sign(gamma); L2 0.1: 0.1 x 2 x 0.1 x gamma; decoupled: 0.1 x 0.1 x gamma.
L1_ALONE = [0.499, -0.249, 0.0, 0.999]
WITH_L2 = [0.489, -0.244, 0.0, 0.979]
WITH_DECOUPLED = [0.494, -0.2465, 0.0, 0.989]


@pytest.fixture(autouse=True)
def _float32_afterwards() -> Iterator[None]:
    yield
    keras.config.set_dtype_policy("float32")


def config_with(*overrides: str) -> Config:
    tiny = (
        "model.height=16",
        "model.width=48",
        "model.backbone_options={widths: [8, 8, 8, 8], blocks: [1, 1, 1, 1]}",
        "model.gamma_l1=0.01",
        "model.conv_decay=0",
        "model.gamma_decay=0",
        "optimizer.name=sgd",
        "optimizer.momentum=0",
        "optimizer.schedule=constant",
        "optimizer.learning_rate=0.1",
    )
    return load_config("resnet18", overrides=[*tiny, *overrides])


def gammas_after(config: Config, batches: int) -> list[np.ndarray]:
    """The gammas of every normalisation after batches that say nothing."""
    prepare_framework(config)
    schema = load_schema("cn")
    model = compiled_classifier(config, schema, steps_per_epoch=10)
    # Compiling the network costs more than these few steps.
    model.run_eagerly = True
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.gamma.assign(START)
    rng = np.random.default_rng(0)
    for _ in range(batches):
        images = rng.integers(0, 256, (4, 16, 48, 3), dtype=np.uint8)
        model.train_on_batch(images, np.full((4, len(schema.heads)), -1, np.int32))
    return [np.asarray(norm.gamma) for norm in norms]


@pytest.mark.parametrize(
    ("overrides", "batches", "wanted"),
    [
        ((), 1, L1_ALONE),
        (("model.gamma_decay=0.1",), 1, WITH_L2),
        (("model.gamma_decay=0.1", "optimizer.decay=decoupled"), 1, WITH_DECOUPLED),
        (("optimizer.accumulate=2",), 1, GAMMAS),
        (("optimizer.accumulate=2",), 2, L1_ALONE),
        (("train.precision=mixed_bfloat16",), 1, L1_ALONE),
        (("train.precision=mixed_float16",), 1, L1_ALONE),
        (("model.gamma_l1=0",), 1, GAMMAS),
    ],
)
def test_gammas_move_as_worked_out_by_hand(
    overrides: tuple[str, ...], batches: int, wanted: list[float]
) -> None:
    found = gammas_after(config_with(*overrides), batches)
    assert len(found) == 13
    for gammas in found:
        np.testing.assert_allclose(gammas, np.tile(wanted, 2), rtol=0, atol=1e-6)

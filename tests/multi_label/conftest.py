"""A classifier so small that it trains in a second."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from chepai.configs import Config, parse_config
from chepai.multi_label.classifier_loss import build_loss, head_weights
from chepai.multi_label.classifier_model import PlateClassifier, build_classifier
from chepai.plate.schema import Head, LabelSchema


@pytest.fixture(scope="session")
def schema() -> LabelSchema:
    """Two characters, the second not always there, a length and a colour."""
    return LabelSchema(
        "tiny",
        (
            Head("char_1", "character", ("A", "B", "C")),
            Head("char_2", "character", ("0", "1", "2", "3", None)),
            Head("length", "length", ("none", "1", "2")),
            Head("colour", "colour", ("blue", "green")),
        ),
    )


@pytest.fixture
def make_config() -> Callable[..., Config]:
    """A configuration of a tiny network; keywords go to its model section."""

    def make(**model: object) -> Config:
        small = {
            "height": 16,
            "width": 32,
            "conv_decay": 1e-5,
            "gamma_decay": 1e-5,
            "backbone_options": {
                "widths": [8, 8, 16, 16],
                "blocks": [1, 1, 1, 1],
                "strides": [1, 1, 1, 1],
            },
        }
        return parse_config({"model": {**small, **model}})

    return make


@pytest.fixture
def batch(schema: LabelSchema) -> tuple[np.ndarray, np.ndarray]:
    """Sixteen noise pictures with random labels, a fifth of them masked."""
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (16, 16, 32, 3), dtype=np.uint8)
    labels = np.stack([rng.integers(0, width, 16) for width in schema.widths], axis=1)
    labels[rng.random(labels.shape) < 0.2] = -1
    return images, labels.astype("int32")


@pytest.fixture
def compiled(schema: LabelSchema, make_config: Callable[..., Config]) -> PlateClassifier:
    """A compiled tiny classifier with attention heads; eager, as tracing outlasts a few steps."""
    keras.utils.set_random_seed(2)
    config = make_config()
    model = build_classifier(config, schema)
    model.compile(
        keras.optimizers.Adam(5e-3),
        loss=build_loss(config.loss),
        loss_weights=head_weights(config.loss, schema),
        run_eagerly=True,
    )
    return model

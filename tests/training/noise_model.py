"""A model that takes a second to train, for tests of what surrounds the training of any model."""

from __future__ import annotations

from typing import Any

import keras
from chepai.configs import Config, load_config
from chepai.plate.schema import LabelSchema
from chepai.training.random_states import RemembersRandomStates
from chepai.training.run_folder import RunFolder
from chepai.training.start import train_model
from noise_plates import TINY


@keras.saving.register_keras_serializable(package="noise")
class NoiseModel(RemembersRandomStates):
    """Of a functional model's arguments."""


def short_config(*overrides: str) -> Config:
    """Two epochs of the tiny configuration, unless `overrides` say otherwise."""
    return load_config("resnet18", overrides=[*TINY, "train.epochs=2", *overrides])


def train(
    run: RunFolder, source: Any, resume: bool = False, learning_rate: float = 1e-3, **options: Any
) -> Any:
    """Fits labels to noise by a layer behind dropout, whose random numbers go on too."""

    def compiled(schema: LabelSchema) -> keras.Model:
        image = keras.Input((16, 48, 3), dtype="uint8", name="image")
        x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
        x = keras.layers.Dense(len(schema.heads))(keras.layers.Dropout(0.2, seed=5)(x))
        model = NoiseModel(image, x)
        model.compile(
            keras.optimizers.Adam(learning_rate, use_ema=True, ema_momentum=0.9),
            loss="mse",
            metrics=[keras.metrics.MeanSquaredError(name="plate_accuracy")],
            jit_compile=False,
        )
        return model

    return train_model(run.load_config(), run, source, source, compiled, resume=resume, **options)

"""What stands before every network: the input, its pixels' scale, and what straightens them."""

from __future__ import annotations

import keras

from ..configs import Config
from .base import LayerStyle
from .preprocessing import PixelScaling, Whitening
from .rectifier import rectify

INPUT_NAME = "image"


def style_of(config: Config) -> LayerStyle:
    """The defaults of layers that a configuration wants; decoupled decay is no part of the loss."""
    model = config.model
    in_loss = config.optimizer.decay == "l2"
    return LayerStyle(
        conv_decay=model.conv_decay if in_loss else 0.0,
        gamma_decay=model.gamma_decay if in_loss else 0.0,
        gamma_l1=model.gamma_l1,
    )


def pixels(config: Config, style: LayerStyle) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input, uint8 `[batch, h, w, 3]`, and what a network sees of it, float32 of that shape.

        image - scaling - (whitening) - (rectifier)

    Raises:
        InputError: a bad option of the rectifier, or an input too small for it.
    """
    model = config.model
    image = keras.Input((model.height, model.width, 3), dtype="uint8", name=INPUT_NAME)
    x = PixelScaling(name="scaling")(image)
    if model.whitening:
        x = Whitening(name="whitening")(x)
    return image, rectify(model.rectifier, x, style, **model.rectifier_options)

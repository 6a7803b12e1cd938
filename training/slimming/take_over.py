"""A fresh network of the widths that a slimmed one has, so that it can be trained further."""

from __future__ import annotations

from pathlib import Path

import keras

from ...errors import InputError
from .surgery import narrowed_like


def with_widths_of(model: keras.Model, path: str | Path) -> keras.Model:
    """`model`, untrained, but as narrow as the model at `path` if that one has been slimmed.

    Raises:
        InputError: the file is no Keras model, or a slimmed one of another network.
    """
    try:
        source = keras.models.load_model(path, compile=False)
    except (ValueError, OSError, TypeError) as error:
        raise InputError(f"cannot take weights from {path}: {error}") from error
    if not getattr(source, "slimmed_from", None):
        return model
    return narrowed_like(model, source)

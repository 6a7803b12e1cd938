"""A fresh network of the widths that a slimmed one has, so that it can be trained further."""

from __future__ import annotations

from pathlib import Path

import keras

from ...keras_file import load_checked
from .surgery import narrowed_like


def with_widths_of(model: keras.Model, path: str | Path) -> keras.Model:
    """`model`, untrained, but as narrow as the model at `path` if that one has been slimmed.

    Raises:
        InputError: the file is no Keras model, or a slimmed one of another network.
    """
    source = load_checked(path, ours=False)
    if not getattr(source, "slimmed_from", None):
        return model
    return narrowed_like(model, source)

"""Loading what chepai trained with Keras, on whichever backend is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import InputError
from ...frameworks import import_keras
from ...keras_file import load_checked
from ...plate.schema import LabelSchema
from ..calibration import Calibration
from ..model_card import ModelCard

_MIXED = ("mixed_bfloat16", "mixed_float16")


def load_keras_model(path: Path, threads: int | None = None) -> Any:
    """Loads a `.keras` file of chepai in float32, without its optimizer; as `load_as_trained`."""
    return as_float32(load_as_trained(path, threads))


def load_as_trained(path: Path, threads: int | None = None) -> Any:
    """Loads a `.keras` file of chepai in the precision it was trained in, without its optimizer.

    Args:
        threads: TensorFlow's, where it has not started yet; None leaves its own choice.

    Raises:
        InputError: Keras or its backend is not installed, or the file is not a model of chepai.
    """
    import_keras(threads)
    model = load_checked(path)
    if getattr(model, "label_schema_config", None) is None:
        raise InputError(f"{path} is no model of chepai: it names no characters")
    return model


def as_float32(model: Any) -> Any:
    """The model itself, or a copy that computes in float32 if it was trained in mixed precision.

    Its weights are float32 either way; so every runtime computes the same, and ONNX, which has
    no bfloat16 convolutions, can hold it.
    """
    if not any(layer.dtype_policy.name in _MIXED for layer in model.layers):
        return model
    copy = type(model).from_config(_without_mixing(model.get_config()))
    copy.set_weights(model.get_weights())
    return copy


def _without_mixing(values: Any) -> Any:
    """A layer configuration with its mixed-precision policies replaced."""
    if isinstance(values, dict):
        # How it was trained stays true.
        kept = {key: values[key] for key in ("chepai_config",) if key in values}
        return {key: _without_mixing(value) for key, value in values.items()} | kept
    if isinstance(values, list | tuple):
        return type(values)(_without_mixing(value) for value in values)
    return "float32" if isinstance(values, str) and values in _MIXED else values


def card_of(model: Any, name: str) -> ModelCard:
    """The card of a Keras model of chepai; `name` where the model's preset gives none."""
    config = model.chepai_config or {}
    calibration = getattr(model, "calibration", None)
    _, height, width, _ = model.input_shape
    return ModelCard(
        name=name,
        schema=LabelSchema.from_dict(model.label_schema_config),
        height=height,
        width=width,
        preset=config.get("preset"),
        family=config.get("family", "multi_label"),
        calibration=None if calibration is None else Calibration.from_dict(calibration),
    )

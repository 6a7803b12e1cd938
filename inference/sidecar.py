"""The card of a model whose format has no place for it: a file of JSON beside it, or inside."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..files import write_text
from .model_card import ModelCard

# What TensorFlow sets aside in a SavedModel for the files of its users; servers ignore it.
_IN_SAVED_MODEL = Path("assets.extra") / "chepai.json"


def sidecar_path(model: Path) -> Path:
    """Where the card of a model lies: `plates.tflite.json`, or in a SavedModel's folder."""
    if model.is_dir():
        return model / _IN_SAVED_MODEL
    return model.with_name(f"{model.name}.json")


def write_sidecar(model: Path, card: ModelCard) -> Path:
    """Writes the card of a model that lies at `model`; returns where."""
    path = sidecar_path(model)
    write_text(path, card.to_json() + "\n")
    return path


def read_sidecar(model: Path) -> ModelCard:
    """The card of the model at `model`.

    Raises:
        InputError: it is missing, and so the model is not ours; or it is damaged.
    """
    path = sidecar_path(model)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(
            f"{model} is no model of chepai: there is no {path.name} with it that names its "
            "characters; make both with `chepai export`"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    return ModelCard.from_json(text, str(path))

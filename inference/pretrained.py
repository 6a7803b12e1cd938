"""Shipped models by name: where they lie and whether they are whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

SHIPPED_NAMES = ("default", "fast")
FOLDER = Path(__file__).resolve().parents[1] / "pretrained"


@dataclass(frozen=True)
class ShippedModel:
    """One entry of `pretrained/models.json`."""

    name: str
    path: Path
    sha256: str
    preset: str | None = None
    parameters: int | None = None
    macs: int | None = None


def shipped_models(folder: Path = FOLDER) -> dict[str, ShippedModel]:
    """The models whose files this installation holds, by name."""
    index = folder / "models.json"
    if not index.is_file():
        return {}
    entries = json.loads(index.read_text(encoding="utf-8"))
    models = {
        name: ShippedModel(
            name,
            folder / entry["file"],
            entry["sha256"],
            entry.get("preset"),
            entry.get("parameters"),
            entry.get("macs"),
        )
        for name, entry in entries.items()
    }
    return {name: model for name, model in models.items() if model.path.is_file()}


def model_path(name_or_path: str | Path, folder: Path = FOLDER) -> Path:
    """The file of a shipped model's name, or the path itself.

    Raises:
        InputError: a name that no shipped model has, or a shipped file that is damaged.
    """
    name = str(name_or_path)
    if name not in SHIPPED_NAMES:
        path = Path(name_or_path)
        if path.suffix or path.exists():
            return path
        raise InputError(
            f"there is no model {name!r}: give {' or '.join(SHIPPED_NAMES)}, or the path of an "
            ".onnx or .keras file"
        )
    model = shipped_models(folder).get(name)
    if model is None:
        raise InputError(
            f"the model {name!r} is not part of this installation; train one with "
            "`chepai train` and give the path of its .onnx or .keras file"
        )
    if file_checksum(model.path) != model.sha256:
        raise InputError(f"the shipped model {model.path} is damaged; install chepai again")
    return model.path


def file_checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

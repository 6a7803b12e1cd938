"""Shipped models by name: where they lie and whether they are whole."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

SHIPPED_NAMES = ("default", "fast")
FOLDER = Path(__file__).resolve().parents[1] / "pretrained"


@dataclass(frozen=True)
class ShippedFile:
    """A file of `pretrained/` and what its checksum has to be."""

    path: Path
    sha256: str

    def checked(self) -> Path:
        """The path of the whole file; InputError where it is damaged."""
        if file_checksum(self.path) != self.sha256:
            raise InputError(f"the shipped model {self.path} is damaged; install chepai again")
        return self.path


@dataclass(frozen=True)
class ShippedModel:
    """One entry of `pretrained/models.json`.

    Attributes:
        weights: the `.keras` file to fine-tune from.
        second_look: whether it reads with a second look unless told otherwise.
    """

    name: str
    file: ShippedFile
    weights: ShippedFile | None = None
    preset: str | None = None
    parameters: int | None = None
    macs: int | None = None
    second_look: bool = False


def shipped_models(folder: Path = FOLDER) -> dict[str, ShippedModel]:
    """The models whose files this installation holds, by name."""
    index = folder / "models.json"
    if not index.is_file():
        return {}
    entries = json.loads(index.read_text(encoding="utf-8"))
    models = {
        name: ShippedModel(
            name,
            ShippedFile(folder / entry["file"], entry["sha256"]),
            _weights(entry.get("weights"), folder),
            entry.get("preset"),
            entry.get("parameters"),
            entry.get("macs"),
            entry.get("second_look", False),
        )
        for name, entry in entries.items()
    }
    return {name: model for name, model in models.items() if model.file.path.is_file()}


def _weights(entry: dict[str, str] | None, folder: Path) -> ShippedFile | None:
    return None if entry is None else ShippedFile(folder / entry["file"], entry["sha256"])


def model_path(name_or_path: str | Path, folder: Path = FOLDER) -> Path:
    """The file to read with: of a shipped model's name, or the path itself.

    Raises:
        InputError: a name that no shipped model has, or a shipped file that is damaged.
    """
    model = _named(name_or_path, folder)
    return Path(name_or_path) if model is None else model.file.checked()


def looks_twice(name_or_path: str | os.PathLike[str], folder: Path = FOLDER) -> bool:
    """Whether a shipped model is meant to read with a second look; False for every path."""
    model = shipped_models(folder).get(os.fspath(name_or_path))
    return model is not None and model.second_look


def weights_path(name_or_path: str | Path, folder: Path = FOLDER) -> Path:
    """The `.keras` file to fine-tune: of a shipped model's name, or the path itself.

    Raises:
        InputError: as of `model_path`, or weights that this installation lacks.
    """
    model = _named(name_or_path, folder)
    if model is None:
        return Path(name_or_path)
    if model.weights is None or not model.weights.path.is_file():
        raise InputError(
            f"the weights of {model.name!r} lie in chepai's repository, not in its wheel; "
            "give the path of a .keras file"
        )
    return model.weights.checked()


def _named(name_or_path: str | Path, folder: Path) -> ShippedModel | None:
    """The shipped model of that name; None for what is a path."""
    name = str(name_or_path)
    if name not in SHIPPED_NAMES:
        path = Path(name_or_path)
        if path.suffix or path.exists():
            return None
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
    return model


def file_checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

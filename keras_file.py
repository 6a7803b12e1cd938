"""Whether a `.keras` file holds nothing but a network, told before Keras builds any of it.

Keras's safe mode refuses to unpickle functions. Beside that, layers exist which read files, run
other frameworks' programs or fetch what they need; none of them is in a network of chepai. So all
names in a file are looked at first, and Keras only sees what is known.
"""

from __future__ import annotations

import json
import stat
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from .errors import InputError, quoted

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
POSITION = "position.json"
"""How far a training has come; see `training/position.py`."""
_MEMBERS = {"metadata.json", POSITION, _CONFIG, _WEIGHTS}
_MOST_CONFIG = 32 * 2**20  # bytes; those of our networks take about 0.1 MB
_MOST_PACKING = 20  # Keras packs nothing, and weights are hardly compressible
OURS = "chepai>"
# What networks are made of; what is registered in this process needs no module.
_MODULES = {
    f"keras{name}"
    for name in (
        "", ".layers", ".initializers", ".regularizers", ".constraints", ".activations", ".losses",
        ".metrics", ".optimizers", ".optimizers.schedules", ".dtype_policies", ".models",
        ".src.models.functional", ".src.models.sequential",
    )
}  # fmt: skip
# They run programs or read files that a configuration names.
_REFUSED = {
    "Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer",
    "FeatureSpace", "StringLookup", "IntegerLookup", "TextVectorization",
}  # fmt: skip
# Keras finds the classes that a file names only after their modules were imported. A registry's
# names import every network, and with it the layers of its own.
_MODELS = (
    "multi_label.classifier_model",
    "multi_label.distilled_classifier",
    "sequence.recogniser",
)
_REGISTRIES = ("backbone.registry", "sequence.registry")


def check_keras_file(path: str | Path, ours: bool = True) -> None:
    """Passes a whole `.keras` file that holds a network and nothing else.

    Args:
        path: the file.
        ours: whether it has to be a recogniser of chepai; its weights alone may be anyone's.

    Raises:
        InputError: it is none, damaged, or names what no network is made of.
    """
    path = Path(path)
    try:
        _check_archive(path)
        values = _config_of(path)
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot load {path}: it is no whole .keras file ({error})") from error
    if ours and not _is_ours(values):
        raise InputError(f"{path} is no model of chepai: it names no characters")
    for named in _named(values):
        _check_name(path, named)


def load_checked(path: str | Path, ours: bool = True, compiled: bool = False) -> Any:
    """The model in a `.keras` file that `check_keras_file` passes; `compiled` with its optimizer.

    Raises:
        InputError: as there, or Keras cannot build it.
    """
    check_keras_file(path, ours)
    keras = import_module("keras")
    _register_classes()
    try:
        with warnings.catch_warnings():
            # A training that goes on without its optimizer's memory would be another one.
            warnings.filterwarnings("error", "Skipping variable loading for optimizer")
            return keras.models.load_model(path, compile=compiled, safe_mode=True)
    # Keras raises whatever the damaged part raised: zip, JSON, key or type errors.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"cannot load {path}: {reason}") from error


def _register_classes() -> None:
    for module in _MODELS:
        import_module(f".{module}", __package__)
    for registry in _REGISTRIES:
        import_module(f".{registry}", __package__).names()


def _check_archive(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise InputError(f"cannot load {path}: it is no file")
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        strange = next((name for name in names if name not in _MEMBERS), None)
        if strange is not None:
            raise InputError(f"cannot load {path}: {quoted(strange)} belongs to no .keras file")
        if len(set(names)) < len(names) or not {_CONFIG, _WEIGHTS} <= set(names):
            raise InputError(f"cannot load {path}: it lacks {_CONFIG} or {_WEIGHTS}, or has two")
        for entry in entries:
            if entry.file_size > _MOST_PACKING * max(1, entry.compress_size):
                raise InputError(f"cannot load {path}: {entry.filename} unpacks to too much")


def _config_of(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive, archive.open(_CONFIG) as stream:
        data = stream.read(_MOST_CONFIG + 1)
    if len(data) > _MOST_CONFIG:
        raise InputError(f"cannot load {path}: its {_CONFIG} is longer than {_MOST_CONFIG} bytes")
    return json.loads(data)


def _is_ours(values: Any) -> bool:
    config = values.get("config") if isinstance(values, dict) else None
    return (
        isinstance(config, dict)
        and str(values.get("registered_name")).startswith(OURS)
        and isinstance(config.get("label_schema_config"), dict)
    )


def _named(values: Any) -> Iterator[dict[str, Any]]:
    """Every part of a configuration that names a class or a function."""
    waiting = [values]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _check_name(path: Path, named: dict[str, Any]) -> None:
    name, module = named["class_name"], named.get("module")
    registered = named.get("registered_name")
    if not isinstance(name, str) or name in _REFUSED:
        raise InputError(
            f"cannot load {path}: it holds {quoted(name)}, which may run programs or read files"
        )
    known = module is None or (isinstance(module, str) and _is_known(module))
    # Keras finds it among what this process has registered, or nowhere.
    elsewhere = isinstance(module, str) and not module.startswith("keras")
    if not known and not (elsewhere and isinstance(registered, str)):
        where = f"{module}.{name}"
        raise InputError(f"cannot load {path}: {quoted(where)} is no part of a network")


def _is_known(module: str) -> bool:
    # Operations of arrays: what `x[:, 0]` becomes in a model of layers. On PyTorch the optimizers
    # name what they really are.
    inner = ("keras.src.ops.", "keras.src.backend.torch.optimizers.")
    return module == "builtins" or module in _MODULES or module.startswith(inner)

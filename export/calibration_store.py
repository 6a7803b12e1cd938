"""Puts a calibration into a model's file, where its reader finds it; weights stay as they are."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..files import atomic_path
from ..inference.calibration import Calibration
from ..inference.model_card import METADATA_KEY, ModelCard
from ..keras_file import check_keras_file

_KERAS_CONFIG = "config.json"


def store_calibration(
    source: str | Path, calibration: Calibration, target: str | Path | None = None
) -> Path:
    """Writes the model `source` with `calibration` to `target`; None replaces `source`.

    An `.onnx` file carries it in its card, a `.keras` file in the model's configuration, whose
    optimizer and training state are kept. The file appears whole.

    Raises:
        InputError: another suffix, or no model of chepai.
    """
    source = Path(source)
    target = source if target is None else Path(target)
    store = writer_for(source)
    if target.suffix.lower() != source.suffix.lower():
        raise InputError(f"{source.name} is copied to a {source.suffix} file, not to {target}")
    with atomic_path(target) as temporary:
        store(source, temporary, calibration)
    return target


def writer_for(path: Path) -> Callable[[Path, Path, Calibration], None]:
    """What writes a calibration into files of this suffix."""
    writers = {".onnx": _into_onnx, ".keras": _into_keras}
    if path.suffix.lower() not in writers:
        raise InputError(f"a calibration is stored in {' and '.join(writers)} files, not in {path}")
    return writers[path.suffix.lower()]


def _into_onnx(source: Path, target: Path, calibration: Calibration) -> None:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(source)
    except DecodeError as error:
        raise InputError(f"{source} is no whole ONNX file: {error}") from error
    held = {entry.key: entry.value for entry in model.metadata_props}
    if METADATA_KEY not in held:
        raise InputError(f"{source} is no model of chepai: it lacks the metadata that it carries")
    card = ModelCard.from_json(held[METADATA_KEY], str(source))
    held[METADATA_KEY] = replace(card, calibration=calibration).to_json()
    onnx.helper.set_model_props(model, held)
    target.write_bytes(model.SerializeToString())


def _into_keras(source: Path, target: Path, calibration: Calibration) -> None:
    """Copies the archive member by member: Keras itself would drop what it does not load."""
    check_keras_file(source)
    try:
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
            for entry in old.infolist():
                content = old.read(entry)
                if entry.filename == _KERAS_CONFIG:
                    content = _with_calibration(content, calibration)
                new.writestr(entry, content)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{source} is no whole .keras file of chepai: {error}") from error


def _with_calibration(content: bytes, calibration: Calibration) -> bytes:
    values = json.loads(content)
    if "label_schema_config" not in values["config"]:
        raise ValueError("it names no characters")
    values["config"]["calibration"] = calibration.to_dict()
    return json.dumps(values).encode("utf-8")

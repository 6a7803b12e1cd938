"""The teachers that a configuration names: loading them, and whether they are still the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..configs import Config
from ..errors import InputError
from ..files import write_text
from ..plate.schema import LabelSchema

if TYPE_CHECKING:
    from ..training.distillation import Teachers
    from ..training.run_folder import RunFolder

CHECKSUMS = "teachers.json"


def load_teachers(config: Config, schema: LabelSchema) -> Teachers:
    """Loads `distill.teachers`, each in the precision that it was trained in.

    Raises:
        InputError: a file that is no trained `.keras` model, or one whose labels mean something
            else than the student's.
    """
    from ..inference.runtimes.keras_model import load_as_trained
    from ..multi_label.last_map import with_last_map
    from ..training.devices import data_parallel
    from ..training.distillation import Teachers

    _check_single(config)
    models = []
    with data_parallel(config.train.devices):
        for name in config.distill.teachers:
            model = load_as_trained(_file_of(name))
            _check_schema(name, LabelSchema.from_dict(model.label_schema_config), schema)
            models.append(with_last_map(model) if config.distill.map_weight else model)
    return Teachers(models)


def _check_single(config: Config) -> None:
    if config.distill.map_weight and len(config.distill.teachers) > 1:
        raise InputError(
            "distill.map_weight wants one teacher, since the channels of several mean different "
            "things: give one --teacher, or set distill.map_weight=0"
        )


def remember_teachers(folder: RunFolder, config: Config) -> None:
    """Writes the teachers' checksums into a new run; compares them in a resumed one.

    Raises:
        InputError: a resumed student would go on with another teacher than it began with.
    """
    from ..inference.pretrained import file_checksum

    if not config.distill.teachers:
        return
    sums = {name: file_checksum(_file_of(name)) for name in config.distill.teachers}
    file = folder.path / CHECKSUMS
    if not file.is_file():
        write_text(file, json.dumps(sums, ensure_ascii=False, indent=2) + "\n")
        return
    before = json.loads(file.read_text(encoding="utf-8"))
    for name, checksum in sums.items():
        if before.get(name) != checksum:
            raise InputError(
                f"the teacher {name} is not the one that {folder.path} began with; give that one "
                "back, or begin a new run with --init"
            )


def _file_of(name: str) -> Path:
    from ..inference.pretrained import weights_path

    path = weights_path(name)
    if path.suffix.lower() != ".keras" or not path.is_file():
        raise InputError(f"a teacher is a shipped model's name or a .keras file; {name} is none")
    return path


def _check_schema(name: str, taught: LabelSchema, learned: LabelSchema) -> None:
    if taught.fingerprint != learned.fingerprint:
        raise InputError(
            f"the teacher {name} reads the schema {taught.name}, the student {learned.name}, and "
            "their heads differ: set model.label_schema to the teacher's, or take another teacher"
        )

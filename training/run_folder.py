"""A training run's folder: `runs/<preset>-NNN/` and what lies in it."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

from ..configs import Config, dump_config, override_config, read_config
from ..errors import InputError
from ..files import lock, write_text

PACKAGES = (
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "torch",
    "numpy",
    "opencv-python-headless",
)
# What a resumed training may have otherwise: where its plates come from, and how it is run.
_OF_BATCHES = ("data", "render", "augment")
_OF_THE_LOOP = ("train.epochs", "train.patience", "train.devices", "train.log_batches")
# Weights on their way into a `.keras` file, where memory is scarce.
_KERAS_SCRATCH = "tmp????????"


class RunFolder:
    """The paths of one run; files are made by whoever writes them."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.versions = self.path / "versions.json"
        self.metrics = self.path / "metrics.csv"
        self.log = self.path / "train.log"
        self.tensorboard = self.path / "tensorboard"
        self.last = self.path / "last.keras"
        self.best = self.path / "best.keras"
        self.final = self.path / "final.keras"
        self.onnx = self.path / "model.onnx"
        self.report = self.path / "report"
        self.not_finite = self.path / "not-finite"

    @classmethod
    def create(cls, root: str | Path, config: Config, name: str | None = None) -> RunFolder:
        """Makes `root/<name>-NNN` with the next free number, and writes its configuration.

        No name means the preset's.
        """
        name = re.sub(r"[^\w.-]", "_", name or config.preset)
        parent = Path(root)
        run = cls(_new_folder(parent, name))
        write_text(run.config, dump_config(config))
        write_text(run.versions, json.dumps(installed_versions(config.train.seed), indent=2) + "\n")
        return run

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """An existing run, to be resumed.

        Raises:
            InputError: the folder has no configuration or no `last.keras`.
        """
        run = cls(path)
        for needed in (run.config, run.last):
            if not needed.is_file():
                raise InputError(
                    f"{run.path} cannot be resumed: it has no {needed.name}; begin a new run"
                )
        return run

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other trainings out of the folder (not on Windows) while the block runs.

        What a killed one left half written goes first.

        Raises:
            InputError: another one is at work in it, or it cannot be written.
        """
        with self._open_config() as stream:
            if not lock(stream):
                raise InputError(f"another training is writing into {self.path}")
            for pattern in (".*.partial*", _KERAS_SCRATCH):
                for half in filter(Path.is_file, self.path.glob(pattern)):
                    half.unlink(missing_ok=True)
            yield

    def _open_config(self) -> BinaryIO:
        try:
            return self.config.open("rb+")
        except OSError as error:
            raise InputError(f"cannot write into {self.path}: {error.strerror}") from error

    def load_config(self, overrides: list[str] | tuple[str, ...] = ()) -> Config:
        """The configuration that the run was started with."""
        return override_config(read_config(self.config), overrides)

    def config_to_resume(self, overrides: list[str] | tuple[str, ...] = ()) -> Config:
        """As `load_config`; only what `last.keras` does not hold already can be changed.

        Raises:
            InputError: a value of the model, its loss, its optimizer or the batches is another.
        """
        before, config = self.load_config(), self.load_config(overrides)
        changed = [
            key
            for key in _changed(before.model_dump(mode="json"), config.model_dump(mode="json"))
            if key.partition(".")[0] not in _OF_BATCHES and key not in _OF_THE_LOOP
        ]
        if changed:
            raise InputError(
                f"{self.path} goes on as it was begun, and cannot have another {changed[0]}: begin "
                f"a new run with --init {self.last}"
            )
        return config


def _changed(before: dict[str, Any], after: dict[str, Any], place: str = "") -> Iterator[str]:
    """The keys, as `train.epochs`, whose values differ."""
    for key in {**before, **after}:
        one, other = before.get(key), after.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _changed(one, other, f"{place}{key}.")
        elif one != other:
            yield f"{place}{key}"


def _new_folder(parent: Path, name: str) -> Path:
    """Makes the folder with the next free number; of two who ask at once each gets its own."""
    numbers = (path.name[len(name) + 1 :] for path in parent.glob(f"{name}-[0-9]*"))
    number = max((int(text) for text in numbers if text.isdecimal()), default=0)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            number += 1
            folder = parent / f"{name}-{number:03d}"
            # Where it is there all the same, another run was quicker.
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
    except OSError as error:
        raise InputError(f"cannot make a run folder in {parent}: {error.strerror}") from error


def installed_versions(seed: int) -> dict[str, str | int]:
    """What a run can only be repeated with: Python, packages, processor and seed."""
    versions: dict[str, str | int] = {"python": platform.python_version(), "seed": seed}
    versions["machine"] = platform.machine()
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions

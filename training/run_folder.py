"""A training run's folder: `runs/<preset>-NNN/` and what lies in it."""

from __future__ import annotations

import json
import platform
import re
from importlib import metadata
from pathlib import Path

from ..configs import Config, dump_config, override_config, read_config
from ..errors import InputError
from ..files import write_text

PACKAGES = (
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "torch",
    "numpy",
    "opencv-python-headless",
)


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

    @classmethod
    def create(cls, root: str | Path, config: Config, name: str | None = None) -> RunFolder:
        """Makes `root/<name>-NNN` with the next free number, and writes its configuration.

        No name means the preset's.
        """
        name = re.sub(r"[^\w.-]", "_", name or config.preset)
        parent = Path(root)
        taken = [int(p.name[len(name) + 1 :]) for p in parent.glob(f"{name}-[0-9][0-9][0-9]")]
        run = cls(parent / f"{name}-{max(taken, default=0) + 1:03d}")
        try:
            run.path.mkdir(parents=True)
        except OSError as error:
            raise InputError(f"cannot make the run folder {run.path}: {error.strerror}") from error
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
                raise InputError(f"{run.path} cannot be resumed: it has no {needed.name}")
        return run

    def load_config(self, overrides: list[str] | tuple[str, ...] = ()) -> Config:
        """The configuration that the run was started with."""
        return override_config(read_config(self.config), overrides)


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

"""The programs that run a model, behind one small interface and imported when asked for.

A new runtime is a file here with a class that has `card` and `run`, and a line in `_RUNTIMES`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from ...errors import InputError
from .base import Runtime, SingleThreaded

__all__ = ["Runtime", "SingleThreaded", "open_runtime", "runtime_names"]


class _Entry(NamedTuple):
    module: str
    class_name: str
    suffixes: tuple[str, ...]


_RUNTIMES = {
    "onnx": _Entry("onnx_runtime", "OnnxRuntime", (".onnx",)),
    "keras": _Entry("keras_runtime", "KerasRuntime", (".keras",)),
}


def runtime_names() -> tuple[str, ...]:
    """The names that `--runtime` takes."""
    return tuple(_RUNTIMES)


def open_runtime(path: Path, name: str | None = None, threads: int | None = None) -> Runtime:
    """Loads a model file into the runtime `name`, or into the one that its suffix calls for.

    Raises:
        InputError: no such file or runtime, a file that the runtime cannot run, or a missing
            package, with the extra that installs it.
    """
    if not path.is_file():
        raise InputError(f"there is no model file {path}")
    entry = _RUNTIMES[_choose(path, name)]
    if path.suffix.lower() not in entry.suffixes:
        raise InputError(f"runtime {name!r} runs {' '.join(entry.suffixes)} files, not {path.name}")
    module = import_module(f".{entry.module}", __package__)
    runtime: Runtime = getattr(module, entry.class_name)(path, threads)
    return runtime


def _choose(path: Path, name: str | None) -> str:
    if name is not None:
        if name not in _RUNTIMES:
            raise InputError(f"unknown runtime {name!r}; there are: {', '.join(_RUNTIMES)}")
        return name
    for candidate, entry in _RUNTIMES.items():
        if path.suffix.lower() in entry.suffixes:
            return candidate
    suffixes = " ".join(suffix for entry in _RUNTIMES.values() for suffix in entry.suffixes)
    raise InputError(f"cannot tell which runtime runs {path.name}; models end in {suffixes}")

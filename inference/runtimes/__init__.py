"""The programs that run a model, behind one small interface and imported when asked for.

A new runtime is a file here with a class that has `card` and `run`, and a line in `_RUNTIMES`.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from ...errors import InputError
from .base import Runtime, SingleThreaded, one_thread_of

# Since 1.31 ONNX Runtime notes each session in a data base in the user's cache folder and sends it
# to its makers. Read when it is imported; who wants it can set 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = ["Runtime", "SingleThreaded", "one_thread_of", "open_runtime", "runtime_names"]


class _Entry(NamedTuple):
    module: str
    class_name: str
    suffixes: tuple[str, ...]


_FOLDER = "a SavedModel's folder"
# A file runs in the first runtime that takes its suffix, unless another one is asked for.
_RUNTIMES = {
    "onnx": _Entry("onnx_runtime", "OnnxRuntime", (".onnx",)),
    "keras": _Entry("keras_runtime", "KerasRuntime", (".keras",)),
    "saved-model": _Entry("tensorflow_runtime", "SavedModelRuntime", (_FOLDER,)),
    "frozen-graph": _Entry("tensorflow_runtime", "FrozenGraphRuntime", (".pb",)),
    "litert": _Entry("litert_runtime", "LiteRtRuntime", (".tflite",)),
    "openvino": _Entry("openvino_runtime", "OpenVinoRuntime", (".xml", ".onnx")),
    "tensorrt": _Entry("tensorrt_runtime", "TensorRtRuntime", (".engine",)),
    "migraphx": _Entry("migraphx_runtime", "MiGraphXRuntime", (".mxr", ".onnx")),
}


def runtime_names() -> tuple[str, ...]:
    """The names that `--runtime` takes."""
    return tuple(_RUNTIMES)


def open_runtime(
    path: Path,
    name: str | None = None,
    threads: int | None = None,
    provider: str | None = None,
) -> Runtime:
    """Loads a model file into the runtime `name`, or into the one that its suffix calls for.

    Args:
        threads: of the processor; None lets the runtime choose.
        provider: of ONNX Runtime, what computes: a key of `onnx_providers.PROVIDERS`.

    Raises:
        InputError: no such file or runtime, a file that the runtime cannot run, or a missing
            package, with what installs it.
    """
    if not path.exists():
        raise InputError(f"there is no model file {path}")
    chosen = _choose(path, name)
    entry = _RUNTIMES[chosen]
    if _suffix(path) not in entry.suffixes:
        raise InputError(f"runtime {name!r} runs {' '.join(entry.suffixes)} files, not {path.name}")
    if provider is not None and chosen != "onnx":
        raise InputError(f"--provider belongs to the runtime onnx, not to {chosen}")
    module = import_module(f".{entry.module}", __package__)
    options = () if provider is None else (provider,)
    runtime: Runtime = getattr(module, entry.class_name)(path, threads, *options)
    return runtime


def _choose(path: Path, name: str | None) -> str:
    wanted = None if name is None else name.replace("_", "-")
    if wanted is not None:
        if wanted not in _RUNTIMES:
            raise InputError(f"unknown runtime {name!r}; there are: {', '.join(_RUNTIMES)}")
        return wanted
    for candidate, entry in _RUNTIMES.items():
        if _suffix(path) in entry.suffixes:
            return candidate
    suffixes = dict.fromkeys(suffix for entry in _RUNTIMES.values() for suffix in entry.suffixes)
    known = " ".join(suffix for suffix in suffixes if suffix != _FOLDER)
    raise InputError(
        f"cannot tell which runtime runs {path.name}; models end in {known} or are {_FOLDER}"
    )


def _suffix(path: Path) -> str:
    return _FOLDER if path.is_dir() else path.suffix.lower()

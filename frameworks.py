"""Importing frameworks and runtimes: late, quietly, and with a sentence where they are missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .errors import InputError

_BACKENDS = ("tensorflow", "jax", "torch")

POOLED_MEMORY = "TF_CPU_ALLOCATOR_USE_BFC"
"""TensorFlow's variable: whether it keeps the memory that tensors give back.

It does not by itself, and its generators tell malloc to return whatever is free (M_TRIM_THRESHOLD
128 kB): every step of a training then faults its maps in anew. The pool takes a third off the time
of the preset `student`, hardly any off `resnet18-position`'s (benchmarks/tensorflow_settings.py;
TensorFlow 2.21, two cores of an AMD EPYC with AVX2, 2026-11-27).
"""

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
"""TensorFlow's variable: whether oneDNN convolves.

Left alone, it does on processors with AVX512-VNNI and the like, and not on those with AVX2.
"""

TENSORFLOW_SETTINGS = {POOLED_MEMORY: "true", ONEDNN: "1"}
"""What is set before TensorFlow is imported here, unless the environment says otherwise."""


def import_keras(threads: int | None = None) -> Any:
    """Imports Keras on the first installed backend, quietly.

    Raises:
        InputError: Keras or every backend is missing; it names the extra that installs them.
    """
    backend = next((name for name in _BACKENDS if find_spec(name)), None)
    if find_spec("keras") is None or backend is None:
        raise InputError('this needs Keras and TensorFlow: pip install "chepai[train]"')
    if "keras" not in sys.modules:
        wanted = os.environ.setdefault("KERAS_BACKEND", backend)
        if wanted not in _BACKENDS:
            raise InputError(f"KERAS_BACKEND is one of {', '.join(_BACKENDS)}, not {wanted!r}")
    keras = _import_quietly("keras")
    if threads is not None and keras.backend.backend() == "tensorflow":
        _limit_tensorflow(threads)
    return keras


def import_tensorflow(threads: int | None = None) -> Any:
    """Imports TensorFlow, quietly.

    Raises:
        InputError: it is missing; it names the extra that installs it.
    """
    if find_spec("tensorflow") is None:
        raise InputError('this needs TensorFlow: pip install "chepai[train]"')
    tensorflow = _import_quietly("tensorflow")
    if threads is not None:
        _limit_tensorflow(threads)
    return tensorflow


def import_package(name: str, remedy: str) -> Any:
    """Imports a package that only some users have, or a module of it.

    Args:
        remedy: what brings it, as `pip install "chepai[openvino]"`.

    Raises:
        InputError: it is missing or cannot be loaded here.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "") in (package, name)
        reason = "" if missing else f" in working order ({str(error).splitlines()[0]})"
        raise InputError(f"this needs the package {package}{reason}: {remedy}") from error


def _import_quietly(name: str) -> Any:
    # Afterwards only child processes would have them, and compute otherwise than their parent.
    if "tensorflow" not in sys.modules:
        for variable, value in TENSORFLOW_SETTINGS.items():
            os.environ.setdefault(variable, value)
    if name not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with silent_stderr():
        return import_module(name)


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Drops what native code prints: TensorFlow's import greets whatever its log level says."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error to silence
        yield
        return
    try:
        sys.stderr.flush()
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def _limit_tensorflow(threads: int) -> None:
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        # TensorFlow has started with other numbers of threads and keeps them.
        return

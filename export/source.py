"""What an export starts from: a trained `.keras` file, or an `.onnx` file made of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from ..errors import InputError
from ..frameworks import import_package
from ..inference.model_card import ModelCard
from ..inference.runtimes import Runtime, open_runtime
from ..inference.runtimes.keras_model import as_float32, card_of, load_keras_model
from ..inference.runtimes.keras_runtime import LoadedKeras
from .onnx_graph import DEFAULT_OPSET, keras_to_onnx, set_batch

_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "tf2onnx", "onnx", "onnxruntime", "numpy")


class Source(Protocol):
    """A model to export, in float32."""

    card: ModelCard
    runtime: Runtime
    """What its exports are compared with."""

    def onnx(self, opset: int | None, batch: int | None) -> Any:
        """It as an onnx.ModelProto with its card; None: the opset by default, any batch."""

    def keras(self) -> Any:
        """It as a Keras model; InputError where it is none."""


def open_source(path: Path) -> Source:
    """The model in a file.

    Raises:
        InputError: no such file, or none to start from.
    """
    openers: dict[str, Callable[[Path], Source]] = {".keras": _open_keras, ".onnx": OnnxSource}
    if path.suffix.lower() not in openers or not path.is_file():
        raise InputError(
            f"export starts from a trained .keras file, or an .onnx file of chepai; {path} is none"
        )
    return openers[path.suffix.lower()](path)


class KerasSource:
    """A trained Keras model, on the TensorFlow backend.

    Args:
        model: as trained; in mixed precision, its float32 copy is exported.
        name: the model's name in its card.
    """

    def __init__(self, model: Any, name: str) -> None:
        self._model = as_float32(model)
        self.runtime: Runtime = LoadedKeras(self._model, name)
        self.card = replace(card_of(self._model, name), versions=_versions())

    def onnx(self, opset: int | None, batch: int | None) -> Any:
        """As `Source.onnx`."""
        return keras_to_onnx(self._model, self.card, opset or DEFAULT_OPSET, batch)

    def keras(self) -> Any:
        """The model."""
        return self._model


class OnnxSource:
    """An `.onnx` file of chepai in float32: other formats are made of it without TensorFlow."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.runtime = open_runtime(path)
        self.card = self.runtime.card
        if self.card.precision != "fp32":
            raise InputError(
                f"{path} computes in {self.card.precision}: export starts from float32 weights"
            )

    @cached_property
    def _stored(self) -> Any:
        return import_package("onnx", 'pip install "chepai[export]"').load(self._path)

    def onnx(self, opset: int | None, batch: int | None) -> Any:
        """As `Source.onnx`; it stays of its opset."""
        graph = type(self._stored)()
        graph.CopyFrom(self._stored)
        (held,) = [entry.version for entry in graph.opset_import if entry.domain in ("", "ai.onnx")]
        if opset not in (None, held):
            raise InputError(
                f"{self._path} is of opset {held}: another --opset starts from the .keras file"
            )
        fixed = graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value or None
        if fixed is not None and fixed != batch:
            raise InputError(
                f"{self._path} runs {fixed} pictures at a time: another --batch starts from a "
                "file of dynamic batch"
            )
        set_batch(graph, batch)
        return graph

    def keras(self) -> Any:
        """None of these."""
        raise InputError(f"this format is made of a trained .keras file, not of {self._path}")


def _open_keras(path: Path) -> KerasSource:
    return KerasSource(load_keras_model(path), path.stem)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found

"""TensorFlow, for the exports that its own programs run: SavedModels and frozen graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ...frameworks import import_tensorflow
from ..model_card import ModelCard
from ..sidecar import read_sidecar
from .base import cannot_load, check_interface
from .batches import in_batches


class SavedModelRuntime:
    """Runs a SavedModel by its signature `serving_default`.

    `path` is its folder, or the folder of versions that TensorFlow Serving takes: then the
    newest is run.
    """

    card: ModelCard

    def __init__(self, path: Path, threads: int | None = None) -> None:
        tf = import_tensorflow(threads)
        folder = newest_version(path)
        self.card = read_sidecar(folder)
        try:
            self._loaded = tf.saved_model.load(str(folder))
            self._function = self._loaded.signatures["serving_default"]
            shape = self._function.structured_input_signature[1]["image"].shape
        # TensorFlow raises whatever the damaged part raised.
        except Exception as error:
            raise cannot_load("TensorFlow", path, error) from error
        outputs = self._function.structured_outputs
        check_interface(path, self.card, shape, {head: o.shape[-1] for head, o in outputs.items()})
        self._batch = shape[0]
        self._constant = tf.constant

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """As `Runtime.run`."""
        return in_batches(self._run_once, images, self._batch)

    def _run_once(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        answers = self._function(image=self._constant(images))
        return {head: answers[head].numpy() for head in self.card.output_sizes}


class FrozenGraphRuntime:
    """Runs a frozen graph: input `image:0`, outputs named after the heads."""

    card: ModelCard

    def __init__(self, path: Path, threads: int | None = None) -> None:
        tf = import_tensorflow(threads)
        self.card = read_sidecar(path)
        try:
            self._function = _function_of(tf, path, self.card)
        # Protobuf's, or TensorFlow's of a name that the graph lacks.
        except Exception as error:
            raise cannot_load("TensorFlow", path, error) from error
        shape = self._function.inputs[0].shape
        widths = zip(self.card.output_sizes, self._function.outputs, strict=True)
        check_interface(path, self.card, shape, {head: o.shape[-1] for head, o in widths})
        self._batch = shape[0]
        self._constant = tf.constant

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """As `Runtime.run`."""
        return in_batches(self._run_once, images, self._batch)

    def _run_once(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        answers = self._function(self._constant(images))
        heads = self.card.output_sizes
        return {head: answer.numpy() for head, answer in zip(heads, answers, strict=True)}


def newest_version(path: Path) -> Path:
    """The SavedModel in a folder: the folder itself, or its highest numbered version.

    Raises:
        InputError: there is none.
    """
    if (path / "saved_model.pb").is_file():
        return path
    versions = [
        entry
        for entry in path.iterdir()
        if entry.name.isdigit() and (entry / "saved_model.pb").is_file()
    ]
    if not versions:
        raise InputError(f"{path} holds no SavedModel, nor numbered versions of one")
    return max(versions, key=lambda entry: int(entry.name))


def _function_of(tf: Any, path: Path, card: ModelCard) -> Any:
    """The graph as a function of the pictures that gives the heads in the schema's order."""
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(path.read_bytes())

    def run() -> None:
        tf.compat.v1.import_graph_def(graph, name="")

    wrapped = tf.compat.v1.wrap_function(run, [])
    find = wrapped.graph.as_graph_element
    return wrapped.prune(find("image:0"), [find(f"{head}:0") for head in card.output_sizes])

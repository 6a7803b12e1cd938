"""A trained model as an ONNX file that reads plates by itself, proven against its source."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..files import atomic_path
from ..inference.model_card import METADATA_KEY, ModelCard
from ..inference.runtimes.keras_model import as_float32, card_of
from .comparison import TOLERANCE, largest_difference, sample_pictures

DEFAULT_OPSET = 17
# From 18 on global pooling becomes two slower operators; beyond it tf2onnx refuses or errs.
OPSETS = range(13, 19)
_PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "tf2onnx", "onnx", "onnxruntime", "numpy")


@dataclass(frozen=True)
class ExportResult:
    """A file that was written and proven.

    Attributes:
        path: the file.
        difference: the largest difference of a probability from the source model's.
        pictures: how many pictures it was compared on.
        size: bytes.
    """

    path: Path
    difference: float
    pictures: int
    size: int


def export_onnx(
    model: Any,
    path: str | Path,
    opset: int = DEFAULT_OPSET,
    batch: int | str = "dynamic",
    name: str | None = None,
) -> ExportResult:
    """Writes `model` to `path` as ONNX: input `image` uint8 [batch, h, w, 3], a head an output.

    The file carries the model's card. It stands at `path` only after onnx.checker and a run in
    ONNX Runtime on random and rendered pictures found it right.

    Args:
        model: a Keras model of chepai, on the TensorFlow backend.
        opset: of the ONNX operators, 13 to 18.
        batch: `dynamic`, or the number of pictures that every run will have.
        name: the model's name in its card; None takes the file's.

    Raises:
        InputError: a wrong option, a missing package, or a file that differs from its source.
    """
    path = Path(path)
    size = _check_options(path, opset, batch)
    model = as_float32(model)
    graph = _convert(model, opset, size)
    card = replace(card_of(model, name or path.stem), versions=_versions())
    _finish(graph, card, size)
    with atomic_path(path) as temporary:
        temporary.write_bytes(graph.SerializeToString())
        pictures = sample_pictures(card.height, card.width)
        difference = _prove(model, temporary, path, pictures)
    return ExportResult(path, difference, len(pictures), path.stat().st_size)


def _check_options(path: Path, opset: int, batch: int | str) -> int | None:
    if path.suffix.lower() != ".onnx":
        raise InputError(f"an ONNX file ends in .onnx; received {path}")
    if opset not in OPSETS:
        raise InputError(f"--opset is {OPSETS[0]} to {OPSETS[-1]}; received {opset}")
    if batch == "dynamic":
        return None
    if not isinstance(batch, int) or batch < 1:
        raise InputError(f"--batch is dynamic or a whole number of at least 1; received {batch!r}")
    return batch


def _convert(model: Any, opset: int, size: int | None) -> Any:
    """The model as an ONNX ModelProto with outputs named after its heads."""
    import keras

    if keras.backend.backend() != "tensorflow":
        raise InputError("the ONNX export runs on TensorFlow: set KERAS_BACKEND=tensorflow")
    import tensorflow as tf

    try:
        with _quiet():
            import tf2onnx
    except ImportError as error:
        raise InputError('the ONNX export needs tf2onnx: pip install "chepai[train]"') from error
    signature = [tf.TensorSpec((size, *model.input_shape[1:]), tf.uint8, name="image")]

    @tf.function(input_signature=signature)
    def run(image: Any) -> Any:
        outputs = model(image, training=False)
        return {head: tf.cast(values, tf.float32) for head, values in outputs.items()}

    with _quiet():
        graph, _ = tf2onnx.convert.from_function(run, input_signature=signature, opset=opset)
    return graph


def _finish(graph: Any, card: ModelCard, size: int | None) -> None:
    """Puts the heads into the schema's order, names the batch dimension and adds the card."""
    import onnx

    outputs = {output.name: output for output in graph.graph.output}
    missing = set(card.output_sizes) ^ set(outputs)
    if missing:
        raise InputError(f"the model's outputs are not those of its family: {sorted(missing)}")
    ordered = [outputs[head] for head in card.output_sizes]
    del graph.graph.output[:]
    graph.graph.output.extend(ordered)
    for value in (*graph.graph.input, *graph.graph.output):
        dimension = value.type.tensor_type.shape.dim[0]
        if size is None:
            dimension.dim_param = "batch"
        else:
            dimension.dim_value = size
    # Shapes of inner values name the batch differently and would contradict `batch`.
    del graph.graph.value_info[:]
    graph.producer_name = "chepai"
    onnx.helper.set_model_props(graph, {METADATA_KEY: card.to_json()})


def _prove(model: Any, file: Path, path: Path, pictures: npt.NDArray[np.uint8]) -> float:
    """Checks the file's structure and its answers; returns the largest difference."""
    import onnx

    try:
        onnx.checker.check_model(str(file), full_check=True)
        difference = largest_difference(model, file, pictures)
    # Each of the two has exceptions of its own without a common base.
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"the exported {path.name} is no valid ONNX file: {reason}") from error
    if not difference <= TOLERANCE:
        raise InputError(
            f"the exported {path.name} differs from its source by {difference:.2g} in a "
            f"probability, more than {TOLERANCE:g}; it was not kept"
        )
    return difference


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences tf2onnx, which tells of every rewrite, and TensorFlow's log of the tracing."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logger = logging.getLogger("tf2onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)

"""A trained model as an ONNX graph: input `image` uint8 [batch, h, w, 3], a head an output."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import InputError
from ..inference.model_card import METADATA_KEY, ModelCard

DEFAULT_OPSET = 17
# Strided shortcuts need 10, and beyond 18 tf2onnx refuses; in 18 global pooling becomes two slower
# operators.
OPSETS = range(10, 19)


def keras_to_onnx(model: Any, card: ModelCard, opset: int, batch: int | None) -> Any:
    """The Keras model as an onnx.ModelProto that carries its card.

    Args:
        model: of chepai, in float32, on the TensorFlow backend.
        opset: of the ONNX operators, one of `OPSETS`.
        batch: the number of pictures that every run will have; None: any.

    Raises:
        InputError: an opset that does not hold, another backend, or a missing package.
    """
    if opset not in OPSETS:
        raise InputError(f"--opset is {OPSETS[0]} to {OPSETS[-1]}; received {opset}")
    graph = _convert(model, opset, batch)
    _order_outputs(graph, card)
    set_batch(graph, batch)
    set_card(graph, card)
    return graph


def set_card(graph: Any, card: ModelCard) -> None:
    """Puts the card into an onnx.ModelProto, in place of the one that it has."""
    import onnx

    held = {entry.key: entry.value for entry in graph.metadata_props}
    onnx.helper.set_model_props(graph, held | {METADATA_KEY: card.to_json()})
    graph.producer_name = "chepai"


def set_batch(graph: Any, batch: int | None) -> None:
    """Fixes the number of pictures of an onnx.ModelProto, or sets it free."""
    for value in (*graph.graph.input, *graph.graph.output):
        dimension = value.type.tensor_type.shape.dim[0]
        if batch is None:
            dimension.dim_param = "batch"
        else:
            dimension.dim_value = batch
    # Shapes of inner values name the batch differently and would contradict `batch`.
    del graph.graph.value_info[:]


def _convert(model: Any, opset: int, batch: int | None) -> Any:
    import keras

    if keras.backend.backend() != "tensorflow":
        raise InputError("the ONNX export runs on TensorFlow: set KERAS_BACKEND=tensorflow")
    import tensorflow as tf

    try:
        with _quiet():
            import tf2onnx
    except ImportError as error:
        raise InputError('the ONNX export needs tf2onnx: pip install "chepai[train]"') from error
    signature = [tf.TensorSpec((batch, *model.input_shape[1:]), tf.uint8, name="image")]

    @tf.function(input_signature=signature)
    def run(image: Any) -> Any:
        outputs = model(image, training=False)
        return {head: tf.cast(values, tf.float32) for head, values in outputs.items()}

    with _quiet():
        graph, _ = tf2onnx.convert.from_function(run, input_signature=signature, opset=opset)
    return graph


def _order_outputs(graph: Any, card: ModelCard) -> None:
    """Puts the outputs into the card's order."""
    outputs = {output.name: output for output in graph.graph.output}
    missing = set(card.output_sizes) ^ set(outputs)
    if missing:
        raise InputError(f"the model's outputs are not those of its family: {sorted(missing)}")
    ordered = [outputs[name] for name in card.output_sizes]
    del graph.graph.output[:]
    graph.graph.output.extend(ordered)


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

"""Follows the channels of a Keras model through its graph."""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras

from ...errors import InputError
from .book import Book, Flow
from .channels import ChannelGraph
from .rules import Call, follow


def trace(model: keras.Model) -> ChannelGraph:
    """The channels of a functional model.

    Raises:
        InputError: the model is not functional, or none of its channels can be removed.
    """
    if not hasattr(model, "_nodes_by_depth"):
        raise InputError(f"{model.name} cannot be slimmed: it is no functional Keras model")
    book = Book()
    flows: dict[int, Flow] = {}
    nodes = [node for depth in _from_the_input(model) for node in model._nodes_by_depth[depth]]
    uses = Counter(id(node.operation) for node in nodes)
    for node in nodes:
        received = [flows[id(tensor)] for tensor in node.input_tensors]
        # A layer that is used twice would have two sets of channels along one weight.
        shared = uses[id(node.operation)] > 1 and bool(getattr(node.operation, "weights", ()))
        given = follow(_call_of(node, book, received, known=not shared))
        flows |= {id(t): flow for t, flow in zip(node.output_tensors, given, strict=True)}
    for tensor in model.outputs:
        book.pin(flows[id(tensor)].ids)
    graph = book.finish()
    if not graph.removable.any():
        raise InputError(
            f"{model.name} cannot be slimmed: none of its channels passes a batch normalisation "
            "that could silence it before something else reads it"
        )
    return graph


def _from_the_input(model: Any) -> list[int]:
    # Keras offers a model's nodes by no public name; its own `clone_model` reads these too.
    return sorted(model._nodes_by_depth, reverse=True)


def _call_of(node: Any, book: Book, flows: list[Flow], known: bool) -> Call:
    arguments = node.arguments
    key = arguments.kwargs.get("key", arguments.args[1] if len(arguments.args) > 1 else ())
    return Call(
        book,
        node.operation if known else None,
        flows,
        key,
        [tuple(tensor.shape) for tensor in node.input_tensors],
        [tuple(tensor.shape) for tensor in node.output_tensors],
    )

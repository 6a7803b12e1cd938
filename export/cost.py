"""What a model costs: parameters and multiplications."""

from __future__ import annotations

from math import prod
from typing import Any


def multiply_adds(model: Any) -> int:
    """Multiply-accumulate operations of one picture: products of weights with values.

    Counted are convolutions, dense layers, recurrent layers and whatever else has a `kernel`; a
    layer with a method `multiply_adds() -> int` counts for itself. Not counted are normalisations,
    activations and products of values with values.

    Args:
        model: a functional Keras model with a fixed input size.
    """
    return sum(layer_multiply_adds(model).values())


def layer_multiply_adds(model: Any) -> dict[str, int]:
    """What `multiply_adds` counts, by the layers' names."""
    return {layer.name: _layer_macs(layer) for layer in model.layers}


def _layer_macs(layer: Any) -> int:
    if hasattr(layer, "multiply_adds"):
        return layer.multiply_adds()
    kernels = [variable.shape for variable in layer.weights if variable.name.endswith("kernel")]
    if not kernels:
        return 0
    return sum(map(prod, kernels)) * _positions(layer)


def _positions(layer: Any) -> int:
    """How often a layer's kernels are applied to one picture."""
    if hasattr(layer, "kernel_size"):
        # A convolution applies its kernel once for each position that it puts out.
        return prod(layer.output.shape[1:-1])
    return prod(layer.input.shape[1:-1])

"""A network of convolutions in factors begins as a trained one whose convolutions are whole.

The channels that a convolution reads, and those that it makes, move together: a few combinations of
them hold nearly all that the normalisation behind it sees. The factors (`low_rank.py`)
look for these combinations in the layers' answers, not in the kernels alone, after Zhang et al.,
Accelerating Very Deep Convolutional Networks, 2015, https://arxiv.org/abs/1505.06798.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from .low_rank import CORE, REDUCE

Array = npt.NDArray[np.float64]

_CONV, _NORM = "_conv", "_bn"
_BATCH = 32
_LEAST = 1e-6  # of a variance's mean, and of a scale: what is dark must not be divided by


def has_factors(model: keras.Model) -> bool:
    """Whether any convolution of the model is in factors."""
    return any(layer.name.endswith(REDUCE) for layer in model.layers)


def take_factors(model: keras.Model, source: keras.Model, pictures: npt.NDArray[np.uint8]) -> int:
    """Sets the factors of `model` to answer as nearly as they can like the layers of `source`.

    From the first layer to the last: what a convolution reads is what `model` makes of the
    pictures so far, what it should put out is what `source` does. The mean and variance behind it
    become those of the new answers. Other weights must have been taken over before.

    Args:
        model: with convolutions in factors; changed.
        source: the same network with whole convolutions, trained.
        pictures: uint8 RGB `[count, height, width, 3]`, such as the network reads.

    Returns:
        How many convolutions of `source` were taken over.
    """
    pairs = list(_pairs(model, source))
    for whole, name in pairs:
        _take(model, source, whole, name, pictures)
    return len(pairs)


def _pairs(model: keras.Model, source: keras.Model) -> Iterator[tuple[keras.Layer, str]]:
    """The whole convolutions that `model` has in factors, in order, and their names' beginnings."""
    held = {layer.name: layer for layer in model.layers}
    own = {layer.name for layer in source.layers}
    for layer in source.layers:
        name = layer.name.removesuffix(_CONV)
        reduce = held.get(name + REDUCE)
        if reduce is None or reduce.name in own:
            continue
        widths = (reduce.kernel.shape[-2], held[layer.name].filters)
        if widths == (layer.input.shape[-1], layer.filters):
            yield layer, name


def _take(
    model: keras.Model,
    source: keras.Model,
    whole: keras.Layer,
    name: str,
    pictures: npt.NDArray[np.uint8],
) -> None:
    """The factors of one convolution, and what is normalised behind them."""
    reduce, last = model.get_layer(name + REDUCE), model.get_layer(name + _CONV)
    scale = _scale(source.get_layer(name + _NORM))
    kernel = np.asarray(whole.get_weights()[0], np.float64) * scale
    read = answers(model, _map_read(reduce), pictures)
    into, rebuilt = input_factor(kernel, read.T @ read / len(read), reduce.filters)
    core = np.einsum("hwio,ir->hwro", kernel, rebuilt)
    reduce.kernel.assign(into[None, None])
    if kernel.shape[:2] == (1, 1):
        last.kernel.assign(core / scale)
    else:
        middle = model.get_layer(name + CORE)
        basis = output_factor(answers(source, whole.output, pictures) * scale, middle.filters)
        middle.set_weights([core @ basis])
        last.kernel.assign(basis.T[None, None] / scale)
    _normalise(model.get_layer(name + _NORM), answers(model, last.output, pictures))


def _map_read(layer: keras.Layer) -> keras.KerasTensor:
    """The map that a convolution reads, with or without gates beside it."""
    return layer.input[0] if isinstance(layer.input, list) else layer.input


def input_factor(kernel: Array, moments: Array, rank: int) -> tuple[Array, Array]:
    """The combinations of channels from which the kernel's answers are rebuilt best.

    Args:
        kernel: `[height, width, in, out]`.
        moments: `[in, in]`, the mean of x x^T over all positions of what the kernel reads.
        rank: how many combinations.

    Returns:
        into, rebuilt: `[in, rank]` each; of the positions x, `rebuilt @ into.T @ x` stands in for
        x. Over positions that do not know of one another no other such pair is nearer to the
        kernel's answers (Eckart and Young 1936).
    """
    count = len(moments)
    ridge = _LEAST * np.trace(moments) / count * np.eye(count)
    root = np.linalg.cholesky(moments + ridge)
    seen = np.moveaxis(kernel, 2, 3).reshape(-1, count) @ root
    directions = np.linalg.svd(seen, full_matrices=False)[2][:rank].T
    return np.linalg.solve(root.T, directions), root @ directions


def output_factor(answered: Array, rank: int) -> Array:
    """The principal directions of answers `[positions, out]`: orthonormal, `[out, rank]`."""
    _, directions = np.linalg.eigh(np.cov(answered, rowvar=False))
    return directions[:, ::-1][:, :rank]


def answers(
    model: keras.Model, tensor: keras.KerasTensor, pictures: npt.NDArray[np.uint8]
) -> Array:
    """What the model has at `tensor`, a map, at all positions: float64 `[positions, channels]`."""
    part = keras.Model(model.input, tensor)
    batches = (pictures[at : at + _BATCH] for at in range(0, len(pictures), _BATCH))
    maps = [ops.cast(part(batch, training=False), "float32") for batch in batches]
    rows = [ops.convert_to_numpy(each).reshape(-1, tensor.shape[-1]) for each in maps]
    return np.concatenate(rows).astype(np.float64)


def _scale(norm: keras.Layer) -> Array:
    """What a normalisation multiplies by: the weight that an error has behind it; never 0."""
    gamma, _, _, variance = (np.asarray(each, np.float64) for each in norm.get_weights())
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return np.where(np.abs(scale) < _LEAST, _LEAST, scale)


def _normalise(norm: keras.Layer, answered: Array) -> None:
    gamma, beta, _, _ = norm.get_weights()
    norm.set_weights([gamma, beta, answered.mean(0), answered.var(0)])

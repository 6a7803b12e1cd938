"""Convolutions in factors: a narrow one between two of 1x1, which a wide network's can become.

Reference: Kim et al., Compression of Deep Convolutional Neural Networks for Fast and Low Power
Mobile Applications, 2016, https://arxiv.org/abs/1511.06530
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import keras

from .base import LayerStyle, Size, as_pair, l2, skipped
from .mixed_kernels import MixedKernelConv1x1, gates

REDUCE, CORE = "_reduce", "_core"
"""How the names of the factors before the last one end; the last is the `_conv` of `conv_norm`."""


class ConvNorm(Protocol):
    """`LayerStyle.conv_norm`, or what stands in its place."""

    def __call__(
        self,
        x: keras.KerasTensor,
        filters: int,
        kernel: Size = 3,
        strides: Size = 1,
        *,
        name: str,
    ) -> keras.KerasTensor:
        """`[batch, h, w, c]` to `[batch, ceil(h / stride), ceil(w / stride), filters]`."""


def conv_norm_of(style: LayerStyle, rank: tuple[int, int] | None, mixed: int = 0) -> ConvNorm:
    """A stage's convolutions with their normalisations: whole, or in factors.

        conv1x1 to rank[0] channels - conv3x3, stride, to rank[1] - conv1x1 - BN

    Nothing is normalised or activated between the factors, so that their product is one
    convolution, of a kernel whose unfoldings have these ranks. One of 1x1 has two factors:

        conv1x1, stride, to rank[0] channels - conv1x1 - BN

    Args:
        style: the defaults of convolutions and normalisations.
        rank: channels that the 3x3 convolution reads and makes, at most those that are there;
            None: it stays whole.
        mixed: from how many differences each picture's 1x1 kernels are mixed (`mixed_kernels.py`).
    """
    if rank is None:
        return style.conv_norm
    into, out = rank

    def low_rank_conv_norm(
        x: keras.KerasTensor, filters: int, kernel: Size = 3, strides: Size = 1, *, name: str
    ) -> keras.KerasTensor:
        narrow = min(into, x.shape[-1])
        shares = gates(x, mixed, style, name) if mixed else None
        pointwise = as_pair("kernel", kernel) == (1, 1)
        if pointwise:
            x = skipped(x, as_pair("strides", strides))
        x = _conv1x1(x, shares, narrow, style, name + REDUCE)
        if not pointwise:
            x = style.conv(x, min(out, filters), kernel, strides, name=name + CORE)
        x = _conv1x1(x, shares, filters, style, name + "_conv")
        return style.norm(x, name=name + "_bn")

    return low_rank_conv_norm


def _conv1x1(
    x: keras.KerasTensor,
    shares: keras.KerasTensor | None,
    filters: int,
    style: LayerStyle,
    name: str,
) -> keras.KerasTensor:
    if shares is None:
        return style.conv(x, filters, 1, name=name)
    own = MixedKernelConv1x1(filters, kernel_regularizer=l2(style.conv_decay), name=name)
    return own([x, shares])


def stage_ranks(values: Sequence[Size] | None, count: int) -> tuple[tuple[int, int] | None, ...]:
    """Checks an option that holds a rank, or (into, out) of the 3x3 convolution, for each stage.

    Raises:
        ValueError: another number of values, or neither integers nor pairs.
    """
    if values is None:
        return (None,) * count
    if not isinstance(values, (list, tuple)) or len(values) != count:
        raise ValueError(f"ranks wants {count} values. Received: {values!r}")
    return tuple(as_pair("ranks", value) for value in values)


def check_mixed_kernels(count: int, ranks: Sequence[Size] | None) -> None:
    """Checks the option of how many kernels are mixed.

    Raises:
        ValueError: no integer from 0 on, or there are no factors whose kernels could be mixed.
    """
    if not isinstance(count, int) or count < 0:
        raise ValueError(f"mixed_kernels wants an integer from 0 on. Received: {count!r}")
    if count and ranks is None:
        raise ValueError("mixed_kernels wants ranks: only convolutions in factors have them")

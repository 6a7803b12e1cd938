"""A softmax for each head, over characters whose looks all heads learn together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import initializers, layers, ops

from ..backbone.base import DENSE_STDDEV


@keras.saving.register_keras_serializable(package="chepai")
class CharacterSoftmax(layers.Layer):
    """A softmax for each of several heads; what a character looks like is learned once for all.

    A head's kernel is the shared kernel's columns of its classes plus a kernel of its own, which
    begins at zero. So a head reads at once what others have learned, such as the rare province on
    third place, and its attention only has to find it. In float32 whatever the model's precision.

    Args:
        classes: of each head, in order; None for a spare class.
    """

    def __init__(self, classes: Sequence[Sequence[str | None]], **kwargs: Any) -> None:
        super().__init__(dtype="float32", **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.classes = tuple(tuple(head) for head in classes)
        self.alphabet = tuple(dict.fromkeys(name for head in classes for name in head if name))

    def build(self, input_shape: Sequence[tuple[int, ...]]) -> None:
        """Makes the weights for one view `[batch, channels]` a head."""
        channels = input_shape[0][-1]
        self.shared = self.add_weight(
            shape=(channels, len(self.alphabet)),
            initializer=initializers.RandomNormal(stddev=DENSE_STDDEV),
            name="shared",
        )
        self.own = [
            self.add_weight(shape=(channels, len(head)), initializer="zeros", name=f"{i}_kernel")
            for i, head in enumerate(self.classes)
        ]
        self.biases = [
            self.add_weight(shape=(len(head),), initializer="zeros", name=f"{i}_bias")
            for i, head in enumerate(self.classes)
        ]
        # Products with ones and zeros: gathering's gradient is not deterministic everywhere.
        self._chosen = [
            np.array([[one == name for one in head] for name in self.alphabet], np.float32)
            for head in self.classes
        ]

    def call(self, views: Sequence[keras.KerasTensor]) -> list[keras.KerasTensor]:
        """One `[batch, channels]` a head to one `[batch, classes]` a head."""
        outputs = []
        for view, chosen, (_, own, bias) in zip(views, self._chosen, self._by_head(), strict=True):
            kernel = ops.matmul(self.shared, chosen) + own
            outputs.append(ops.softmax(ops.matmul(view, kernel) + bias))
        return outputs

    def take_over(self, source: keras.Layer) -> bool:
        """Begins with what `source` knows of the same characters, wherever they stand in a schema.

        Returns False, and takes nothing, where `source` is of another kind or width.
        """
        if (
            not isinstance(source, CharacterSoftmax)
            or source.shared.shape[0] != self.shared.shape[0]
        ):
            return False
        _copy_columns(source.shared, source.alphabet, self.shared, self.alphabet)
        pairs = zip(self._by_head(), source._by_head(), strict=False)
        for (names, own, bias), (known_names, known_own, known_bias) in pairs:
            _copy_columns(known_own, known_names, own, names)
            _copy_columns(known_bias, known_names, bias, names)
        return True

    def _by_head(self) -> Iterator[tuple[Sequence[str | None], keras.Variable, keras.Variable]]:
        return zip(self.classes, self.own, self.biases, strict=True)

    def multiply_adds(self) -> int:
        """One kernel a head: shared and own are added once for all pictures."""
        return sum(math.prod(own.shape) for own in self.own)

    def compute_output_shape(
        self, input_shape: Sequence[tuple[int | None, ...]]
    ) -> list[tuple[int | None, ...]]:
        """One `(batch, classes)` for each head."""
        return [
            (shape[0], len(head)) for shape, head in zip(input_shape, self.classes, strict=True)
        ]

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "classes": [list(head) for head in self.classes]}


def _copy_columns(
    source: keras.Variable,
    source_names: Sequence[str | None],
    target: keras.Variable,
    target_names: Sequence[str | None],
) -> None:
    """Values of the names that both have, from the last axis of one to that of the other."""
    values, known = np.array(target), np.array(source)
    for column, name in enumerate(target_names):
        if name is not None and name in source_names:
            values[..., column] = known[..., source_names.index(name)]
    target.assign(values)

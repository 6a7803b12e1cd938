"""What a loss remembers from batch to batch."""

from __future__ import annotations

from collections.abc import Sequence

import keras


class LossMemory(keras.layers.Layer):
    """Running figures of the batches so far, from which a loss weighs the rows of the next.

    A Keras loss cannot own variables that are saved, so the model owns its memories: they lie in
    `.keras` files, and a resumed training goes on with them.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name, dtype="float32", trainable=False)
        self.built = True

    def add_state(self, shape: tuple[int, ...], name: str) -> keras.Variable:
        """A float32 variable of zeros, which every device changes alike."""
        return self.add_weight(
            shape=shape,
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name=name,
        )

    def row_weights(
        self,
        labels: keras.KerasTensor,
        probabilities: Sequence[keras.KerasTensor],
        training: bool,
    ) -> keras.KerasTensor:
        """float32 `[batch, heads]`, any finite number where a label is negative.

        Args:
            labels: int32 `[batch, heads]`, negative where masked.
            probabilities: float32 `[batch, width]` of each head.
            training: whether this batch is to be remembered, itself included.
        """
        raise NotImplementedError

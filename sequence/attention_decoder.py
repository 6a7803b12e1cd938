"""A decoder that looks at the columns and writes one character after the other.

Reference: Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473, as in Baek et al. 2019.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers, ops

from .parts import freeze_parts
from .tokens import END


@keras.saving.register_keras_serializable(package="chepai")
class AttentionDecoder(layers.Layer):
    """Logits of a text by greedy decoding: each step is told the likeliest class of the last one.

    The number of steps is fixed, so that the layer exports. Weights in float32 as the logits are;
    the columns' map and the LSTM have as many units as a column has channels.

    Args:
        classes: the end, the characters, and last what stands before the first of them.
        steps: characters that are written, the end with them.
    """

    def __init__(self, classes: int, steps: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.classes = classes
        self.steps = steps
        self.begin = classes - 1

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for columns `[batch, columns, channels]`."""
        _, columns, channels = input_shape
        assert columns is not None and channels is not None
        # Parts take the process's precision if they are not told: in mixed ones that is no float32.
        own = {"dtype": self.dtype_policy}
        columns_map = layers.Dense(channels, use_bias=False, **own)
        self.columns_map = self._made(columns_map, "columns", input_shape)
        self.state_map = self._made(layers.Dense(channels, **own), "state", (None, channels))
        score = layers.Dense(1, use_bias=False, **own)
        self.score = self._made(score, "score", (None, columns, channels))
        cell = layers.LSTMCell(channels, **own)
        self.cell = self._made(cell, "cell", (None, channels + self.classes))
        generator = layers.Dense(self.classes, **own)
        self.generator = self._made(generator, "generator", (None, channels))
        freeze_parts(self)

    def _made(self, layer: layers.Layer, name: str, shape: tuple[int | None, ...]) -> Any:
        layer.name = name
        layer.build(shape)
        return layer

    def call(self, columns: keras.KerasTensor) -> keras.KerasTensor:
        """`[batch, columns, channels]` to logits `[batch, steps, classes]`, by greedy decoding."""
        return self._decode(columns, None)

    def teach(self, columns: keras.KerasTensor, tokens: keras.KerasTensor) -> keras.KerasTensor:
        """The same where each step is told the true class of the last one.

        Args:
            columns: as of `call`.
            tokens: int32 `[batch, steps - 1]`; an unknown one (-1) tells nothing.
        """
        return self._decode(ops.cast(columns, "float32"), tokens)

    def _decode(
        self, columns: keras.KerasTensor, tokens: keras.KerasTensor | None
    ) -> keras.KerasTensor:
        mapped = self.columns_map(columns)
        state = ops.zeros_like(columns[:, 0])
        states = [state, state]
        told = self._begin(columns)
        logits = []
        for step in range(self.steps):
            states = self._step(columns, mapped, states, told)
            logits.append(self.generator(states[0]))
            if tokens is None:
                told = _likeliest(logits[-1])
            elif step < self.steps - 1:
                told = ops.one_hot(tokens[:, step], self.classes, dtype="float32")
        return ops.stack(logits, axis=1)

    def _begin(self, columns: keras.KerasTensor) -> keras.KerasTensor:
        """float32 `[batch, classes]`: what stands before the first character."""
        row = [float(number == self.begin) for number in range(self.classes)]
        return ops.zeros_like(columns[:, 0, :1]) + ops.convert_to_tensor([row], dtype="float32")

    def _step(
        self,
        columns: keras.KerasTensor,
        mapped: keras.KerasTensor,
        states: list[keras.KerasTensor],
        told: keras.KerasTensor,
    ) -> list[keras.KerasTensor]:
        """The LSTM's next states, from what is looked at and from the class before."""
        asked = ops.expand_dims(self.state_map(states[0]), 1)
        weights = ops.softmax(self.score(ops.tanh(mapped + asked)), axis=1)
        seen = ops.sum(weights * columns, axis=1)
        _, new = self.cell(ops.concatenate([seen, told], axis=-1), states)
        return list(new)

    def multiply_adds(self) -> int:
        """The columns' map once for each column; all else once a step, the score a column too."""
        columns = self.input.shape[1]
        once = columns * math.prod(self.columns_map.kernel.shape)
        step = columns * math.prod(self.score.kernel.shape)
        parts = (self.state_map.kernel, self.cell.kernel, self.cell.recurrent_kernel)
        step += sum(math.prod(kernel.shape) for kernel in (*parts, self.generator.kernel))
        return once + self.steps * step

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """`(batch, steps, classes)`."""
        return (input_shape[0], self.steps, self.classes)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        return {**super().get_config(), "classes": self.classes, "steps": self.steps}


def _likeliest(logits: keras.KerasTensor) -> keras.KerasTensor:
    """Of logits `[batch, classes]` 1 at the largest, float32; Keras's `argmax` does not export."""
    return ops.cast(logits == ops.max(logits, axis=-1, keepdims=True), "float32")


@keras.saving.register_keras_serializable(package="chepai")
class DecodedHeads(layers.Layer):
    """What a decoder wrote as the schema's heads have it: a softmax for each character, a length.

    A text has n characters as probably as the n + 1st step ends it and none before does. A
    character's classes are those of its head; what the decoder gives to others is missing from
    their sum, and so is a length that no plate has.

    Args:
        characters: of each character head the decoder's classes, -1 for a spare class.
        lengths: how many characters each class of the length head means; 0: no plate. Empty: the
            schema has no such head.
    """

    def __init__(self, characters: list[list[int]], lengths: list[int], **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.characters = [list(head) for head in characters]
        self.lengths = list(lengths)

    def call(self, logits: keras.KerasTensor) -> list[keras.KerasTensor]:
        """Logits `[batch, steps, classes]` to `[batch, width]` for each head, the length last."""
        probabilities = ops.softmax(logits, axis=-1)
        outputs = []
        for step, head in enumerate(self.characters):
            columns = ops.take(probabilities[:, step], [max(0, one) for one in head], axis=1)
            outputs.append(columns * ops.convert_to_tensor([float(one >= 0) for one in head]))
        if self.lengths:
            outputs.append(self._lengths_of(probabilities[:, :, END]))
        return outputs

    def _lengths_of(self, ends: keras.KerasTensor) -> keras.KerasTensor:
        """float32 `[batch, lengths]` of the probabilities `[batch, steps]` that the text ends."""
        goes_on = ops.ones_like(ends[:, 0])
        by_length = []
        for step in range(ends.shape[1]):
            by_length.append(goes_on * ends[:, step])
            goes_on = goes_on * (1.0 - ends[:, step])
        return ops.stack([by_length[length] for length in self.lengths], axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """One `(batch, width)` each."""
        widths = [len(head) for head in self.characters]
        return [(input_shape[0], w) for w in widths + [len(self.lengths)] * bool(self.lengths)]

    def get_config(self) -> dict[str, Any]:
        """What rebuilds the layer."""
        own = {"characters": self.characters, "lengths": self.lengths}
        return {**super().get_config(), **own}

"""What is shown while a recogniser of columns trains: whole plates, characters, other heads."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from ..plate.alphabet import TEXT
from ..plate.schema import LabelSchema
from .tokens import END, Tokens


class CTCMetrics(keras.metrics.Metric):
    """Shares of right answers by greedy decoding, since a reset.

    `plate_accuracy`: plates whose text is right, of those whose text is wholly known; pictures
    without a whole plate are not counted. `char_accuracy`: characters at their place. `acc_<head>`:
    the heads beside the text, of their valid labels.

    Args:
        schema: whose heads the labels' columns are.
    """

    def __init__(self, schema: LabelSchema, name: str = "plates") -> None:
        super().__init__(name=name)
        self._tokens = Tokens(schema)
        self._beside = [
            (index, head.name)
            for index, head in enumerate(schema.heads)
            if head.role in ("colour", "rows")
        ]
        self.counts = {
            what: (self._counter(f"{what}_right"), self._counter(f"{what}_all"))
            for what in ("plate", "char", *(name for _, name in self._beside))
        }

    def _counter(self, name: str) -> keras.Variable:
        return self.add_variable((), "zeros", name=name)

    def update_state(
        self, y_true: keras.KerasTensor, y_pred: dict[str, keras.KerasTensor], **kwargs: Any
    ) -> None:
        """Counts a batch: int32 labels `[batch, heads]`, probabilities by output."""
        targets = self._tokens(y_true)
        wanted = targets.tokens
        read, count = greedy_tokens(y_pred[TEXT], wanted.shape[1])
        length = ops.sum(ops.cast(wanted != END, "int32"), axis=1)
        whole = targets.known & ops.all(wanted >= 0, axis=1) & (length > 0)
        same = ops.all(read == wanted, axis=1) & (count == length)
        self._add("plate", same, whole)
        characters = wanted > END
        self._add("char", read == wanted, characters)
        labels = ops.cast(y_true, "int32")
        for index, name in self._beside:
            answered = ops.cast(ops.argmax(y_pred[name], axis=-1), "int32")
            self._add(name, answered == labels[:, index], labels[:, index] >= 0)

    def _add(self, what: str, right: keras.KerasTensor, valid: keras.KerasTensor) -> None:
        good, total = self.counts[what]
        good.assign_add(ops.sum(ops.cast(right & valid, self.dtype)))
        total.assign_add(ops.sum(ops.cast(valid, self.dtype)))

    def result(self) -> dict[str, keras.KerasTensor]:
        """The shares by name, 0 where nothing was counted."""
        shares = {
            what: good / ops.maximum(total, 1.0) for what, (good, total) in self.counts.items()
        }
        named = {"plate_accuracy": shares.pop("plate"), "char_accuracy": shares.pop("char")}
        return named | {f"acc_{name}": share for name, share in shares.items()}


def greedy_tokens(
    probabilities: keras.KerasTensor, longest: int
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The likeliest class of each column, without repetitions and blanks.

    Args:
        probabilities: float `[batch, columns, classes]`.
        longest: how many characters are kept.

    Returns:
        Tokens int32 `[batch, longest]`, 0 behind the text, and int32 `[batch]`, how many there
        were.
    """
    classes = ops.cast(ops.argmax(probabilities, axis=-1), "int32")
    before = ops.pad(classes[:, :-1], ((0, 0), (1, 0)), constant_values=END)
    new = ops.cast((classes != before) & (classes != END), "int32")
    places = ops.cumsum(new, axis=1) * new - 1
    slots = ops.one_hot(places, longest, dtype="int32")
    return ops.sum(slots * ops.expand_dims(classes, -1), axis=1), ops.sum(new, axis=1)

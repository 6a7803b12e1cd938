"""From labels by head to the text as one sequence of tokens, inside the graph."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from ..plate.alphabet import alphabet_of
from ..plate.codec import MASKED
from ..plate.schema import NO_PLATE, LabelSchema

END = 0
"""Class 0: of CTC blank, of attention the end of the text."""


class Targets(NamedTuple):
    """Texts of a batch.

    Attributes:
        tokens: int32 `[batch, longest]`: class i + 1 for the alphabet's i-th character, `END`
            behind the text, -1 for a character that nobody knows.
        known: bool `[batch]`: whether it is known what is on the plate at all. A picture that is
            labelled as no whole plate is known: its text is empty.
        two_rows: bool `[batch]`: whether it is labelled as a plate of two rows.
    """

    tokens: keras.KerasTensor
    known: keras.KerasTensor
    two_rows: keras.KerasTensor


class Tokens:
    """Makes texts of labels.

    Args:
        schema: whose heads the labels' columns are.
    """

    def __init__(self, schema: LabelSchema) -> None:
        self._characters = [i for i, h in enumerate(schema.heads) if h.role == "character"]
        self._tables = _character_tables(schema)
        length = schema.head_of("length")
        self._length = None if length is None else schema.index(length.name)
        rows = schema.head_of("rows")
        self._rows = None if rows is None else schema.index(rows.name)
        self._two = MASKED if rows is None else rows.indices.get("2", MASKED)
        # The mask's first.
        self._lengths = np.array([MASKED, *length_numbers(schema)], np.int32)

    def __call__(self, labels: keras.KerasTensor) -> Targets:
        """Of int32 labels `[batch, heads]`, negative where masked.

        Where the length is masked, the text ends with the last known character.
        """
        labels = ops.cast(labels, "int32")
        read = ops.stack([labels[:, column] for column in self._characters], axis=1)
        width = self._tables.shape[1]
        rows = np.arange(len(self._characters), dtype="int32") * width
        # Masked labels are -1, or less; the first column of each table is theirs.
        places = ops.maximum(read, MASKED) + 1 + rows
        tokens = ops.take(self._tables.ravel(), places, axis=0)
        lengths = self._text_lengths(labels, tokens)
        inside = np.arange(len(self._characters), dtype="int32") < ops.expand_dims(lengths, 1)
        nothing = ops.all(tokens < 0, axis=1)
        known = ops.logical_or(lengths == 0, ops.logical_not(nothing))
        known = ops.logical_and(known, lengths >= 0)
        return Targets(ops.where(inside, tokens, END), known, self._two_rows(labels))

    def _two_rows(self, labels: keras.KerasTensor) -> keras.KerasTensor:
        """bool `[batch]`."""
        if self._rows is None or self._two == MASKED:
            return ops.zeros_like(labels[:, 0], dtype="bool")
        return labels[:, self._rows] == self._two

    def _text_lengths(
        self, labels: keras.KerasTensor, tokens: keras.KerasTensor
    ) -> keras.KerasTensor:
        """int32 `[batch]`; -1 where neither the length nor any character is known."""
        positions = np.arange(1, len(self._characters) + 1, dtype="int32")
        if self._length is None:
            anything = ops.any(tokens >= 0, axis=1)
            return ops.where(anything, np.int32(len(positions)), np.int32(MASKED))
        last = ops.max(ops.where(tokens >= 0, positions, 0), axis=1)
        last = ops.where(last > 0, last, np.int32(MASKED))
        label = ops.maximum(labels[:, self._length], MASKED) + 1
        lengths = ops.take(self._lengths, label, axis=0)
        return ops.where(lengths >= 0, lengths, last)


def head_tokens(schema: LabelSchema) -> list[list[int]]:
    """Of each character head the token of each class; -1 for a spare class."""
    numbers = {name: i + 1 for i, name in enumerate(alphabet_of(schema))}
    return [
        [MASKED if name is None else numbers[name] for name in head.classes]
        for head in schema.characters
    ]


def length_numbers(schema: LabelSchema) -> list[int]:
    """How many characters each class of the length head means; 0: no plate. Empty without one."""
    head = schema.head_of("length")
    names = () if head is None else head.classes
    return [0 if name in (None, NO_PLATE) else int(name) for name in names]


def _character_tables(schema: LabelSchema) -> np.ndarray:
    """int32 [character heads, 1 + widest]: the token of each label, the mask's first."""
    heads = head_tokens(schema)
    tables = np.full((len(heads), 1 + max(map(len, heads))), MASKED, np.int32)
    for table, tokens in zip(tables, heads, strict=True):
        table[1 : 1 + len(tokens)] = tokens
    return tables


def most_steps(schema: LabelSchema) -> int:
    """How many columns CTC can need: one a character, and a blank between equal neighbours."""
    return 2 * schema.max_length - 1

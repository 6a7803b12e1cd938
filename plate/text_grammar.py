"""Which texts of an alphabet are plates: the kinds of a schema as bits, and as allowed classes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .alphabet import alphabet_of
from .schema import LabelSchema


class TextGrammar:
    """The kinds of a schema over its alphabet; class i + 1 is the alphabet's i-th character.

    Without kinds every text of the schema's lengths is a plate whose heads have its characters.

    Attributes:
        allowed: bool [shapes, longest, classes]: what may stand where in each shape of text.
        lengths: int [shapes].
    """

    def __init__(self, schema: LabelSchema) -> None:
        heads = [frozenset(head.indices) for head in schema.characters]
        shapes: list[tuple[frozenset[str], ...]] = [kind.positions for kind in schema.kinds]
        if not shapes:
            shapes = [tuple(heads[:length]) for length in schema.lengths]
        shapes = list(dict.fromkeys(shapes))
        self.alphabet = alphabet_of(schema)
        classes = {name: i + 1 for i, name in enumerate(self.alphabet)}
        self.lengths = np.array([len(shape) for shape in shapes])
        self.allowed = np.zeros((len(shapes), schema.max_length, len(classes) + 1), bool)
        for number, shape in enumerate(shapes):
            for place, names in enumerate(shape):
                self.allowed[number, place, [classes[name] for name in names]] = True

    def accepts(self, text: Sequence[int]) -> bool:
        """Whether classes make a plate.

        >>> from .schema import load_schema
        >>> grammar = TextGrammar(load_schema("cn"))
        >>> number = {name: i + 1 for i, name in enumerate(grammar.alphabet)}
        >>> [grammar.accepts([number[c] for c in text]) for text in ("皖A12345", "A皖")]
        [True, False]
        """
        if not 0 < len(text) <= self.allowed.shape[1]:
            return False
        fits = self.lengths == len(text)
        for place, number in enumerate(text):
            fits = fits & self.allowed[:, place, number]
        return bool(fits.any())


@lru_cache(maxsize=16)
def grammar_of(schema: LabelSchema) -> TextGrammar:
    """The grammar of a schema, made once."""
    return TextGrammar(schema)

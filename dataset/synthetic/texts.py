"""Draws texts of every kind of a schema, so that no kind, province, letter or digit is rare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...plate.schema import Kind, LabelSchema

# How often a kind is drawn, by (kind, rows). Blue is what roads show most, but even the rarest
# is one plate in a hundred. Kinds of one's own schema get `_OTHER_WEIGHT`.
KIND_WEIGHTS: dict[tuple[str, int], float] = {
    ("blue", 1): 27.0,
    ("green-small", 1): 12.0,
    ("green-large", 1): 5.0,
    ("yellow", 1): 9.0,
    ("yellow", 2): 6.0,
    ("trailer", 2): 4.0,
    ("trailer", 1): 1.0,
    ("police", 1): 3.5,
    ("hong-kong", 1): 2.5,
    ("macau-mainland", 1): 2.5,
    ("consulate", 1): 2.0,
    ("consulate", 2): 1.8,
    ("embassy", 1): 2.0,
    ("embassy-old", 1): 1.5,
    ("learner", 1): 3.0,
    ("army", 1): 2.2,
    ("army", 2): 1.0,
    ("army-2004", 1): 2.4,
    ("army-2004", 2): 1.2,
    ("armed-police", 1): 5.5,
    ("armed-police", 2): 4.5,
    ("aviation", 1): 2.0,
    ("macau", 1): 1.5,
    ("macau", 2): 1.0,
    ("macau-m", 1): 2.0,
    ("macau-m", 2): 2.0,
}
_OTHER_WEIGHT = 1.0
_DIGITS = "0123456789"


@dataclass(frozen=True)
class PlateText:
    """What is printed on a plate that is to be drawn."""

    text: str
    kind: str
    colour: str | None
    rows: int


class TextSampler:
    """Draws texts from the kinds of `schema`; deterministic in the generator passed in.

    Args:
        two_rows: share of plates of two rows among those whose kind is drawn; None: as
            `KIND_WEIGHTS` has it.

    Raises:
        InputError: a schema without kinds, or without kinds of as many rows as are asked for.
    """

    def __init__(self, schema: LabelSchema, two_rows: float | None = None) -> None:
        self._kinds = [(kind, rows) for kind in schema.kinds for rows in kind.rows or (1,)]
        if not self._kinds:
            raise InputError(f"the schema {schema.name} names no kinds, so none can be drawn")
        weights = np.array([_weight(k, r, self._kinds) for k, r in self._kinds])
        if two_rows is not None:
            double = np.array([rows == 2 for _, rows in self._kinds])
            weights = _shared(weights, double, two_rows)
        self._cumulated = np.cumsum(weights / weights.sum())
        # Sets have no order that lasts between processes, so they are sorted once.
        self._positions = {
            id(kind): [sorted(position) for position in kind.positions] for kind in schema.kinds
        }
        self.names = sorted({kind.name for kind in schema.kinds})

    def draw(
        self, rng: np.random.Generator, kind: str | None = None, turn: int | None = None
    ) -> PlateText:
        """A text of `kind`, or of a kind drawn by weight.

        With `turn` the first character is not drawn: the kind's provinces take turns, so that
        a set has each of them equally often.
        """
        if kind is None:
            index = int(np.searchsorted(self._cumulated, rng.random(), side="right"))
            chosen, rows = self._kinds[min(index, len(self._kinds) - 1)]
        else:
            candidates = [pair for pair in self._kinds if pair[0].name == kind]
            chosen, rows = candidates[int(rng.integers(len(candidates)))]
        text = self._characters(chosen, rng)
        if turn is not None:
            first = self._positions[id(chosen)][0]
            text = first[turn % len(first)] + text[1:]
        return PlateText(text, chosen.name, chosen.colour, rows)

    def _characters(self, kind: Kind, rng: np.random.Generator) -> str:
        # Real numbers hold more digits than letters; half of the texts do, too.
        digit_share = 0.65 if rng.random() < 0.5 else 0.0
        repeated = rng.random() < 0.03
        text = ""
        for index, allowed in enumerate(self._positions[id(kind)]):
            if repeated and index > 2 and text[-1] in allowed:
                text += text[-1]
                continue
            digits = [c for c in allowed if c in _DIGITS]
            mixed = 0 < len(digits) < len(allowed)
            pool = digits if mixed and index > 1 and rng.random() < digit_share else allowed
            text += pool[int(rng.integers(len(pool)))]
        return text


def _weight(kind: Kind, rows: int, kinds: list[tuple[Kind, int]]) -> float:
    alike = sum(other.name == kind.name and r == rows for other, r in kinds)
    return KIND_WEIGHTS.get((kind.name, rows), _OTHER_WEIGHT) / alike


def _shared(weights: np.ndarray, double: np.ndarray, two_rows: float) -> np.ndarray:
    """Weights of sum 1, of which `two_rows` is that of the kinds that are `double`."""
    shared = np.zeros_like(weights)
    parts = ((double, two_rows, "two rows"), (~double, 1 - two_rows, "one row"))
    for part, share, rows in parts:
        if share and not part.any():
            raise InputError(f"render.two_rows={two_rows:g}: the schema has no kind of {rows}")
        shared[part] = share * weights[part] / (weights[part].sum() or 1)
    return shared

"""Labels that are made wrong on purpose, to see who finds them or bears them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..plate.codec import describe
from ..plate.grammar import is_possible
from ..plate.schema import LabelSchema

_TRIES = 200
_SHARES = (0.5, 0.25, 0.25)  # of a character replaced, two exchanged, another plate's label


def plant_wrong_labels(
    labels: npt.NDArray[np.int32], schema: LabelSchema, share: float, seed: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Makes a share of the labels wrong, in the ways that people and older readers err.

    Of the wrong ones a half has one character replaced by another that the data has at its place,
    a quarter two neighbouring characters exchanged, and a quarter the whole label of another
    plate. A replaced or exchanged text is one that the schema's kinds allow, since others are
    found without a model; colour and rows stay as they are. Pictures without a plate are left
    alone. The same arguments give the same errors.

    Args:
        labels: int32 [n, heads] of `schema`.
        schema: of the labels.
        share: 0 to 1 of all labels.
        seed: of which become wrong, and how.

    Returns:
        the labels with the wrong ones in their places, int32 [n, heads]; which ones are wrong,
        int64 ascending.

    Raises:
        InputError: the share is not from 0 to 1, or the data has too few different plates.
    """
    if not 0 <= share <= 1:
        raise InputError(f"the share of wrong labels is from 0 to 1; received {share}")
    planter = _Planter(labels, schema, np.random.default_rng([seed]))
    count = round(share * len(labels))
    chosen = np.sort(planter.rng.permutation(planter.plates)[:count])
    if len(chosen) < count:
        raise InputError(f"only {len(planter.plates)} of {len(labels)} labels are of plates")
    wrong = labels.copy()
    for number in chosen:
        wrong[number] = planter.wrong(labels[number])
    return wrong, chosen


class _Planter:
    """Errs in one label after the other."""

    def __init__(
        self, labels: npt.NDArray[np.int32], schema: LabelSchema, rng: np.random.Generator
    ) -> None:
        self.rng = rng
        self._labels = labels
        self._schema = schema
        self._characters = [schema.index(head.name) for head in schema.characters]
        known = (labels[:, self._characters] >= 0).sum(axis=1)
        self.plates = np.flatnonzero(known >= min(schema.lengths))
        self._seen = {place: np.unique(labels[:, place]) for place in self._characters}

    def wrong(self, label: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Another label than `label`; other by its characters, not by its colour alone."""
        ways = (self._replaced, self._exchanged, self._of_another)
        how = ways[self.rng.choice(len(ways), p=_SHARES)]
        for attempt in range(_TRIES):
            # Some plates have no two characters that could change places.
            made = how(label) if attempt < _TRIES // 2 else self._of_another(label)
            if self._differs(made, label):
                return made
        raise InputError("the data has too few different plates to make labels wrong")

    def _replaced(self, label: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        made = label.copy()
        place = self.rng.choice([place for place in self._characters if label[place] >= 0])
        made[place] = self.rng.choice(self._seen[place])
        return made if self._possible(made) else label

    def _exchanged(self, label: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        heads = self._schema.heads
        pairs = list(zip(self._characters, self._characters[1:], strict=False))
        left, right = pairs[self.rng.integers(len(pairs))]
        if min(label[left], label[right]) < 0:
            return label
        made = label.copy()
        for place, other in ((left, right), (right, left)):
            name = heads[other].classes[label[other]]
            made[place] = heads[place].indices.get(name or "", -1)
        return made if min(made[left], made[right]) >= 0 and self._possible(made) else label

    def _of_another(self, label: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        return self._labels[self.rng.choice(self.plates)]

    def _possible(self, label: npt.NDArray[np.int32]) -> bool:
        return is_possible(describe(self._schema, label).text, self._schema)

    def _differs(self, made: npt.NDArray[np.int32], label: npt.NDArray[np.int32]) -> bool:
        places = self._characters
        both = (made[places] >= 0) & (label[places] >= 0)
        return bool((made[places] != label[places])[both].any()) and bool((made[places] >= 0).any())

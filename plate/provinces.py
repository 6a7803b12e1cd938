"""Which provinces' plates are to be expected where a camera stands, and what that changes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import InputError, quoted
from ..yaml_text import read_yaml
from .schema import NO_PLATE, LabelSchema

PROVINCES = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"

_SEEN_BEFORE = 0.1  # plates of each province, before any is seen: none is ever ruled out
_ROUNDS, _SETTLED = 1000, 1e-7
_ALIKE = 1e-3
_LEAST = 1e-9  # far below what any number of pictures can tell, and within float32


@dataclass(frozen=True)
class ProvinceShares:
    """How often plates of each province come, of those that begin with one.

    Attributes:
        shares: of `PROVINCES`, in their order; each above 0, together 1.
    """

    shares: tuple[float, ...]

    @classmethod
    def of(cls, shares: Mapping[str, float]) -> ProvinceShares:
        """From the shares of some provinces; what they leave is divided equally among the others.

        Raises:
            InputError: no province, no share between 0 and 1, or nothing left for the others.
        """
        for province, share in shares.items():
            if len(province) != 1 or province not in PROVINCES:
                raise InputError(f"{quoted(province)} is no province; they are {PROVINCES}")
            if not _LEAST <= share < 1:
                raise InputError(f"the share of {province} is above 0 and below 1, not {share:g}")
        others = len(PROVINCES) - len(shares)
        left = 1 - sum(shares.values())
        if abs(left) > 1e-4 if not others else left < _LEAST * others:
            raise InputError(
                f"the shares of provinces come to {1 - left:g}: leave something for those that "
                "are not named, or name all with a sum of 1"
            )
        values = [shares.get(province, left / max(others, 1)) for province in PROVINCES]
        return cls(tuple(value / sum(values) for value in values))

    def to_dict(self) -> dict[str, float]:
        """Province to share, the most frequent first; `of` reads it."""
        pairs = zip(PROVINCES, self.shares, strict=True)
        return dict(sorted(pairs, key=lambda pair: -pair[1]))

    def most_frequent(self, count: int = 3) -> list[tuple[str, float]]:
        """So many provinces with their shares, the most frequent first."""
        return list(self.to_dict().items())[:count]

    def is_like(self, other: ProvinceShares | None) -> bool:
        """Whether the other's shares are the same, but for rounding."""
        return other is not None and np.allclose(self.shares, other.shares, rtol=_ALIKE, atol=0)

    def weigh(
        self, schema: LabelSchema, probabilities: Mapping[str, npt.NDArray[np.floating]]
    ) -> dict[str, npt.NDArray[np.floating]]:
        """What a model that expects all provinces equally would say if it expected these shares.

        By Bayes: each province's probability is multiplied by its share and divided by the equal
        one, and each picture's are scaled to the sum 1 again. First characters that are no province
        stay as frequent as they were.

        Args:
            schema: has the provinces in its first character.
            probabilities: head name -> float [batch, width].

        Returns:
            As `probabilities`; a new array for the first character.
        """
        first, places = first_character(schema)
        weighed = probabilities[first].copy()
        weighed[:, places] *= np.array(self.shares, weighed.dtype) * len(PROVINCES)
        weighed /= weighed.sum(1, keepdims=True)
        return {**probabilities, first: weighed}


def first_character(schema: LabelSchema) -> tuple[str, list[int]]:
    """The head of the first character, and where it has the `PROVINCES`.

    Raises:
        InputError: it does not have them all.
    """
    head = schema.characters[0]
    if not set(PROVINCES) <= head.indices.keys():
        raise InputError(f"plates of the schema {schema.name} do not begin with a province")
    return head.name, [head.indices[province] for province in PROVINCES]


def read_provinces(text: str) -> ProvinceShares:
    """From an option: `皖=0.9,苏=0.05`, or the name of a file of such pairs in JSON or YAML.

    Raises:
        InputError: neither, or shares that `ProvinceShares.of` refuses.
    """
    if not os.path.isfile(text):
        return ProvinceShares.of(_pairs(text.replace("，", ",").replace("＝", "=")))
    values = read_yaml(Path(text), "the provinces")
    try:
        shares = {str(province): float(share) for province, share in values.items()}
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{text}: expected provinces with their shares, such as 皖: 0.9"
        ) from error
    try:
        return ProvinceShares.of(shares)
    except InputError as error:
        raise InputError(f"{text}: {error}") from error


def _pairs(text: str) -> dict[str, float]:
    shares: dict[str, float] = {}
    for part in text.split(","):
        province, _, share = part.strip().partition("=")
        if province in shares:
            raise InputError(f"{quoted(province)} has two shares; give it one")
        try:
            shares[province] = float(share)
        except ValueError as error:
            raise InputError(
                f"{quoted(part)} is neither a province with its share, as in 皖=0.9,苏=0.05, nor a "
                "file of such"
            ) from error
    return shares


def estimate_provinces(
    schema: LabelSchema, probabilities: Mapping[str, npt.NDArray[np.floating]]
) -> ProvinceShares:
    """The likeliest shares, from what a model says of pictures that nobody has labelled.

    By expectation-maximisation (Saerens, Latinne and Decaestecker 2002): what is expected changes
    what is read, and what is read what is expected, until both agree. Counting readings instead
    would count the misread ones as well. A picture counts as far as it shows a plate.

    Args:
        schema: has the provinces in its first character.
        probabilities: head name -> float [pictures, width], of a model that expects all provinces
            equally; of the first character and, where the schema has one, the length.
    """
    first, places = first_character(schema)
    shown = np.asarray(probabilities[first], np.float64)
    provinces = shown[:, places]
    others = shown.sum(1) - provinces.sum(1)
    plates = _plates(schema, probabilities, len(shown))
    shares = np.full(len(PROVINCES), 1 / len(PROVINCES))
    for _ in range(_ROUNDS):
        weighed = provinces * (shares * len(PROVINCES))
        belief = weighed / (weighed.sum(1) + others)[:, None]
        counts = plates @ belief + _SEEN_BEFORE
        before, shares = shares, counts / counts.sum()
        if np.abs(shares - before).max() < _SETTLED:
            break
    return ProvinceShares(tuple(shares.tolist()))


def _plates(
    schema: LabelSchema, probabilities: Mapping[str, npt.NDArray[np.floating]], pictures: int
) -> npt.NDArray[np.float64]:
    """How probably each picture shows a plate, `[pictures]`."""
    head = schema.head_of("length")
    if head is None or NO_PLATE not in head.indices:
        return np.ones(pictures)
    return 1 - np.asarray(probabilities[head.name], np.float64)[:, head.indices[NO_PLATE]]

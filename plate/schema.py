"""What a label is: an ordered list of heads with their classes, and the kinds of plates."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import InputError

Role = Literal["character", "length", "colour", "rows"]
NO_PLATE = "none"  # the length class of pictures without one whole readable plate
MOST_CLASSES = 10_000  # of a head; and as many heads or kinds are no schema but an attack
SCHEMA_FOLDER = Path(__file__).parent / "schemas"


@dataclass(frozen=True)
class Head:
    """One softmax: `classes[i]` is what index i stands for; None is a spare class."""

    name: str
    role: Role
    classes: tuple[str | None, ...]

    @property
    def width(self) -> int:
        """How many values the softmax has, spare classes included."""
        return len(self.classes)

    @cached_property
    def indices(self) -> dict[str, int]:
        """Class name to index, without the spare classes."""
        return {name: i for i, name in enumerate(self.classes) if name is not None}


@dataclass(frozen=True)
class Kind:
    """A kind of plate that exists: the characters allowed at each position.

    `colour` None: any colour; empty `rows`: any number of rows.
    """

    name: str
    positions: tuple[frozenset[str], ...]
    colour: str | None = None
    rows: tuple[int, ...] = ()

    def matches(self, text: str) -> bool:
        """Whether `text` can stand on a plate of this kind."""
        return len(text) == len(self.positions) and all(
            character in allowed for character, allowed in zip(text, self.positions, strict=True)
        )


@dataclass(frozen=True)
class LabelSchema:
    """An ordered list of heads and the kinds of plates that their classes can spell.

    Without a `length` head every plate has as many characters as there are character heads.

    Raises:
        InputError: heads or kinds that contradict each other, named.
    """

    name: str
    heads: tuple[Head, ...]
    kinds: tuple[Kind, ...] = ()

    def __post_init__(self) -> None:
        most = max(len(self.heads), len(self.kinds), *(head.width for head in self.heads), 0)
        if most > MOST_CLASSES:
            raise InputError(f"schema {self.name}: {most} heads, kinds or classes are too many")
        for head in self.heads:
            _check_head(self.name, head)
        names = [head.name for head in self.heads]
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise InputError(f"schema {self.name}: two heads are named {twice!r}")
        if not self.characters:
            raise InputError(f"schema {self.name}: there is no head of the role 'character'")
        for role in ("length", "colour", "rows"):
            if sum(head.role == role for head in self.heads) > 1:
                raise InputError(f"schema {self.name}: more than one head has the role {role!r}")
        if not self.lengths:
            raise InputError(f"schema {self.name}: the length head names no length")
        if max(self.lengths) > self.max_length:
            raise InputError(
                f"schema {self.name}: the length head allows {max(self.lengths)} characters, "
                f"but there are {self.max_length} character heads"
            )
        for kind in self.kinds:
            _check_kind(self, kind)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @cached_property
    def head_names(self) -> tuple[str, ...]:
        """The names of all heads, in label order."""
        return tuple(head.name for head in self.heads)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The softmax width of every head, in label order."""
        return tuple(head.width for head in self.heads)

    @cached_property
    def characters(self) -> tuple[Head, ...]:
        """The character heads, in the order of reading."""
        return tuple(head for head in self.heads if head.role == "character")

    @property
    def max_length(self) -> int:
        """How many characters the longest plate has."""
        return len(self.characters)

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """The lengths that plates can have, ascending."""
        head = self.head_of("length")
        if head is None:
            return (self.max_length,)
        return tuple(sorted(int(name) for name in head.indices if name != NO_PLATE))

    @cached_property
    def alphabet(self) -> frozenset[str]:
        """Every character that some character head knows."""
        return frozenset(name for head in self.characters for name in head.indices)

    def index(self, name: str) -> int:
        """The place of the head `name` in a label. Raises InputError for an unknown name."""
        if name not in self.head_names:
            known = ", ".join(self.head_names)
            raise InputError(f"schema {self.name} has no head {name!r}; it has {known}")
        return self.head_names.index(name)

    def head_of(self, role: Role) -> Head | None:
        """The first head of `role`, or None."""
        return next((head for head in self.heads if head.role == role), None)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with the meaning of a label.

        Names of heads, roles and classes count; the schema's name and its kinds do not.
        """
        meaning = [[head.name, head.role, list(head.classes)] for head in self.heads]
        text = json.dumps(meaning, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back."""
        return {
            "name": self.name,
            "heads": [
                {"name": head.name, "role": head.role, "classes": list(head.classes)}
                for head in self.heads
            ],
            "kinds": [
                {
                    "name": kind.name,
                    "positions": ["".join(sorted(allowed)) for allowed in kind.positions],
                    "colour": kind.colour,
                    "rows": list(kind.rows),
                }
                for kind in self.kinds
            ],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LabelSchema:
        """The schema that `to_dict` wrote. Raises InputError when a value is missing or wrong."""
        try:
            heads = tuple(
                Head(head["name"], head["role"], tuple(head["classes"])) for head in values["heads"]
            )
            kinds = tuple(
                Kind(
                    kind["name"],
                    tuple(frozenset(allowed) for allowed in kind["positions"]),
                    kind["colour"],
                    tuple(kind["rows"]),
                )
                for kind in values["kinds"]
            )
            return cls(values["name"], heads, kinds)
        except (KeyError, TypeError) as error:
            raise InputError(f"not a stored label schema: {error!r} is missing or wrong") from error


def schema_names() -> tuple[str, ...]:
    """The names of the shipped schemas."""
    return tuple(sorted(file.stem for file in SCHEMA_FOLDER.glob("*.yaml")))


@lru_cache(maxsize=16)
def load_schema(name_or_path: str | Path) -> LabelSchema:
    """A shipped schema by its name, or a user's from a YAML file.

    Raises:
        InputError: there is no such schema, or the file is not one.
    """
    from .schema_file import read_schema

    if str(name_or_path) in schema_names():
        return read_schema(SCHEMA_FOLDER / f"{name_or_path}.yaml")
    file = Path(name_or_path)
    if not file.is_file():
        raise InputError(
            f"there is no label schema {str(name_or_path)!r}: name one of "
            f"{', '.join(schema_names())}, or a YAML file"
        )
    return read_schema(file)


def _check_head(schema: str, head: Head) -> None:
    place = f"schema {schema}, head {head.name!r}"
    if head.role not in get_args(Role):
        raise InputError(
            f"{place}: the role is one of {', '.join(get_args(Role))}; received {head.role!r}"
        )
    known = [name for name in head.classes if name is not None]
    if not known:
        raise InputError(f"{place}: there are no classes")
    seen = set()
    for name in known:
        if not isinstance(name, str) or not name:
            raise InputError(f"{place}: a class is a text; received {name!r} (quote numbers)")
        if name in seen:
            raise InputError(f"{place}: the class {name!r} is there twice")
        seen.add(name)
        _check_class(place, head.role, name)


def _check_class(place: str, role: Role, name: str) -> None:
    if role == "character" and (len(name) != 1 or not name.isprintable()):
        raise InputError(f"{place}: a class is one character; received {name!r}")
    number = name.isascii() and name.isdigit() and len(name) < 10 and int(name) > 0
    if role == "rows" and not number:
        raise InputError(f"{place}: a class is a number of rows; received {name!r}")
    if role == "length" and not number and name != NO_PLATE:
        raise InputError(f"{place}: a class is a number of characters or 'none'; received {name!r}")


def _check_kind(schema: LabelSchema, kind: Kind) -> None:
    place = f"schema {schema.name}, kind {kind.name!r}"
    if len(kind.positions) not in schema.lengths:
        raise InputError(
            f"{place}: it has {len(kind.positions)} characters; the lengths are {schema.lengths}"
        )
    for allowed, head in zip(kind.positions, schema.characters, strict=False):
        lacking = sorted(allowed - head.indices.keys())
        if lacking or not allowed:
            what = f"lacks {''.join(lacking)}" if lacking else "is given no character"
            raise InputError(f"{place}: the head {head.name!r} {what}")
    colours, rows = schema.head_of("colour"), schema.head_of("rows")
    if colours is not None and kind.colour is not None and kind.colour not in colours.indices:
        known = ", ".join(colours.indices)
        raise InputError(f"{place}: no colour {kind.colour!r}; there are {known}")
    for number in kind.rows:
        if rows is not None and str(number) not in rows.indices:
            known = ", ".join(rows.indices)
            raise InputError(f"{place}: no number of rows {number!r}; there are {known}")

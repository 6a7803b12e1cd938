"""Label schemas as people write them: YAML with named character sets.

    name: tiny
    sets:                             # a set is spelt out, or made of sets before it
      digit: "0123456789"
      letter: ABCDEFGHJKLMNPQRSTUVWXYZ
      mark: digit letter
    heads:                            # in the order of the label's columns
      - {name: char_1, role: character, classes: letter}
      - {name: char_2, role: character, classes: mark 警 spare*3}
      - {name: length, role: length, classes: none 2}
    kinds:                            # optional; what else is spelt is an impossible plate
      - {name: police, text: letter 警, colour: white, rows: [1]}

`classes` and `text` are words between spaces: a set's name, one character, `spare` (a class for
later use), each with an optional `*N`. In `length`, `colour` and `rows` heads the words are the
class names themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError, quoted
from ..yaml_text import read_yaml
from .schema import MOST_CLASSES, Head, Kind, LabelSchema

SPARE = "spare"
_KEYS = {
    "": {"name", "sets", "heads", "kinds"},
    "heads": {"name", "role", "classes"},
    "kinds": {"name", "text", "colour", "rows"},
}


def read_schema(file: Path) -> LabelSchema:
    """Reads and validates a schema file. Raises InputError naming the file and the fault."""
    values = read_yaml(file, "the label schema")
    try:
        return parse_schema(values, file.stem)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def parse_schema(values: Any, default_name: str = "schema") -> LabelSchema:
    """Builds a schema from the plain values of a YAML file. Raises InputError."""
    values = _mapping(values, "", ("heads",))
    sets = _expand_sets(values.get("sets") or {})
    heads = tuple(_head(item, sets) for item in _list(values, "heads"))
    kinds = tuple(_kind(item, sets) for item in _list(values, "kinds"))
    return LabelSchema(str(values.get("name", default_name)), heads, kinds)


def _mapping(values: Any, section: str, wanted: tuple[str, ...]) -> Mapping[str, Any]:
    place = section or "the schema"
    if not isinstance(values, Mapping):
        raise InputError(f"{place}: expected `key: value` pairs; received {quoted(values)}")
    unknown = sorted(str(key) for key in values.keys() - _KEYS[section])
    if unknown:
        known = ", ".join(sorted(_KEYS[section]))
        raise InputError(f"{place}: unknown key {unknown[0]!r}; there are {known}")
    for key in wanted:
        if key not in values:
            raise InputError(f"{place}: {key!r} is missing in {quoted(dict(values))}")
    return values


def _list(values: Mapping[str, Any], key: str) -> list[Any]:
    items = values.get(key) or []
    if not isinstance(items, list):
        raise InputError(f"{key}: expected a list; received {quoted(items)}")
    return items


def _expand_sets(values: Any) -> dict[str, list[str | None]]:
    if not isinstance(values, Mapping):
        raise InputError(f"sets: expected `name: characters` pairs; received {quoted(values)}")
    sets: dict[str, list[str | None]] = {}
    for key, text in values.items():
        name = str(key)
        if len(name) < 2 or name == SPARE or not name.isidentifier():
            raise InputError(f"sets: {name!r} cannot name a set; use two or more letters")
        if not isinstance(text, str) or not text.strip():
            raise InputError(
                f"sets, {name}: expected characters in quotes; received {quoted(text)}"
            )
        words = text.split()
        made_of_sets = len(words) > 1 or words[0] in sets
        sets[name] = _expand(text, sets, f"sets, {name}") if made_of_sets else list(text.strip())
    return sets


def _words(text: Any, place: str) -> list[tuple[str, int]]:
    """Splits `digit*5 警` into (digit, 5), (警, 1)."""
    if isinstance(text, list):
        text = " ".join(str(item) for item in text)
    if not isinstance(text, (str, int)):
        raise InputError(f"{place}: expected words between spaces; received {quoted(text)}")
    words = []
    for word in str(text).split():
        name, star, count = word.rpartition("*")
        if not star or not name:
            words.append((word, 1))
        elif count.isdecimal() and len(count) < len(str(MOST_CLASSES)):
            words.append((name, int(count)))
        elif count.isdecimal():
            raise InputError(f"{place}: {quoted(word)} is more than {MOST_CLASSES} classes")
        else:
            raise InputError(f"{place}: a number must follow the * of {quoted(word)}")
    return words


def _expand(text: Any, sets: Mapping[str, list[str | None]], place: str) -> list[str | None]:
    expanded: list[str | None] = []
    for word, count in _words(text, place):
        members = _members(word, sets, place)
        if len(expanded) + len(members) * count > MOST_CLASSES:
            raise InputError(f"{place}: more than {MOST_CLASSES} classes")
        expanded.extend(members * count)
    return expanded


def _members(word: str, sets: Mapping[str, list[str | None]], place: str) -> list[str | None]:
    if word == SPARE:
        return [None]
    if word in sets:
        return list(sets[word])
    if len(word) == 1:
        return [word]
    raise InputError(f"{place}: there is no set {word!r}; there are {', '.join(sets) or 'none'}")


def _head(values: Any, sets: Mapping[str, list[str | None]]) -> Head:
    values = _mapping(values, "heads", ("name", "role", "classes"))
    name, role = str(values["name"]), values["role"]
    place = f"heads, {name}"
    if role == "character":
        classes = _expand(values["classes"], sets, place)
    else:
        words = _words(values["classes"], place)
        classes = [None if word == SPARE else word for word, count in words for _ in range(count)]
    return Head(name, role, tuple(classes))


def _kind(values: Any, sets: Mapping[str, list[str | None]]) -> Kind:
    values = _mapping(values, "kinds", ("name", "text"))
    place = f"kinds, {values['name']}"
    positions: list[frozenset[str]] = []
    for word, count in _words(values["text"], place):
        members = _members(word, sets, place)
        positions.extend([frozenset(name for name in members if name is not None)] * count)
    colour, rows = values.get("colour"), values.get("rows") or []
    rows = rows if isinstance(rows, list) else [rows]
    if not all(isinstance(number, int) for number in rows):
        raise InputError(f"{place}: rows are whole numbers, as in [1, 2]; received {quoted(rows)}")
    return Kind(
        str(values["name"]),
        tuple(positions),
        None if colour is None else str(colour),
        tuple(rows),
    )

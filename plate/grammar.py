"""Which plates exist: the kinds a text can be of, and how people write texts and colours."""

from __future__ import annotations

import re
import unicodedata

from .codec import UNKNOWN
from .schema import Kind, LabelSchema

# Dots, bullets and hyphens that people put behind the second character, and blanks.
_SEPARATORS = re.compile(r"[\s·•・∙⋅．.\-‐–—_]")


def normalise_text(text: str, schema: LabelSchema | None = None) -> str:
    """A plate's text as printed: upper case, ASCII width, without dot, hyphen and blanks.

    Characters that `schema` has as classes stay as they are.
    """
    known = schema.alphabet if schema is not None else frozenset()
    kept = []
    for character in text:
        if character in known:
            kept.append(character)
            continue
        plain = unicodedata.normalize("NFKC", character)
        plain = plain if plain in known else plain.upper()
        kept.append(_SEPARATORS.sub("", plain))
    return "".join(kept)


def kinds_of(
    text: str, schema: LabelSchema, colour: str | None = None, rows: int | None = None
) -> tuple[Kind, ...]:
    """The kinds whose pattern `text` fits and which have the colour and rows, where given."""
    return tuple(
        kind
        for kind in schema.kinds
        if kind.matches(text)
        and (colour is None or kind.colour in (None, colour))
        and (rows is None or not kind.rows or rows in kind.rows)
    )


def kind_of(
    text: str, schema: LabelSchema, colour: str | None = None, rows: int | None = None
) -> Kind | None:
    """The first kind that `text` can be, or None for an impossible plate."""
    kinds = kinds_of(text, schema, colour, rows)
    return kinds[0] if kinds else None


def is_possible(text: str, schema: LabelSchema) -> bool:
    """Whether a plate of this text exists; unknown characters (`?`) may be anything.

    A schema without kinds forbids nothing.
    """
    if not schema.kinds:
        return True
    return any(
        len(text) == len(kind.positions)
        and all(
            character == UNKNOWN or character in allowed
            for character, allowed in zip(text, kind.positions, strict=True)
        )
        for kind in schema.kinds
    )


def text_in_name(stem: str, schema: LabelSchema) -> str | None:
    """The plate's text in a picture's file name without suffix, or None.

    As LPRNet's folders have it (`皖A12345`, `皖A12345_1`) or the original's generate_txt
    (`00000001_皖A12345`): of the parts between `_`, blanks and brackets the last that is a plate,
    or else the last that the schema can spell and that is no mere number such as `IMG_12345`.
    """
    parts = [normalise_text(part, schema) for part in re.split(r"[_\s()（）]+", stem)]
    spelt = [part for part in reversed(parts) if part and _can_spell(part, schema)]
    possible = [part for part in spelt if is_possible(part, schema)]
    doubtful = [part for part in spelt if not part.isascii()]
    return next(iter([*possible, *doubtful]), None)


def _can_spell(text: str, schema: LabelSchema) -> bool:
    return len(text) in schema.lengths and all(
        character in head.indices for character, head in zip(text, schema.characters, strict=False)
    )


def colour_of(words: str, schema: LabelSchema) -> str | None:
    """The schema's colour that free words name, or None: unknown.

    The first word decides (`black-consulate` is black, `green-yellow-large` is green); a doubt
    (`white?`, `black/dark`) or a colour that the schema lacks is unknown.
    """
    head = schema.head_of("colour")
    words = words.strip().lower()
    if head is None or "?" in words or "/" in words:
        return None
    first = re.split(r"[\s\-_,;(]", words, maxsplit=1)[0]
    first = _COLOURS.get(first, first)
    return first if first in head.indices else None


_COLOURS = {
    "蓝": "blue",
    "蓝色": "blue",
    "黄": "yellow",
    "黄色": "yellow",
    "绿": "green",
    "绿色": "green",
    "白": "white",
    "白色": "white",
    "黑": "black",
    "黑色": "black",
    "其他": "other",
}

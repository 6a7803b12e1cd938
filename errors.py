"""The one exception that a user's mistake raises."""

from __future__ import annotations

import reprlib

_LONGEST = 1000  # characters of a sentence; more of them are a file's content
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


class InputError(ValueError):
    """Bad input from a user: one sentence that says what, where and what to do.

    The command line prints it and ends with exit status 2; no traceback unless `--debug`.
    What it quotes may be a stranger's: it is kept to one line of a length that can be read, and
    characters that would command a terminal are written as escapes.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(one_line(sentence))


def one_line(text: str) -> str:
    """The text as it may be printed: one line, no control characters, its middle left out if long.

    >>> one_line("a\\x1b[2J.jpg\\n")
    'a\\\\x1b[2J.jpg '
    """
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = f"{text[:half]} … {text[-half:]}"
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def quoted(value: object) -> str:
    """As `repr`, a few words of it however large the value is."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # a number of more digits than Python writes
        return "a very large number"


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace():
        return " "
    return character.encode("unicode_escape").decode("ascii")

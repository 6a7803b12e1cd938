"""What is wrong in a configuration, as one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from .errors import quoted

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def sentence_of(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What was wrong and what was received; values that contradict each other say so themselves.

    Args:
        error: of pydantic, the first.
        model: what was validated; its keys are suggested for unknown ones.
    """
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "extra_forbidden":
        keys = _keys_beside(error["loc"], model)
        return f"there is no such key; {suggestion(str(error['loc'][-1]), keys)}"
    return f"{error['msg']}; received {quoted(error['input'])}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """The known name that is most like another one, or all of them.

    >>> suggestion("epoch", ["epochs", "seed"]), suggestion("x", ["epochs", "seed"])
    ('did you mean epochs?', 'there are: epochs, seed')
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(names)}"


def _keys_beside(place: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    for part in place[:-1]:
        inner = model.model_fields[str(part)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)

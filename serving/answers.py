"""The bodies of answers: readings, texts, errors, as JSON in UTF-8."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from .desk import Outcome
from .errors import ServiceError


class JsonAnswer(Response):
    """A body that is JSON already."""

    media_type = "application/json"


def json_body(value: Any) -> bytes:
    """JSON in UTF-8, without escapes."""
    return json.dumps(value, ensure_ascii=False).encode()


def error_body(sentence: str) -> bytes:
    """`{"error": sentence}`."""
    return json_body({"error": sentence})


def readings_body(outcomes: Sequence[Outcome]) -> bytes:
    """A list of readings by the names of `Reading.to_dict`, and the rectangle of each."""
    return json_body([_row(outcome) for outcome in outcomes])


def texts_body(outcomes: Sequence[Outcome]) -> bytes:
    """A list of texts; empty where a region could not be read."""
    return json_body([outcome.reading.text for outcome in outcomes])


def check_single(outcomes: Sequence[Outcome]) -> None:
    """Raises the ServiceError of an answer whose only reading is an error.

    Among several an unreadable picture is a row with `error`; alone it is the answer.
    """
    if len(outcomes) != 1:
        return
    [outcome] = outcomes
    if outcome.reading.error is not None:
        raise ServiceError(outcome.status, outcome.reading.error, "picture")


def _row(outcome: Outcome) -> dict[str, Any]:
    return outcome.reading.to_dict() | {"file": outcome.name, "rect": outcome.rectangle}

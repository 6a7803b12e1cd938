"""What the service refuses: a status and one clear sentence."""

from __future__ import annotations

from collections.abc import Mapping


class ServiceError(Exception):
    """Answered as `{"error": sentence}` with its status.

    Args:
        status: of HTTP, 400 to 503.
        sentence: what was wrong, where, and what to do.
        reason: a short word for metrics and logs; one of few.
        headers: that go with the answer.
    """

    def __init__(
        self, status: int, sentence: str, reason: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.reason = reason
        self.headers = dict(headers or {})


def busy(retry_after: int) -> ServiceError:
    """The queue is full: come back in some seconds."""
    sentence = f"the service is busy; try again in {retry_after} s"
    return ServiceError(503, sentence, "busy", {"Retry-After": str(retry_after)})

"""What stands around every answer: security headers, one log line, counters, and no traceback."""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .answers import error_body
from .logs import LOGGER
from .metrics import Metrics

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
_NOT_STORED = (b"cache-control", b"no-store")
_ASKED_AGAIN = (b"cache-control", b"no-cache")  # kept by browsers, but asked for at each use
_OTHER = "other"


@dataclass
class Note:
    """What a request's handler tells its log line; it holds no picture, name or text."""

    reason: str | None = None
    bytes: int = 0
    images: int = 0
    plates: int = 0
    accepted: int = 0
    unreadable: int = 0


class Guard:
    """The outermost layer of the application.

    Args:
        app: everything else.
        metrics: counts requests.
        paths: those that are counted by name; all others are one.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; what is no HTTP passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Answering(scope, send, f"{self._prefix}-{next(self._numbers):x}")
        try:
            await self._app(scope, receive, request.send)
        except Exception:
            LOGGER.exception("failure", extra={"fields": {"request": request.name}})
            await request.fail()
        self._finish(scope, request)

    def _finish(self, scope: Scope, request: _Answering) -> None:
        path = scope["path"] if scope["path"] in self._paths else _OTHER
        seconds = time.perf_counter() - request.start
        self._metrics.answered(path, request.status, seconds)
        note = request.note
        if note.bytes:
            self._metrics.received(note.bytes)
        if note.plates:
            rejected = note.plates - note.accepted - note.unreadable
            self._metrics.read(note.accepted, rejected, note.unreadable)
        if note.reason is not None:
            self._metrics.refused(note.reason)
        client = scope.get("client")
        fields = {
            "request": request.name,
            "client": client[0] if client else None,
            "method": scope["method"],
            "path": path,
            "status": request.status,
            "ms": round(seconds * 1000, 2),
        }
        told = {key: value for key, value in vars(note).items() if value}
        LOGGER.info("request", extra={"fields": fields | told})


class _Answering:
    """One answer on its way."""

    def __init__(self, scope: Scope, send: Send, name: str) -> None:
        self.start = time.perf_counter()
        self.status = 0  # stays 0 where the asker went away before any answer
        self.name = name
        self.note = scope["note"] = Note()
        self._send = send
        kept = scope["path"].startswith(("/page/", "/samples/"))
        self._headers = [*_HEADERS, _ASKED_AGAIN if kept else _NOT_STORED]
        self._headers.append((b"x-request-id", name.encode()))

    async def send(self, message: Message) -> None:
        """Adds the headers to the start of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._headers]
        await self._send(message)

    async def fail(self) -> None:
        """Answers 500, where nothing was answered yet."""
        if self.status:
            return
        body = error_body("the service failed at this request; its log says why")
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

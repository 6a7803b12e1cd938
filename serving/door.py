"""Who may come in: the API key, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from starlette.requests import Request

from .errors import ServiceError


class Door:
    """Open to everybody without keys; else to requests that carry one of them.

    The key comes as `X-API-Key: KEY` or `Authorization: Bearer KEY`.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = [_digest(key.encode()) for key in keys]

    @property
    def locked(self) -> bool:
        """Whether a key is wanted."""
        return bool(self._digests)

    def check(self, request: Request) -> None:
        """Raises ServiceError 401 for a request that may not come in."""
        if not self._digests:
            return
        # Headers are bytes, which come decoded as Latin-1.
        given = _digest(_key_of(request).encode("latin-1"))
        # Every key is compared to its end: how long it takes says nothing about them.
        fits = [hmac.compare_digest(given, digest) for digest in self._digests]
        if not any(fits):
            raise ServiceError(
                401,
                "an API key is wanted in the header X-API-Key or as Authorization: Bearer",
                "key",
                {"WWW-Authenticate": "Bearer"},
            )


def _key_of(request: Request) -> str:
    key = request.headers.get("x-api-key")
    if key is not None:
        return key
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _digest(key: bytes) -> bytes:
    # Of one length whatever the key's is, as a comparison in constant time wants it.
    return hashlib.sha256(key).digest()

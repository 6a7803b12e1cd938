"""Receiving a request's body: counted while it streams, cut off where it exceeds a limit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

from starlette.requests import ClientDisconnect, Request

from .errors import ServiceError, busy
from .form import Form
from .pictures import Upload
from .settings import ServiceSettings

# After a refusal this much is read and dropped, so that the sender gets to see the answer: a
# connection that is closed on unread bytes is reset, and the answer lost.
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 64 * 2**20
_CLOSE = {"Connection": "close"}


class Share:
    """The bytes that one request holds of the buffer."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self.size = 0

    def grow(self, size: int) -> None:
        """Raises ServiceError 503 where the buffer has no room for so many bytes more."""
        if self._buffer.held + size > self._buffer.most:
            raise busy(1)
        self.size += size
        self._buffer.held += size


class Buffer:
    """Bytes that all requests together may hold in memory, `most`, and do, `held`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    @contextlib.contextmanager
    def share(self) -> Iterator[Share]:
        """What one request takes is given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.size


async def receive_form(
    request: Request, settings: ServiceSettings, share: Share, check: Callable[[], None]
) -> list[Upload]:
    """The pictures of a form.

    Args:
        request: whose body nobody has read.
        settings: bytes and seconds of them count here.
        share: grows with the body.
        check: raises a ServiceError where the request is not wanted at all; called before any
            of its body is kept.

    Raises:
        ServiceError: see `Form`; 408 too slow, 413 too large, 503 no room.
    """
    pieces = request.stream()
    try:
        check()
        _check_length(request, settings.max_bytes)
        form = Form(request.headers.get("content-type", ""), settings)
        async with asyncio.timeout(settings.upload_timeout):
            await _fill(form, pieces, share, settings.max_bytes)
        return form.uploads()
    except TimeoutError as error:
        sentence = f"the upload took longer than {settings.upload_timeout:g} s"
        raise ServiceError(408, sentence, "slow", _CLOSE) from error
    except ClientDisconnect as error:
        raise ServiceError(400, "the sender went away", "disconnected") from error
    except ServiceError as error:
        if not await _drop_rest(request, pieces):
            error.headers.update(_CLOSE)
        raise


def _check_length(request: Request, most: int) -> None:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise _too_large(most)


async def _fill(form: Form, pieces: AsyncIterator[bytes], share: Share, most: int) -> None:
    async for piece in pieces:
        if share.size + len(piece) > most:
            raise _too_large(most)
        share.grow(len(piece))
        form.feed(piece)


def _too_large(most: int) -> ServiceError:
    return ServiceError(413, f"the request is larger than {most:,} bytes", "bytes")


async def _drop_rest(request: Request, pieces: AsyncIterator[bytes]) -> bool:
    """Reads what is left of a refused body, for a while; whether it came to its end."""
    # Such a sender waits for our word before it sends anything.
    if request.headers.get("expect", "").lower() == "100-continue":
        return False
    dropped = 0
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            async for piece in pieces:
                dropped += len(piece)
                if dropped > _LINGER_BYTES:
                    return False
    except (TimeoutError, ClientDisconnect):
        return False
    return True

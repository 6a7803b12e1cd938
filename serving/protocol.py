"""HTTP for impatient servers: uvicorn's protocol, which by itself waits for ever."""

from __future__ import annotations

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_FLUSH_SECONDS = 10.0


def impatient_protocol(header_timeout: float) -> type[HttpToolsProtocol]:
    """The protocol class with its time limit, seconds, bound."""
    return type("BoundProtocol", (ImpatientProtocol,), {"header_timeout": header_timeout})


class ImpatientProtocol(HttpToolsProtocol):
    """Closes connections that send no whole request head, or do not take their answer.

    Bodies are not its affair: they are timed where they are received. Without it connections that
    send a byte now and then would use up all that the service may hold.
    """

    header_timeout: float
    _head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """The clock starts before the first byte."""
        super().connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """The clock runs while no request is being served."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_clock()
        elif self._head_timer is None and not self.transport.is_closing():
            self._start_clock()

    def on_response_complete(self) -> None:
        """An answer that is the last one must be taken in time."""
        super().on_response_complete()
        if self.transport.is_closing():
            self.loop.call_later(_FLUSH_SECONDS, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Whoever has not even taken the last answer is cut off."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        """No clock outlives its connection."""
        self._stop_clock()
        super().connection_lost(exc)

    def _start_clock(self) -> None:
        self._head_timer = self.loop.call_later(self.header_timeout, self._too_slow)

    def _stop_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

"""Clients of the service: those that ask without a pause, and those that hold it up."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from load_requests import Request

ANSWER_SECONDS = 60.0
BACK_AFTER = 0.1
_EXAMPLES = 5


@dataclass
class Load:
    """What clients saw.

    Attributes:
        statuses: answers by status; 0: cut off by the client itself.
        latencies: seconds of requests that were read.
        lost: requests without an answer.
        examples: of what was wrong or lost.
    """

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    readings: int = 0
    hostile: int = 0
    wrong: int = 0
    lost: int = 0
    examples: list[str] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        if len(self.examples) < _EXAMPLES:
            self.examples.append(sentence)

    def quantile(self, share: float) -> float:
        """Of the latencies, seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(frozen=True)
class Asked:
    """What may be asked."""

    good: Sequence[Request]
    hostile: Sequence[Request]

    def any(self, moments: random.Random) -> Request:
        """One in ten is hostile."""
        return moments.choice(self.hostile if moments.random() < 0.1 else self.good)


class Connection:
    """A connection that is opened anew where it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, data: bytes) -> tuple[int, bytes]:
        """Status and body; OSError where the connection ends before."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        try:
            writer.write(data)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            body = await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise ConnectionResetError(str(error)) from error
        if b"connection: close" in head:
            self.close()
        return int(head[9:12]), body

    async def break_off(self, data: bytes) -> None:
        """Sends this much and goes away."""
        self.close()
        _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(data)
        await writer.drain()
        writer.close()

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def ask_on(
    port: int,
    asked: Asked,
    number: int,
    load: Load,
    ending: asyncio.Event,
    is_ending: bool = False,
) -> None:
    """One client: asks again as soon as it is answered, a little later where it was refused.

    Args:
        port: of the service.
        asked: what to choose from.
        number: of the client, which seeds its choice.
        load: where all clients note what they saw.
        ending: ends it.
        is_ending: the service will end: a closed connection ends the client and is no loss.
    """
    moments, connection = random.Random(number), Connection(port)
    while not ending.is_set():
        request = asked.any(moments)
        load.hostile += request.is_hostile
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await _ask(connection, request, load)
        except TimeoutError:
            load.lost += 1
            load.tell(f"{request.name}: no answer in {ANSWER_SECONDS:g} s")
            connection.close()
        except OSError as error:
            if is_ending:
                return
            if not request.is_hostile:
                load.lost += 1
                load.tell(f"{request.name}: {error}")
    connection.close()


async def _ask(connection: Connection, request: Request, load: Load) -> None:
    if request.cut is not None:
        await connection.break_off(request.data[: request.cut])
        load.statuses[0] += 1
        return
    began = time.perf_counter()
    status, body = await connection.ask(request.data)
    load.statuses[status] += 1
    if status == 400:  # after what is no HTTP, or no form, nothing can follow
        connection.close()
    fault = request.fault_of(status, body)
    if fault is not None:
        load.wrong += 1
        load.tell(fault)
    if status == 503:
        await asyncio.sleep(BACK_AFTER)
    elif not request.is_hostile:
        load.latencies.append(time.perf_counter() - began)
        load.readings += len(request.readings)


async def keep_slow(port: int, ending: asyncio.Event) -> None:
    """Sends a request's head a byte a second, again and again."""
    head = b"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n"
    while not ending.is_set():
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            for byte in head:
                if ending.is_set() or writer.is_closing():
                    break
                writer.write(bytes([byte]))
                await asyncio.sleep(1)
            writer.close()


async def keep_half_closed(port: int, ending: asyncio.Event) -> None:
    """Promises a body, closes its half of the connection, and waits for the other."""
    head = b"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    while not ending.is_set():
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            writer.write_eof()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await reader.read()
            writer.close()

"""The service against its own reader: plates a second, latencies, and what an overload does.

    python benchmarks/serving.py [--clients 32] [--seconds 10] [--rounds 3] [--json FILE]

Reader and service take turns, round by round, on the same processors, so that what else the
machine does meets both. The clients run on these processors too, so the served figure is a lower
bound; processor seconds a plate, which they do not touch, stand beside it. Status 1 where the
service reads less than 70 % of what the reader does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BOUNDARY = b"chepai-benchmark"
LEAST_SHARE = 0.70
# How soon a client that was refused comes back; the service's Retry-After would be kinder.
BACK_AFTER = 0.1


@dataclass
class Load:
    """What a number of clients saw: seconds of each reading by its status, and wrong texts."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0

    @property
    def plates_a_second(self) -> float:
        return self.statuses[200] / self.seconds

    def quantile(self, share: float) -> float:
        """Of the latencies of readings, seconds."""
        ordered = sorted(self.latencies)
        return (
            ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
        )


class Client(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, requests: list[tuple[bytes, bytes]], start: int, load: Load) -> None:
        self._requests = requests
        self._turn = start
        self._load = load
        self._received = b""
        self._began = 0.0
        self.ended = asyncio.get_running_loop().create_future()
        self.stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._received = b""
            self._answered(int(head[9:12]), body)

    def _ask(self) -> None:
        if self.stopped:
            self._transport.close()
            return
        self._turn += 1
        self._began = time.perf_counter()
        self._transport.write(self._requests[self._turn % len(self._requests)][0])

    def _answered(self, status: int, body: bytes) -> None:
        if self.stopped:
            self._transport.close()
            return
        self._load.statuses[status] += 1
        if status != 200:
            asyncio.get_running_loop().call_later(BACK_AFTER, self._ask)
            return
        self._load.latencies.append(time.perf_counter() - self._began)
        self._load.wrong += self._requests[self._turn % len(self._requests)][1] not in body
        self._ask()


async def put_load(
    port: int, requests: list[tuple[bytes, bytes]], clients: int, seconds: float
) -> Load:
    """That many clients for that long."""
    load = Load()
    loop = asyncio.get_running_loop()
    opened = []
    start = time.perf_counter()
    for number in range(clients):
        _, client = await loop.create_connection(
            lambda number=number: Client(requests, number, load), "127.0.0.1", port
        )
        opened.append(client)
    await asyncio.sleep(seconds)
    load.seconds = time.perf_counter() - start
    for client in opened:
        client.stopped = True
    await asyncio.wait([client.ended for client in opened], timeout=30)
    return load


class Service:
    """The service in a process of its own."""

    def __init__(self, options: list[str]) -> None:
        command = [sys.executable, str(ROOT / "run.py"), "serve", "--port", "0", "--quiet"]
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.port = int(line.strip().strip("/").rpartition(":")[2])

    def processor_seconds(self) -> float:
        """Used so far (Linux)."""
        fields = (
            Path(f"/proc/{self._process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        )
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(60)


@contextlib.contextmanager
def service(options: list[str]) -> Iterator[Service]:
    """A service that ends with the block."""
    opened = Service(options)
    try:
        yield opened
    finally:
        opened.end()


def request_of(data: bytes, text: str) -> tuple[bytes, bytes]:
    """A request with one picture, and what its answer has to hold."""
    part = b'Content-Disposition: form-data; name="img"; filename="a.jpg"\r\n\r\n'
    body = b"--" + BOUNDARY + b"\r\n" + part + data + b"\r\n--" + BOUNDARY + b"--\r\n"
    head = (
        b"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; "
        b"boundary=" + BOUNDARY + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    return head + body, f'"text": "{text}"'.encode()


def read_for(reader: Any, pictures: list[bytes], seconds: float) -> tuple[float, float]:
    """The reader's own plates a second, and processor seconds a plate."""
    many = pictures * (512 // len(pictures))
    plates, start, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        plates += len(reader.read(many))
    taken = time.perf_counter() - start
    return plates / taken, (time.process_time() - used) / plates


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    from chepai import Reader
    from chepai.inference.files import sample_pictures

    reader = Reader(args.model, threads=args.threads)
    pictures = [file.read_bytes() for file in sample_pictures()]
    readings = reader.read(pictures)
    requests = [
        request_of(data, reading.text) for data, reading in zip(pictures, readings, strict=True)
    ]
    options = ["--model", args.model, *args.serve]
    options += ["--threads", str(args.threads)] if args.threads else []
    rounds = []
    with service(options) as served:
        asyncio.run(put_load(served.port, requests, 8, 1))  # both are warm
        for _ in range(args.rounds):
            alone, alone_cpu = read_for(reader, pictures, args.seconds)
            used = served.processor_seconds()
            load = asyncio.run(put_load(served.port, requests, args.clients, args.seconds))
            cpu = (served.processor_seconds() - used) / max(1, load.statuses[200])
            rounds.append((alone, alone_cpu, load, cpu))
        overload = asyncio.run(put_load(served.port, requests, 10 * args.clients, args.seconds))
        after = asyncio.run(put_load(served.port, requests, args.clients, args.seconds / 2))
    return figures(args, rounds, overload, after)


def figures(
    args: argparse.Namespace,
    rounds: list[tuple[float, float, Load, float]],
    overload: Load,
    after: Load,
) -> dict[str, Any]:
    """As JSON holds them: medians over the rounds."""
    loads = [load for _, _, load, _ in rounds]
    middle = statistics.median
    return {
        "model": args.model,
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "clients": args.clients,
        "reader_plates_a_second": middle(alone for alone, _, _, _ in rounds),
        "served_plates_a_second": middle(load.plates_a_second for load in loads),
        "share": middle(load.plates_a_second / alone for alone, _, load, _ in rounds),
        "share_by_processor_time": middle(alone / cpu for _, alone, _, cpu in rounds),
        "p50_ms": 1000 * middle(load.quantile(0.50) for load in loads),
        "p99_ms": 1000 * middle(load.quantile(0.99) for load in loads),
        "overload": _of_load(overload) | {"clients": 10 * args.clients},
        "after_overload": _of_load(after),
        "wrong": sum(load.wrong for load in (*loads, overload, after)),
    }


def _of_load(load: Load) -> dict[str, Any]:
    return {
        "plates_a_second": load.plates_a_second,
        "statuses": dict(load.statuses),
        "p50_ms": 1000 * load.quantile(0.50),
        "p99_ms": 1000 * load.quantile(0.99),
        "slowest_ms": 1000 * max(load.latencies, default=float("nan")),
    }


def show(found: dict[str, Any]) -> None:
    """The table."""
    print(f"model {found['model']}; {found['machine']}; {found['clients']} clients\n")
    print("| | plates/s | p50 ms | p99 ms | refused (503) |\n|---|---|---|---|---|")
    print(f"| reader alone, batches of 64 | {found['reader_plates_a_second']:.1f} | - | - | - |")
    print(
        f"| served | {found['served_plates_a_second']:.1f} | {found['p50_ms']:.0f} | "
        f"{found['p99_ms']:.0f} | 0 |"
    )
    for name, key in (("tenfold overload", "overload"), ("after it", "after_overload")):
        load = found[key]
        refused = load["statuses"].get(503, 0)
        print(
            f"| {name} | {load['plates_a_second']:.1f} | {load['p50_ms']:.0f} | "
            f"{load['p99_ms']:.0f} | {refused} |"
        )
    print(
        f"\nserved share of the reader's: {found['share']:.1%}; by processor time "
        f"{found['share_by_processor_time']:.1%}; wrong answers: {found['wrong']}"
    )


def main() -> int:
    """Measures, prints, and says whether the service keeps up."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default="default")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("serve", nargs="*", help="further options of serve, after --")
    args = parser.parse_args()
    found = measure(args)
    show(found)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if found["share"] >= LEAST_SHARE and not found["wrong"] else 1


if __name__ == "__main__":
    sys.exit(main())

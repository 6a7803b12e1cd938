"""The service under strangers for a long time: nothing wrong, nothing lost, nothing grows.

    python benchmarks/reliability/serve_load.py [--minutes 10] [--clients 50] [--json FILE]

(Linux.) Fifty clients ask a service in a process of its own without a pause, one request in ten
hostile; beside them others send a byte a second or close their half of the connection. Every
reading is compared with `Reader`'s. Then ten times as many clients come at once, then it is ended
with SIGTERM while it is asked. Status 1 where an answer is wrong or lost, where a hostile request
is answered otherwise than with its own refusal, where memory grows by 5 % or more after the first
fifth, or where connections stay open.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from load_clients import Asked, Load, ask_on, keep_half_closed, keep_slow
from load_requests import all_requests
from service_process import Service

MOST_GROWTH = 0.05
SLOW, HALF_CLOSED = 10, 10


def main(arguments: list[str] | None = None) -> int:
    """Prints a row a phase; 1 where something is otherwise than promised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="default")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(arguments)
    good, hostile = all_requests(args.model)
    asked = Asked(good, hostile)
    seconds = 60 * args.minutes
    with tempfile.TemporaryDirectory() as folder:
        options = ("--model", args.model, "--queue", str(max(40, 5 * args.clients)))
        with Service(Path(folder) / "log", *options) as service:
            figures = measure(service, asked, args.clients, seconds)
        with Service(Path(folder) / "log2", *options) as service:
            ended = asyncio.run(end_under_load(service, asked, args.clients, brief(seconds)))
    figures["SIGTERM"] = ended
    show(figures)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return int(not is_as_promised(figures))


def brief(seconds: float) -> float:
    """How long the phases after the first one take."""
    return min(20.0, seconds / 5)


def measure(service: Service, asked: Asked, clients: int, seconds: float) -> dict[str, Any]:
    """The figures of all phases but the last."""
    figures: dict[str, Any] = {}
    figures["load"] = of(asyncio.run(load(service, asked, clients, seconds)))
    figures["memory"] = memory(service)
    figures["handles"] = [service.handles()]
    figures["overload"] = of(asyncio.run(load(service, asked, 10 * clients, brief(seconds))))
    figures["after overload"] = of(asyncio.run(load(service, asked, clients, brief(seconds))))
    figures["handles"].append(service.handles())
    figures["exit status"] = service.end()
    return figures


async def load(service: Service, asked: Asked, clients: int, seconds: float) -> Load:
    """So many clients for so long; slow ones and half-closed connections beside them."""
    found, ending = Load(), asyncio.Event()
    beside = [asyncio.create_task(keep_slow(service.port, ending)) for _ in range(SLOW)]
    beside += [
        asyncio.create_task(keep_half_closed(service.port, ending)) for _ in range(HALF_CLOSED)
    ]
    asking = [
        asyncio.create_task(ask_on(service.port, asked, number, found, ending))
        for number in range(clients)
    ]
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        await asyncio.sleep(min(1.0, seconds / 20))
        service.note_memory()
    ending.set()
    await asyncio.gather(*asking, *beside)
    found.seconds = time.perf_counter() - began
    return found


async def end_under_load(
    service: Service, asked: Asked, clients: int, seconds: float
) -> dict[str, Any]:
    """SIGTERM after a while; readings that the service says it gave, and those that came."""
    found, ending = Load(), asyncio.Event()
    asking = [
        asyncio.create_task(ask_on(service.port, asked, number, found, ending, is_ending=True))
        for number in range(clients)
    ]
    await asyncio.sleep(seconds / 2)
    service.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*asking)
    status = await asyncio.to_thread(service.process.wait, 90)
    given = service.answered(200)
    return of(found) | {"given": given, "came": found.statuses[200], "exit status": status}


def memory(service: Service) -> dict[str, float]:
    """Megabytes after the first fifth and in the last one, medians, and the growth."""
    fifth = max(1, len(service.memory) // 5)
    begin = statistics.median(service.memory[fifth : 2 * fifth])
    end = statistics.median(service.memory[-fifth:])
    return {"after warm-up MB": begin / 1e6, "at the end MB": end / 1e6, "growth": end / begin - 1}


def of(found: Load) -> dict[str, Any]:
    """A phase's figures."""
    return {
        "requests": sum(found.statuses.values()),
        "readings": found.readings,
        "hostile": found.hostile,
        "busy": found.statuses[503],
        "wrong": found.wrong,
        "lost": found.lost,
        "p50 ms": 1000 * found.quantile(0.5),
        "p99 ms": 1000 * found.quantile(0.99),
        "slowest ms": 1000 * max(found.latencies, default=0.0),
        "a second": found.readings / max(found.seconds, 1e-9),
        "examples": found.examples,
    }


def is_as_promised(figures: dict[str, Any]) -> bool:
    """Whether nothing was wrong or lost, memory stayed flat and refusals were those that belong."""
    phases = [figures[name] for name in ("load", "overload", "after overload", "SIGTERM")]
    return (
        not any(phase["wrong"] or phase["lost"] for phase in phases)
        and figures["memory"]["growth"] < MOST_GROWTH
        and figures["handles"][1] <= figures["handles"][0]
        and figures["load"]["busy"] == 0
        and figures["overload"]["busy"] > 0
        and figures["after overload"]["busy"] == 0
        and figures["SIGTERM"]["given"] == figures["SIGTERM"]["came"]
        and figures["exit status"] == figures["SIGTERM"]["exit status"] == 0
    )


def show(figures: dict[str, Any]) -> None:
    """The table."""
    columns = ("requests", "readings", "hostile", "busy", "wrong", "lost", "p50 ms", "p99 ms")
    print(f"| phase | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name in ("load", "overload", "after overload", "SIGTERM"):
        row = (f"{figures[name][column]:,.0f}" for column in columns)
        print(f"| {name} | {' | '.join(row)} |")
        for example in figures[name]["examples"]:
            print(f"  {example}")
    found, handles, ended = figures["memory"], figures["handles"], figures["SIGTERM"]
    print(
        f"\nmemory {found['after warm-up MB']:.1f} MB after warm-up, {found['at the end MB']:.1f} "
        f"MB at the end ({found['growth']:+.1%}); handles {handles[0]} after the first phase, "
        f"{handles[1]} after the third; SIGTERM: {ended['given']:,} answers with 200 given, "
        f"{ended['came']:,} came; exit statuses {figures['exit status']} and "
        f"{ended['exit status']}"
    )


if __name__ == "__main__":
    sys.exit(main())

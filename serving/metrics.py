"""What the service counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from .batcher import BatchRun

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_PLATES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counters of one service, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "chepai_requests", "Requests answered", ["path", "status"], registry=registry
        )
        self._seconds = Histogram(
            "chepai_request_seconds", "From the first line to the whole answer", ["path"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._plates = Counter(
            "chepai_plates", "Readings by what became of them", ["outcome"], registry=registry
        )
        self._refused = Counter(
            "chepai_refused_requests", "Requests refused, by reason", ["reason"], registry=registry
        )
        self._bytes = Counter("chepai_received_bytes", "Of request bodies", registry=registry)
        self._batch = Histogram(
            "chepai_batch_plates", "Plates in one run of the model", buckets=_PLATES,
            registry=registry,
        )  # fmt: skip
        self._run = Histogram(
            "chepai_batch_seconds", "One run of the model, decoded", buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._wait = Histogram(
            "chepai_batch_wait_seconds", "The longest that a batch's plates had waited",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.read(0, 0, 0)

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Adds a gauge that is looked at when metrics are asked for."""
        Gauge(name, text, registry=self._registry).set_function(value)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Counts a request; `path` is one of ours, never what a stranger wrote."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def received(self, size: int) -> None:
        """Counts a body's bytes."""
        self._bytes.inc(size)

    def refused(self, reason: str) -> None:
        """Counts a refusal."""
        self._refused.labels(reason).inc()

    def read(self, accepted: int, rejected: int, unreadable: int) -> None:
        """Counts readings by what became of them."""
        self._plates.labels("accepted").inc(accepted)
        self._plates.labels("rejected").inc(rejected)
        self._plates.labels("unreadable").inc(unreadable)

    def ran(self, run: BatchRun) -> None:
        """Counts a run of the model."""
        self._batch.observe(run.plates)
        self._run.observe(run.seconds)
        self._wait.observe(run.longest_wait)

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)

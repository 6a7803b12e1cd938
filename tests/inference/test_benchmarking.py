"""What is measured: in turn, for about the time given, and compared round by round."""

from __future__ import annotations

from pathlib import Path

import pytest
from chepai.errors import InputError
from chepai.inference.benchmarking import Figures, measure
from chepai.inference.files import sample_pictures
from chepai.inference.machine import describe_machine
from chepai.inference.timing_process import SCOPES, Contender, Worker


class FakeWorker:
    """Takes `pace` seconds a picture, slower by the round; notes whose turn it is."""

    def __init__(self, name: str, pace: float, turns: list[str]) -> None:
        self.name, self.pace, self.turns = name, pace, turns
        self.asked = 0.0

    def _now(self, seconds: float) -> float:
        self.turns.append(self.name)
        self.asked += seconds
        return self.pace * len(self.turns)

    def latencies(self, scope: str, seconds: float) -> list[float]:
        return [self._now(seconds)] * 3

    def speed(self, scope: str, seconds: float) -> float:
        return 1 / self._now(seconds)


@pytest.mark.parametrize(("seconds", "rounds"), [(0.1, 3), (24.0, 10), (1000.0, 20)])
def test_everybody_has_a_turn_in_every_round_and_the_time_is_kept(seconds: float, rounds: int):
    turns: list[str] = []
    workers = [FakeWorker("a", 1.0, turns), FakeWorker("b", 2.0, turns)]
    *_, figures = measure(workers, seconds)
    assert len(turns) == rounds * 8
    assert "".join(turns[:8]) == "abababab"
    assert sum(worker.asked for worker in workers) == pytest.approx(seconds)
    for found in figures:
        assert all(
            len(found.seconds[scope]) == len(found.speeds[scope]) == rounds for scope in SCOPES
        )


def figures(turns: list[list[float]], speeds: list[float]) -> Figures:
    return Figures(dict.fromkeys(SCOPES, turns), dict.fromkeys(SCOPES, speeds))


def test_latency_is_the_median_and_the_95th_percentile_of_all_rounds():
    found = figures([[float(n) for n in range(1, 51)], [float(n) for n in range(51, 102)]], [1.0])
    assert found.latency("network") == (51.0, 96.0)


def test_ratios_are_taken_within_rounds_so_that_drift_cancels_out():
    first = figures([[1.0], [10.0], [100.0]], [100.0, 10.0, 1.0])
    twice = figures([[0.5], [5.0], [50.0]], [200.0, 20.0, 2.0])
    assert twice.faster_than(first, "end_to_end") == (2.0, 2.0)
    assert first.faster_than(twice, "end_to_end") == (0.5, 0.5)


def test_one_disturbed_round_does_not_decide():
    first = figures([[1.0], [1.0], [1.0]], [10.0, 10.0, 10.0])
    other = figures([[0.5], [90.0], [0.5]], [20.0, 0.1, 20.0])
    assert other.faster_than(first, "network") == (2.0, 2.0)


def test_a_worker_measures_and_reads_in_a_process_of_its_own(tiny_onnx: Path):
    pictures = sample_pictures()
    with Worker(Contender(str(tiny_onnx), threads=1)) as worker:
        assert worker.schema.name == "cn"
        worker.prepare([path.read_bytes() for path in pictures])
        for scope in SCOPES:
            times = worker.latencies(scope, 0.05)
            assert len(times) >= 1 and all(0 < time < 60 for time in times)
            assert worker.speed(scope, 0.05) > 0
        readings = worker.read(pictures)
        assert [reading.file for reading in readings] == [str(path) for path in pictures]
        with pytest.raises(InputError, match="none of the pictures can be read"):
            worker.prepare([b"no picture"])


def test_a_model_that_cannot_be_loaded_is_one_sentence():
    with pytest.raises(InputError, match=r"there is no model file nowhere\.onnx"):
        Worker(Contender("nowhere.onnx"))


def test_the_machine_is_described():
    machine = describe_machine()
    assert machine["processors"] >= 1 and machine["processor"]
    assert {"numpy", "onnxruntime"} <= machine["versions"].keys()
    assert len(machine["date"]) == len("2026-11-21")

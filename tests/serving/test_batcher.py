"""Plates of concurrent callers become batches; nobody waits for nothing, nobody is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

pytest.importorskip("prometheus_client", reason="the extra serve is absent")

from chepai.serving.batcher import Batcher, BatchRun
from patience import PATIENCE

HOUR = 3600.0


class Answers:
    """Collects what came back, and waits for all of it."""

    def __init__(self) -> None:
        self.got: dict[int, object] = {}
        self._changed = threading.Condition()

    def of(self, number: int):
        def take(result: object) -> None:
            with self._changed:
                self.got[number] = result
                self._changed.notify()

        return take

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.got) >= count, PATIENCE), self.got


def plate(number: int) -> np.ndarray:
    return np.full((2, 3, 3), number, np.uint8)


class Levels:
    """Reads a plate as its number, and keeps the sizes of its batches."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, pixels: np.ndarray) -> Sequence[int]:
        self.gate.wait(PATIENCE)
        self.sizes.append(len(pixels))
        return pixels[:, 0, 0, 0].tolist()


def test_a_lone_plate_does_not_wait_for_others():
    answers, batcher = Answers(), Batcher(Levels(), 8, window=HOUR)
    batcher.start()
    batcher.put(plate(7), answers.of(0))
    answers.wait_for(1)
    assert answers.got == {0: 7}
    batcher.close()


def test_plates_wait_for_those_that_are_on_their_way_and_go_together():
    levels, answers = Levels(), Answers()
    batcher = Batcher(levels, 8, window=HOUR)
    batcher.start()
    batcher.expect()
    for number in range(3):
        batcher.put(plate(number), answers.of(number))
    time.sleep(0.05)
    assert not levels.sizes
    batcher.arrived()
    answers.wait_for(3)
    assert levels.sizes == [3] and answers.got == {0: 0, 1: 1, 2: 2}
    batcher.close()


def test_nobody_waits_longer_than_the_window_for_someone_who_does_not_come():
    levels, answers = Levels(), Answers()
    batcher = Batcher(levels, 8, window=0.05)
    batcher.start()
    batcher.expect()
    batcher.put(plate(1), answers.of(1))
    answers.wait_for(1)
    batcher.close()


def test_a_full_batch_does_not_wait_and_none_is_larger():
    levels, answers, runs = Levels(), Answers(), list[BatchRun]()
    levels.gate.clear()
    batcher = Batcher(levels, 4, window=HOUR, after_run=runs.append)
    batcher.start()
    batcher.expect()
    for number in range(11):
        batcher.put(plate(number), answers.of(number))
    levels.gate.set()
    answers.wait_for(8)
    batcher.arrived()
    answers.wait_for(11)
    batcher.close()
    assert levels.sizes == [4, 4, 3] == [run.plates for run in runs]
    assert answers.got == {number: number for number in range(11)}
    assert all(run.seconds >= 0 and run.longest_wait >= 0 for run in runs)


def test_an_error_goes_to_those_who_asked_and_the_next_are_read():
    def read(pixels: np.ndarray) -> Sequence[int]:
        if pixels[0, 0, 0, 0] == 13:
            raise RuntimeError("no")
        return pixels[:, 0, 0, 0].tolist()

    answers, batcher = Answers(), Batcher(read, 1, window=0)
    batcher.start()
    for number in (13, 5):
        batcher.put(plate(number), answers.of(number))
    answers.wait_for(2)
    assert isinstance(answers.got[13], RuntimeError) and answers.got[5] == 5
    batcher.close()


def test_closing_reads_what_waits():
    levels, answers = Levels(), Answers()
    batcher = Batcher(levels, 2, window=HOUR)
    batcher.expect()
    for number in range(5):
        batcher.put(plate(number), answers.of(number))
    batcher.start()
    batcher.close()
    assert answers.got == {number: number for number in range(5)} and not batcher.is_alive


def test_threads_part_what_waits_and_read_at_the_same_time():
    met = threading.Barrier(3, timeout=PATIENCE)
    sizes: list[int] = []

    def read(pixels: np.ndarray) -> Sequence[int]:
        sizes.append(len(pixels))
        met.wait()  # passes only when all three threads are in here
        return pixels[:, 0, 0, 0].tolist()

    answers, batcher = Answers(), Batcher(read, 32, window=HOUR, threads=3)
    batcher.expect()
    for number in range(30):
        batcher.put(plate(number), answers.of(number))
    batcher.arrived()
    batcher.start()
    answers.wait_for(30)
    batcher.close()
    assert sorted(sizes) == [10, 10, 10]
    assert answers.got == {number: number for number in range(30)}


def test_few_plates_are_not_parted():
    levels, answers = Levels(), Answers()
    batcher = Batcher(levels, 32, window=HOUR, threads=4)
    batcher.expect()
    for number in range(6):
        batcher.put(plate(number), answers.of(number))
    batcher.arrived()
    batcher.start()
    answers.wait_for(6)
    batcher.close()
    assert levels.sizes == [6]


def test_many_plates_through_many_threads_are_each_answered_once():
    counts: dict[int, int] = {}
    lock = threading.Lock()

    def read(pixels: np.ndarray) -> Sequence[int]:
        values = pixels.reshape(len(pixels), -1)[:, :2].astype(int)
        return (values[:, 0] * 256 + values[:, 1]).tolist()

    def answer(number: int):
        def take(result: object) -> None:
            assert result == number
            with lock:
                counts[number] = counts.get(number, 0) + 1

        return take

    batcher = Batcher(read, 7, window=0.001, threads=4)
    batcher.start()

    def bring(start: int) -> None:
        for number in range(start, 2000, 4):
            batcher.expect()
            pixels = np.array([[[number // 256, number % 256, 0]]], np.uint8)
            batcher.put(pixels, answer(number))
            batcher.arrived()

    callers = [threading.Thread(target=bring, args=(start,)) for start in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    batcher.close()
    assert counts == dict.fromkeys(range(2000), 1)

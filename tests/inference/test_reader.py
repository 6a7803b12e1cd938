"""Reader: what it takes, the order it keeps, and what it does with pictures that cannot be read."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from chepai import Reader
from chepai.errors import InputError


def grey(level: int, height: int = 20, width: int = 60) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def png(level: int) -> bytes:
    return cv2.imencode(".png", grey(level))[1].tobytes()


@pytest.fixture
def reader(grey_runtime) -> Reader:
    reader = Reader("any.onnx", batch_size=4)
    assert reader.card is grey_runtime.card
    return reader


def texts(readings) -> list[str]:
    return [reading.text for reading in readings]


def test_order_is_kept_across_batches_and_kinds_of_sources(reader: Reader, tmp_path: Path):
    sources, wanted = [], []
    for level in range(0, 250, 7):
        path = tmp_path / f"{level}.png"
        path.write_bytes(png(level))
        # Pictures of very different sizes take unequally long to decode.
        sources += [path, str(path), png(level), grey(level, 900, 900), grey(level)[:, :, 0]]
        wanted += [f"{level:03}"] * 5
    assert texts(reader.read(sources)) == wanted


def test_batches_are_full_but_for_the_last(reader: Reader, grey_runtime):
    assert len(reader.read([grey(1)] * 10)) == 10
    assert grey_runtime.batches == [4, 4, 2]


@pytest.mark.parametrize("one", [grey(42), grey(42)[:, :, 0], png(42), bytearray(png(42))])
def test_a_single_source_needs_no_list(reader: Reader, one):
    assert texts(reader.read(one)) == ["042"]


def test_an_array_of_four_dimensions_is_many_pictures(reader: Reader):
    assert texts(reader.read(np.stack([grey(3), grey(4)]))) == ["003", "004"]


def test_nothing_gives_nothing(reader: Reader):
    assert reader.read([]) == []


def test_the_fields_of_a_reading(reader: Reader, tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(png(117))
    (reading,) = reader.read(path, min_confidence=0.5)
    assert reading.text == "117" and reading.file == str(path) and reading.error is None
    assert reading.confidence == pytest.approx(0.9)
    assert [char for char, _ in reading.characters] == ["1", "1", "7"]
    assert reading.colour is None and reading.rows is None


def test_accepted_means_that_the_confidence_reaches_the_threshold(reader: Reader):
    (reading,) = reader.read(grey(1))
    assert reading.accepted
    exactly = reading.confidence
    assert reader.read(grey(1), min_confidence=exactly)[0].accepted
    assert not reader.read(grey(1), min_confidence=np.nextafter(exactly, 1))[0].accepted


def test_what_cannot_be_read_is_a_reading_with_a_reason(reader: Reader, tmp_path: Path):
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    bad = [tmp_path / "absent.jpg", text, tmp_path, b"", b"\xff\xd8\xff", np.zeros((5, 5, 7)), None]
    readings = reader.read([grey(8), *bad, grey(9), "nul\0byte.jpg"])
    assert texts(readings) == ["008", *[""] * len(bad), "009", ""]
    failed = [reading for reading in readings if not reading.text]
    assert all(reading.error and not reading.accepted for reading in failed)
    assert all(reading.confidence == 0 and reading.characters == () for reading in failed)
    assert failed[0].file == str(bad[0])
    assert "absent.jpg" not in failed[0].error  # the file has a field of its own


def test_a_batch_without_one_readable_picture_runs_no_model(reader: Reader, grey_runtime):
    assert [bool(reading.error) for reading in reader.read([b""] * 9)] == [True] * 9
    assert grey_runtime.batches == []


def test_an_endless_source_is_read_as_far_as_asked(reader: Reader):
    taken = itertools.count()
    stream = reader.read_stream(grey(next(taken) % 200) for _ in itertools.repeat(None))
    assert texts(itertools.islice(stream, 6)) == [f"{level:03}" for level in range(6)]
    # Six readings are of two batches of four; two more batches at most are on their way.
    assert next(taken) <= 16


@pytest.mark.parametrize("runtime", ["grey_runtime", "spread"])
def test_ten_thousand_pictures_are_never_held_together(runtime: str, request):
    request.getfixturevalue(runtime)
    reader = Reader("any.onnx", threads=2, batch_size=4)
    read = 0
    ahead = []

    def frames():
        for number in range(10_000):
            ahead.append(number - read)
            yield grey(number % 256, 8, 24)

    for number, reading in enumerate(reader.read_stream(frames())):
        read += 1
        assert reading.text == f"{number % 256:03}"
    assert read == 10_000
    assert max(ahead) <= 12


def test_a_buffer_that_is_filled_again_is_read_as_it_was(reader: Reader):
    buffer = grey(0, 8, 24)

    def camera():
        for level in range(12):
            buffer[:] = level
            yield buffer

    assert texts(reader.read(camera())) == [f"{level:03}" for level in range(12)]


class SpreadRuntime:
    """A runtime that can be run on several threads, which notes each run's thread and size."""

    def __init__(self, whole) -> None:
        self.card, self.run = whole.card, whole.run
        self.alone: list[tuple[str, int]] = []
        self._whole = whole

    def on_one_thread(self) -> SimpleNamespace:
        def run(images: np.ndarray) -> dict[str, np.ndarray]:
            self.alone.append((threading.current_thread().name, len(images)))
            return self._whole.run(images)

        return SimpleNamespace(card=self.card, run=run)


@pytest.fixture
def spread(grey_runtime, monkeypatch: pytest.MonkeyPatch) -> SpreadRuntime:
    runtime = SpreadRuntime(grey_runtime)
    monkeypatch.setattr("chepai.inference.reader.open_runtime", lambda *_: runtime)
    return runtime


def test_many_pictures_are_spread_over_threads_in_shares(spread: SpreadRuntime):
    reader = Reader("any.onnx", threads=3, batch_size=30)
    sources = [grey(level % 250, 900 if level % 7 else 8, 24) for level in range(200)]
    sources[50:90] = [b"no picture"] * 40
    readings = reader.read(sources)
    wanted = [f"{level % 250:03}" for level in range(200)]
    wanted[50:90] = [""] * 40
    assert texts(readings) == wanted
    assert len({thread for thread, _ in spread.alone}) == 3
    assert max(size for _, size in spread.alone) == 10
    assert sum(size for _, size in spread.alone) == 160


def test_few_pictures_are_read_with_all_processors_together(spread: SpreadRuntime, grey_runtime):
    reader = Reader("any.onnx", threads=2, batch_size=8)
    for count in (1, 8, 16):
        assert len(reader.read([grey(7)] * count)) == count
    assert spread.alone == [] and grey_runtime.batches == [1, 8, 8, 8]


@pytest.mark.parametrize("runtime", ["grey_runtime", "spread"])
def test_what_is_left_of_a_stream_is_no_batch_of_one(runtime: str, request, grey_runtime):
    """Libraries compute those another way, with another last digit."""
    request.getfixturevalue(runtime)
    reader = Reader("any.onnx", threads=2, batch_size=8)
    for count in (9, 33, 64 + 9):
        pictures = [grey(level) for level in range(count)]
        assert texts(reader.read(pictures)) == [f"{level:03}" for level in range(count)]
    assert 1 not in grey_runtime.batches
    one_at_a_time = Reader("any.onnx", threads=2, batch_size=1)
    grey_runtime.batches.clear()
    assert texts(one_at_a_time.read([grey(7)] * 3)) == ["007"] * 3
    assert grey_runtime.batches == [1, 1, 1]


@pytest.mark.usefixtures("spread")
def test_a_reader_reads_again_after_a_stream_was_left():
    before = threading.active_count()
    reader = Reader("any.onnx", threads=2, batch_size=4)
    for _ in range(20):
        stream = reader.read_stream(itertools.cycle([grey(5)]))
        assert texts(itertools.islice(stream, 3)) == ["005"] * 3
        stream.close()
    assert texts(reader.read([grey(9)] * 30)) == ["009"] * 30
    assert threading.active_count() <= before + 2


def test_onnx_reads_the_same_on_one_thread_each_as_on_all_together(tiny_onnx: Path):
    rng = np.random.default_rng(3)
    plates = list(rng.integers(0, 256, (40, 30, 90, 3), dtype=np.uint8))
    spread = Reader(tiny_onnx, threads=2, batch_size=9).read(plates)
    together = [Reader(tiny_onnx, threads=2).read(plate)[0] for plate in plates]
    assert texts(spread) == texts(together)
    for one, other in zip(spread, together, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)


def test_a_file_of_a_fixed_batch_is_read_in_whole_batches(tiny_files: Path):
    reader = Reader(tiny_files / "fixed.onnx", threads=2, batch_size=6)
    assert reader.runtime.on_one_thread() is None
    pictures = list(np.random.default_rng(4).integers(0, 256, (40, 30, 90, 3), dtype=np.uint8))
    assert texts(reader.read(pictures)) == texts(Reader(tiny_files / "tiny.onnx").read(pictures))


def test_a_failing_iterable_fails_the_reading(reader: Reader):
    def broken():
        yield grey(1)
        raise RuntimeError("camera lost")

    with pytest.raises(RuntimeError, match="camera lost"):
        reader.read(broken())


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_a_threshold_is_a_probability(reader: Reader, value: float):
    with pytest.raises(InputError, match="from 0 to 1"):
        reader.read_stream([], min_confidence=value)


def test_schema_and_input_size_are_the_models(reader: Reader, grey_runtime):
    assert reader.schema is grey_runtime.card.schema
    assert reader.input_size == (8, 24)

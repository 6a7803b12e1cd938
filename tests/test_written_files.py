"""Files are written whole or not at all, and logs stay small, whatever the disk does."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from chepai.dataset.array_writer import write_array
from chepai.errors import InputError
from chepai.files import LOG_FILES, RotatingLog, WriteError, atomic_path, remove_partials
from chepai.plate.schema import load_schema
from full_disk import files_up_to


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("Can't decrement id ref count (file write failed: errno = 28, error message)"),
        OSError("9000 requested and 512 written"),
        ValueError("ResourceExhaustedError: /x/y.tfrecord; No space left on device"),
    ],
)
def test_a_full_disk_is_one_sentence_in_whosever_words_it_comes(tmp_path: Path, error: Exception):
    (tmp_path / "x.txt").write_text("before")
    with (
        pytest.raises(WriteError, match=r"cannot write .*x\.txt: No space left on device"),
        atomic_path(tmp_path / "x.txt") as temporary,
    ):
        temporary.write_text("half")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]
    assert (tmp_path / "x.txt").read_text() == "before"


@pytest.mark.parametrize(
    "error", [FileNotFoundError(2, "gone"), RuntimeError("other"), InputError("errno = 28")]
)
def test_other_errors_stay_what_they_are(tmp_path: Path, error: Exception):
    with pytest.raises(type(error)) as raised, atomic_path(tmp_path / "x.txt"):
        raise error
    assert raised.value is error


def test_a_disk_that_is_full_leaves_what_stood_there(tmp_path: Path):
    with atomic_path(tmp_path / "x.bin", durable=True) as temporary:
        temporary.write_bytes(bytes(100))
    with (
        files_up_to(1000),
        pytest.raises(WriteError, match=r"x\.bin: File too large"),
        atomic_path(tmp_path / "x.bin") as temporary,
    ):
        temporary.write_bytes(bytes(5000))
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [100]


def test_an_array_that_finds_no_room_says_so(tmp_path: Path):
    """Its pixels are mapped: without the room a process would be ended by a signal."""
    batch = (np.zeros((4, 48, 144, 3), np.uint8), np.zeros((4, 11), np.int32))
    with files_up_to(50_000), pytest.raises(WriteError, match=r"plates\.npy: File too large"):
        write_array(tmp_path, iter([batch]), 4, load_schema("cn"))
    assert not list(tmp_path.iterdir())


def test_halves_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path: Path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for process in (dead.pid, os.getpid(), os.getppid()):
        (tmp_path / f".000001.{process}.partial.jpg").write_bytes(b"half")
    for name in (".hidden.jpg", "a.partial.jpg", f".x.{dead.pid}.partial.d"):
        (tmp_path / name).write_bytes(b"other")
    remove_partials(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {
        f".000001.{os.getpid()}.partial.jpg",
        f".000001.{os.getppid()}.partial.jpg",
        ".hidden.jpg",
        "a.partial.jpg",
    }


def line(number: int) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, "", 0, f"line {number:06}", None, None)


def test_a_log_begins_anew_and_keeps_a_few_older_ones(tmp_path: Path):
    log = RotatingLog(tmp_path / "x.log")
    log.maxBytes = 120  # ten lines
    for number in range(200):
        log.emit(line(number))
    log.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) == LOG_FILES + 1
    assert all(file.stat().st_size <= 120 for file in files)
    assert (tmp_path / "x.log").read_text().splitlines()[-1] == "line 000199"


def test_a_full_disk_makes_gaps_in_a_log_and_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    log = RotatingLog(tmp_path / "x.log")
    log.emit(line(1))
    with files_up_to(12):
        log.emit(line(2))
        log.emit(line(3))
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "x.log" in told and "File too large" in told
    log.emit(line(4))
    log.close()
    lines = (tmp_path / "x.log").read_text().splitlines()
    assert lines[0] == "line 000001" and lines[-1] == "line 000004"


def test_a_log_that_cannot_be_opened_is_refused(tmp_path: Path):
    with pytest.raises(WriteError, match="cannot write the log"):
        RotatingLog(tmp_path / "nowhere" / "x.log")

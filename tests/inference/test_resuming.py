"""A table that was stopped at whatever byte ends as one that was not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai import Reading
from chepai.errors import InputError
from chepai.inference.resuming import Remaining, partial_path
from chepai.inference.sources import name_of
from chepai.inference.writers import open_writer

SLOWLY = Path(__file__).with_name("read_slowly.py")
ODD_NAMES = [
    "a.jpg", 'quo"te.jpg', "com,ma.jpg", "two\nlines.jpg", 'both"\n",\n.jpg', "bad\udcff.jpg",
    "carriage\rreturn.jpg", "back\\udcff.jpg", "a.jpg", "", "京A12345.jpg", "\n", '"', "last",
]  # fmt: skip


def reading_of(name: str) -> Reading:
    """Any reading that depends on the name alone."""
    if len(name) % 4 == 0:
        return Reading.failed(f'no "plate",\nin {name!r}', name)
    share = len(name) / 100
    return Reading("皖A1", share, share > 0.1, (("皖", share), ("A", 1.0), ("1", 0.5)), file=name)


def write(output: Path, names: list[str], resume: bool = True) -> list[str]:
    """The names that were read, to write what has no row yet."""
    read = []
    with open_writer(output, resume) as writer:
        for source in Remaining(names, writer.done):
            read.append(name_of(source))
            writer.add(reading_of(str(source)))
    return read


@pytest.fixture(params=[".csv", ".jsonl"])
def output(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return tmp_path / f"x{request.param}"


def test_a_table_cut_at_any_byte_becomes_whole_again(output: Path):
    write(output, ODD_NAMES)
    whole = output.read_bytes()
    output.unlink()
    read_again = []
    for size in range(len(whole) + 1):
        partial_path(output).write_bytes(whole[:size])
        read_again.append(len(write(output, ODD_NAMES)))
        assert output.read_bytes() == whole, size
        assert list(output.parent.iterdir()) == [output]
        output.unlink()
    assert read_again == sorted(read_again, reverse=True)
    assert read_again[0] == len(ODD_NAMES) and read_again[-1] == 0
    assert set(read_again) == set(range(len(ODD_NAMES) + 1))


def test_a_finished_table_takes_what_is_new(output: Path):
    write(output, ["a", "c"])
    before = output.read_bytes()
    assert write(output, ["a", "b", "c", "d"]) == ["b", "d"]
    assert output.read_bytes().startswith(before)
    assert write(output, ["a", "b", "c", "d"]) == []


def test_every_row_stands_for_one_picture_of_its_name(output: Path):
    write(output, ["a", "b", "a"])
    assert write(output, ["b", "a", "a", "a", "b"]) == ["a", "b"]


def test_pictures_that_are_gone_keep_their_rows(output: Path):
    write(output, ["a", "b", "c"])
    assert write(output, ["c", "d"]) == ["d"]
    assert write(output, ["a", "b", "c", "d"]) == []


def test_what_earlier_rows_say_is_counted(output: Path):
    names = ["four", "three", "eighteen", "five5"]
    write(output, names[:3])
    for order in (names, names[::-1]):
        with open_writer(output, resume=True) as writer:
            remaining = Remaining(order, writer.done)
            assert [name_of(source) for source in remaining] == ["five5"]
        assert (remaining.skipped, remaining.failed) == (3, 2)


def test_without_resume_a_finished_table_is_written_anew(output: Path):
    write(output, ["a", "b"])
    assert write(output, ["b", "c"], resume=False) == ["b", "c"]
    assert [row.file for row in _rows(output)] == ["b", "c"]


def test_without_resume_the_rows_of_a_stopped_run_are_not_overwritten(output: Path):
    write(output, ["a", "b"])
    kept = output.read_bytes()[:-5]
    partial_path(output).write_bytes(kept)
    with pytest.raises(InputError, match=r"stopped run has read: .*--resume"):
        write(output, ["b", "c"], resume=False)
    assert partial_path(output).read_bytes() == kept


def test_a_stopped_run_without_a_whole_row_is_begun_anew(output: Path):
    write(output, ["a"])
    partial_path(output).write_bytes(output.read_bytes()[:-5])
    assert write(output, ["b"], resume=False) == ["b"]


def test_the_rows_of_a_stopped_run_come_before_those_of_an_older_file(output: Path):
    write(output, ["old"])
    with pytest.raises(KeyboardInterrupt), open_writer(output) as writer:
        writer.add(reading_of("new"))
        raise KeyboardInterrupt
    write(output, ["new", "newer"])
    assert [row.file for row in _rows(output)] == ["new", "newer"]


def _rows(output: Path) -> list:
    with pytest.raises(KeyboardInterrupt), open_writer(output, resume=True) as writer:
        assert writer.done is not None
        rows = list(writer.done.rows())
        raise KeyboardInterrupt
    partial_path(output).unlink()
    return rows


def test_a_second_run_is_kept_from_the_table_of_the_first(output: Path):
    pytest.importorskip("fcntl", reason="this system has no file locks")
    with open_writer(output) as writer:
        writer.add(reading_of("a"))
        for resume in (False, True):
            with (
                pytest.raises(InputError, match="another run is writing"),
                open_writer(output, resume),
            ):
                pass
    assert [row.file for row in _rows(output)] == ["a"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.csv", "name,plate\na.jpg,1\n"), ("x.jsonl", '{"a": 1}\n'), ("x.jsonl", "no JSON\n")],
)
def test_a_table_of_another_make_is_refused_and_stays(tmp_path: Path, name: str, content: str):
    output = tmp_path / name
    output.write_text(content)
    with pytest.raises(InputError, match="no table that predict wrote"):
        write(output, ["a.jpg"])
    assert output.read_text() == content


@pytest.mark.parametrize("name", ["x.json", "x.parquet", "-"])
def test_what_is_written_as_a_whole_cannot_be_resumed(tmp_path: Path, name: str):
    with pytest.raises(InputError, match=r"--resume goes on with \.csv and \.jsonl"):
        write(tmp_path / name if name != "-" else Path("-"), [])


def test_memory_does_not_grow_with_the_rows_that_are_done(output: Path):
    names = [f"folder/{number}.jpg" for number in range(4000)]
    write(output, names)
    with open_writer(output, resume=True) as writer:
        remaining = iter(Remaining([*names, "new"], writer.done))
        tracemalloc.start()
        assert next(remaining) == "new"
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 200_000  # the names alone are some 300,000 bytes


def test_a_disk_that_takes_no_more_is_one_sentence_and_can_be_resumed(output: Path):
    resource = pytest.importorskip("resource", reason="this system has no limit of files' sizes")
    names = [f"{number}.jpg" for number in range(1000)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(InputError, match=f"cannot write .*{output.name}.*: File too large"):
            write(output, names)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not output.exists()
    assert 0 < len(write(output, names)) < 1000
    assert [row.file for row in _rows(output)] == names


def test_predict_killed_at_any_moment_goes_on_to_the_same_rows(tmp_path: Path):
    """Each run is killed with SIGKILL after a random time; at last one is left to end."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(200):
        picture = np.full((8, 24, 3), number, np.uint8)
        assert cv2.imwrite(str(pictures / f"{number:03}.png"), picture)
    (pictures / "050.png").write_bytes(b"no picture")
    moments = random.Random(5)
    outputs = [tmp_path / "undisturbed.csv", tmp_path / "killed.csv"]
    command = [sys.executable, str(SLOWLY), str(pictures), "--resume", "--output"]
    assert subprocess.run([*command, outputs[0]], check=False, capture_output=True).returncode == 1
    kills = 0
    while not outputs[1].exists():
        partial = partial_path(outputs[1])
        size = partial.stat().st_size if partial.exists() else 0
        process = subprocess.Popen([*command, outputs[1]], stderr=subprocess.DEVNULL)
        while kills < 5 and process.poll() is None:
            if partial.exists() and partial.stat().st_size > size:
                time.sleep(moments.uniform(0, 0.1))
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.001)
        status = process.wait()
        assert status in (-signal.SIGKILL, 1)  # 1: a picture among them is none
        kills += status == -signal.SIGKILL
    assert kills == 5
    assert outputs[1].read_bytes() == outputs[0].read_bytes()
    assert outputs[1].read_text().count("\n") == 201

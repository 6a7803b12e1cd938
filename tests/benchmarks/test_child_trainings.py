"""Trainings in processes of their own: which fail, which stop all, how many at a time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from child_trainings import Child, one_at_a_time, run_children

# Notes its name, waits for as many others as it is told to, and ends as its name says.
PROGRAM = """
import sys, time
from pathlib import Path
folder, name = Path(sys.argv[1]), sys.argv[3]
(folder / name).touch()
wanted, until = int(sys.argv[4]), time.monotonic() + 20
while len(list(folder.iterdir())) < wanted and time.monotonic() < until:
    time.sleep(0.01)
sys.exit({"fails": 3, "stopped": 130}.get(name, 0 if time.monotonic() < until else 4))
"""


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with a file for each child that began."""
    program, folder = tmp_path / "program.py", tmp_path / "begun"
    program.write_text(PROGRAM, encoding="utf-8")
    folder.mkdir()
    monkeypatch.setattr(sys, "argv", [str(program), str(folder)])
    return folder


def run(names: list[str], jobs: int, begun: Path, together: int = 1) -> int:
    children = [Child(name, (name, str(together))) for name in names]
    with one_at_a_time(begun.parent) as lock:
        return run_children(children, jobs, lock)


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_one_that_fails_is_said_and_the_others_go_on(
    begun: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["fails", "good"], 1, begun) == 1
    assert names_in(begun) == {"fails", "good"}
    assert "fails: failed with status 3" in capsys.readouterr().out


def test_as_many_as_wanted_run_at_a_time(begun: Path):
    assert run(["a", "b"], 2, begun, together=2) == 0


def test_one_that_is_interrupted_ends_all(begun: Path):
    with pytest.raises(KeyboardInterrupt):
        run(["stopped", "later", "latest"], 1, begun)
    assert "latest" not in names_in(begun)


def test_a_second_benchmark_in_the_same_folder_is_refused(tmp_path: Path):
    second = one_at_a_time(tmp_path)
    with one_at_a_time(tmp_path), pytest.raises(SystemExit, match="wait for it"):
        second.__enter__()

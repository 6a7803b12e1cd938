"""Reading on a cluster of Ray: the same rows, though a worker dies."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from chepai import Reader, run
from chepai.errors import InputError
from chepai.inference.files import sample_pictures
from chepai.inference.ray_engine import RayEngine, _Worker

SCRIPT = Path(__file__).with_name("ray_reading.py")


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tiny_onnx: Path, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run.main(["predict", "--model", str(tiny_onnx), "--engine", "ray"]) == 2
    assert 'pip install "chepai[ray]"' in capsys.readouterr().err


def test_less_than_one_worker_is_an_error():
    with pytest.raises(InputError, match="--workers is a whole number"):
        RayEngine("default", None, None, 0.5, True, workers=0)


@pytest.mark.skipif(find_spec("ray") is None, reason="ray, of the extra ray, is absent")
def test_two_workers_of_which_one_is_killed_read_every_picture_once(tiny_onnx: Path, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    some = [*map(str, sample_pictures()), str(tmp_path / "broken.jpg"), str(tmp_path / "gone.jpg")]
    names = some * 600
    (tmp_path / "list.txt").write_text("\n".join(names), encoding="utf-8")
    command = [sys.executable, str(SCRIPT), tiny_onnx, tmp_path / "list.txt", tmp_path / "x.json"]
    # A machine that is busy with other tests takes longer to start a cluster than Ray waits.
    environment = os.environ | {"RAY_raylet_start_wait_time_s": "300", "RAY_AUTH_MODE": "disabled"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=600, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    # Two workers for each of two windows of pictures, and one for the one that was killed at work.
    assert answer["killed"] in answer["seen"] and len(answer["seen"]) == 5
    rows = answer["rows"]
    assert [row["file"] for row in rows] == names
    wanted = {row["file"]: row for row in (r.to_dict() for r in Reader(tiny_onnx).read(some))}
    for row in rows:
        expected = wanted[row["file"]]
        assert (row["text"], row["error"]) == (expected["text"], expected["error"])
        assert row["confidence"] == pytest.approx(expected["confidence"], abs=1e-5)


def test_a_worker_reads_as_a_reader_of_the_same_options(tiny_onnx: Path):
    pictures = sample_pictures()[:6]
    options = {"second_look": True, "second_model": str(tiny_onnx), "provinces": {"皖": 0.9}}
    worker = _Worker(str(tiny_onnx), None, 1, *options.values(), 0.5, True)
    names = np.array([str(path).encode() for path in pictures], object)
    found = worker({"place": np.arange(6), "path": names})["reading"]
    wanted = Reader(tiny_onnx, threads=1, **options).read(pictures, 0.5)
    assert [replace(pickle.loads(one), file=None) for one in found] == [
        replace(one, file=None) for one in wanted
    ]

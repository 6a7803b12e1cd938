"""Frameworks are imported quietly, and their want is told in a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from chepai import frameworks
from chepai.errors import InputError

RUN = Path(__file__).resolve().parents[1] / "run.py"


@pytest.mark.parametrize("mode", ["train", "make-tfrecord"])
def test_a_mode_that_needs_tensorflow_says_nothing_but_its_own(mode: str, tmp_path: Path) -> None:
    labels = tmp_path / "labels.tsv"
    labels.write_text("file\ttext\nmissing.jpg\t皖A12345\n", encoding="utf-8")
    command = [
        sys.executable,
        str(RUN),
        mode,
        "--data",
        str(labels),
        "--output",
        str(tmp_path / "o"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert "missing.jpg" in lines[0]


def test_keras_without_a_backend_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    there = frameworks.find_spec
    missing = ("tensorflow", "jax", "torch")
    monkeypatch.setattr(frameworks, "find_spec", lambda n: None if n in missing else there(n))
    with pytest.raises(InputError, match=r"chepai\[train\]"):
        frameworks.import_keras()
    with pytest.raises(InputError, match=r"chepai\[train\]"):
        frameworks.import_tensorflow()


def test_an_unknown_backend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "bogus")
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    with pytest.raises(InputError, match="KERAS_BACKEND is one of tensorflow, jax, torch, not"):
        frameworks.import_keras()


@pytest.mark.parametrize("own", [{}, {frameworks.ONEDNN: "0", frameworks.POOLED_MEMORY: "false"}])
def test_tensorflow_is_set_up_unless_the_environment_says_otherwise(own: dict[str, str]) -> None:
    others = {k: v for k, v in os.environ.items() if k not in frameworks.TENSORFLOW_SETTINGS}
    script = (
        "import json, os, sys; sys.modules['keras'] = object()\n"
        "from chepai import frameworks\n"
        "frameworks._import_quietly('keras')\n"
        "print(json.dumps({name: os.environ[name] for name in frameworks.TENSORFLOW_SETTINGS}))"
    )
    environment = others | {"PYTHONPATH": os.pathsep.join(sys.path)} | own
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == frameworks.TENSORFLOW_SETTINGS | own

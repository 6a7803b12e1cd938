"""`make audit` tells what pip-audit found; where it could not look, it says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(__file__).resolve().parents[2] / ".ci" / "audit"
WEAK = {"id": "PYSEC-1", "fix_versions": ["2.0"]}


def audited(answer: object, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The command over a pip-audit that gives this answer."""
    stand_in = f"import sys\nsys.stdout.write({answer!r})\n"
    (tmp_path / "pip_audit.py").write_text(stand_in, encoding="utf-8")
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(COMMAND)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(
    ("packages", "status", "sentence"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "1 packages checked, 0 with known"),
        ([{"name": "a", "version": "1", "vulns": [WEAK]}], 1, "a 1: PYSEC-1, mended in 2.0"),
        ([{"name": "a", "skip_reason": "not found"}], 2, "nothing was checked"),
        ([], 2, "nothing was checked"),
    ],
)
def test_the_answer_is_told_and_no_answer_is_no_good_one(
    packages: list, status: int, sentence: str, tmp_path: Path
):
    done = audited(json.dumps({"dependencies": packages}), tmp_path)
    assert done.returncode == status and sentence in done.stdout + done.stderr


def test_a_data_base_out_of_reach_is_one_sentence(tmp_path: Path):
    done = audited("Traceback: ConnectionError", tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and not done.stdout

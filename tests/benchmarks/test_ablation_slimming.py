"""The slimmed row calls `prune` once: begun, resumed or finished."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import ablation_slimming
import pytest
from ablation_rows import Row
from ablation_slimming import INTERRUPTED, slim
from chepai.training.run_folder import RunFolder

ROW = Row("slimmed", "half of it", slim=0.5, fine_tuning=2)
ARGS = Namespace(workers=0)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """What `prune` is called with; it is interrupted the first two times."""
    made: list[tuple[str, ...]] = []

    def prune(_mode: object, *options: str) -> int:
        made.append(options)
        run = tmp_path / "slimmed-slim-001"
        run.mkdir(exist_ok=True)
        if len(made) > 1:
            (run / "last.keras").touch()
        if len(made) > 2:
            (run / "final.keras").touch()
        return 0 if len(made) > 2 else INTERRUPTED

    monkeypatch.setattr(ablation_slimming, "run_mode", prune)
    return made


def test_it_begins_again_resumes_and_is_not_done_twice(
    calls: list[tuple[str, ...]], tmp_path: Path
) -> None:
    run, plates = RunFolder(tmp_path), tmp_path / "plates.npy"
    assert slim(ROW, run, plates, ARGS) is None  # killed before the first checkpoint
    assert slim(ROW, run, plates, ARGS) is None
    finished = slim(ROW, run, plates, ARGS)
    assert finished is not None and finished.path.name == "slimmed-slim-001"
    assert slim(ROW, run, plates, ARGS) is not None
    assert len(calls) == 3
    assert calls[0] == calls[1]
    assert calls[0][:4] == ("--model", str(run.final), "--macs", "0.5")
    assert "train.epochs=2" in calls[0]
    assert calls[2][:2] == ("--resume", str(finished.path))

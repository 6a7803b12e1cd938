"""Mode `train` as a user runs it: from nothing to an exported, evaluated, reading model."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from chepai.commands import _after_training
from chepai.inference.reader import Reader
from chepai.run import main
from chepai.training.callbacks import EpochEnd

TINY = (
    "model.height=16",
    "model.width=48",
    "model.backbone_options={widths: [8, 8, 8, 8], blocks: [1, 1, 1, 1]}",
    "train.epochs=1",
    "render.plates_per_epoch=24",
    "data.validation_plates=8",
    "data.workers=0",
    "train.batch_size=8",
)


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    sets = [part for value in TINY for part in ("--set", value)]
    return ["train", "--preset", "quick", *sets, "--output", str(tmp_path / "runs")]


def test_training_ends_with_figures_an_onnx_file_and_readings(
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Ten thousand plates take a while; the beginning of the set does here.
    plain = _after_training.run_mode

    def fewer(mode: object, *arguments: str) -> int:
        few = ["--count", "20"] if mode.__name__.endswith(".render") else []
        return plain(mode, *arguments, *few)

    monkeypatch.setattr(_after_training, "run_mode", fewer)
    monkeypatch.chdir(tmp_path)
    assert main(options) == 0
    run = tmp_path / "runs" / "quick-001"
    figures = json.loads((run / "report" / "figures.json").read_text(encoding="utf-8"))
    assert figures["plates"] == 20
    assert (run / "report" / "report.md").is_file()
    assert (
        len(Reader(run / "model.onnx").read([tmp_path / "generated/eval-v1/gate/000000.jpg"])) == 1
    )
    said = capsys.readouterr().out
    shown = sorted((run / "report" / "plates").glob("*.jpg"))
    assert len(shown) == _after_training.EXAMPLES
    assert all(plate.name in said for plate in shown)
    assert f"--model {run / 'model.onnx'} PICTURE" in said


def test_missing_data_is_one_sentence_and_status_2(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*options, "--data", "nowhere.txt"]) == 2
    said = capsys.readouterr().err
    assert "nowhere.txt does not exist" in said
    assert "Traceback" not in said


def test_sigterm_ends_a_training_as_ctrl_c_does(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    plain = EpochEnd.on_epoch_begin

    def stopped(self: EpochEnd, epoch: int, logs: dict[str, float] | None = None) -> None:
        plain(self, epoch, logs)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(EpochEnd, "on_epoch_begin", stopped)
    assert main(options) == 130
    (run,) = Path(options[-1]).iterdir()
    assert f"interrupted; continue with: --mode train --resume {run}" in capsys.readouterr().out
    assert (run / "last.keras").is_file()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_resumed_run_takes_no_other_beginning(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*options, "--no-report"]) == 0
    (run,) = Path(options[-1]).iterdir()
    for given, sentence in (
        (["--init", "default"], "a resumed run goes on as it was begun: leave --init"),
        (["--set", "optimizer.ema=0"], "cannot have another optimizer.ema: begin a new run"),
    ):
        assert main(["train", "--resume", str(run), *given]) == 2
        assert sentence in capsys.readouterr().err

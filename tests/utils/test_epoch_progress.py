"""Whoever watches a training sees a line an epoch, and on a terminal a bar that goes away."""

from __future__ import annotations

import re
import sys

import pytest
from chepai.utils.epoch_progress import EpochProgress, figures_text


def run_an_epoch(watcher: EpochProgress) -> None:
    watcher.set_params({"epochs": 3, "steps": 2})
    watcher.on_epoch_begin(2)
    for batch in range(2):
        watcher.on_train_batch_end(batch, {"loss": 3.3, "plate_accuracy": 0.6241})
    watcher.on_epoch_end(2, {"loss": 3.3, "val_loss": 4.0, "val_char_accuracy": 0.8615})


def test_a_log_gets_one_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    run_an_epoch(EpochProgress(18))
    said = capsys.readouterr()
    line = r"epoch 3/18: loss 3\.30; validation loss 4\.00, characters 86\.2 %; \d+ s\n"
    assert re.fullmatch(line, said.out)
    assert said.err == ""


def test_a_terminal_gets_a_bar_that_goes_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run_an_epoch(EpochProgress(18))
    shown = capsys.readouterr().err
    assert "epoch 3/18:" in shown
    assert shown.rstrip(" ").endswith("\r")


def test_only_the_figures_that_matter_are_told() -> None:
    logs = {"loss": 3.3172, "plate_accuracy": 0.6241, "acc_rows": 1.0}
    assert figures_text(logs) == "loss 3.32, plates 62.4 %"

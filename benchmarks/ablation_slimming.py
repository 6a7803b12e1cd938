"""The slimmed row: channels taken out of a trained network by `prune`, and its fine-tuning."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from ablation_rows import Row
from chepai.commands import prune
from chepai.commands._other_mode import run_mode
from chepai.training.run_folder import RunFolder

INTERRUPTED = 130


def slim(row: Row, run: RunFolder, plates: Path, args: argparse.Namespace) -> RunFolder | None:
    """The run of `prune` on a finished training, begun, resumed or finished; None: Ctrl-C.

    Args:
        row: says how much to remove and for how many epochs to fine-tune.
        run: the finished training.
        plates: the array that it was trained on.
        args: of the ablation.
    """
    begun = _begun(run.path)
    if begun is not None and begun.final.is_file():
        return begun
    if begun is not None and begun.last.is_file():
        options = ["--resume", str(begun.path)]
    else:
        if begun is not None:
            shutil.rmtree(begun.path)  # it was killed in its first epoch
        options = ["--model", str(run.final), "--macs", f"{row.slim}", "--output", str(run.path)]
        options += ["--data", str(plates), "--set", f"train.epochs={row.fine_tuning}"]
        options += ["--workers", str(args.workers)]
    if run_mode(prune, *options, "--no-report") == INTERRUPTED:
        return None
    return _begun(run.path)


def _begun(folder: Path) -> RunFolder | None:
    found = sorted(folder.glob("*-slim-[0-9][0-9][0-9]"))
    return RunFolder(found[-1]) if found else None

"""A row of the ablation from rendering to its line of results, on a handful of plates."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ablation
import ablation_training
import numpy as np
import pytest
from ablation_results import Budget, Results
from ablation_rows import Row
from ablation_training import PLANTED, prepare, train, train_and_measure, train_folder
from child_trainings import Child

TINY = Row(
    "tiny",
    "a row of a few filters",
    ("model.backbone_options={widths: [8, 8, 8, 8], blocks: [1, 1, 1, 1]}", "train.batch_size=8"),
)
BUDGET = Budget(plates=24, wrong=0.25, epochs=1)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ablation")


@pytest.fixture
def args(work: Path, tmp_path: Path) -> Namespace:
    return Namespace(
        work=work, plates=24, results=tmp_path / "r.jsonl", epochs=1, workers=0, threads=1, jobs=1,
        glyphs=None, parking=6, check=[], seeds=[1, 2], rows=None,
    )  # fmt: skip


def test_plates_are_rendered_once_and_the_same_labels_are_wrong(args: Namespace):
    sets = prepare(BUDGET, args)
    folder = train_folder(BUDGET, args)
    planted = json.loads((folder / PLANTED).read_text(encoding="utf-8"))["wrong"]
    plates, labels = np.load(folder / "plates.npy"), np.load(folder / "labels.npy")
    assert plates.shape == (24, 32, 96, 3) and len(labels) == 24 and len(planted) == 6
    made = (folder / "plates.npy").stat().st_mtime_ns
    assert prepare(BUDGET, args) == sets
    assert (folder / "plates.npy").stat().st_mtime_ns == made
    assert list(sets) == ["eval-v1/parking, the first 6"]


def test_a_row_is_trained_measured_and_not_trained_again(
    args: Namespace, monkeypatch: pytest.MonkeyPatch
):
    assert train_and_measure(TINY, 1, BUDGET, args) == 0
    found = Results(args.results, BUDGET).find("tiny", 1)
    assert found is not None and found["seconds"] > 0 and found["parameters"] > 1000
    (figures,) = found["sets"].values()
    assert figures["plates"] == 6 and 0 <= figures["plate_accuracy"] <= 1
    assert set(figures["0.95"]) == {"coverage", "precision"}

    monkeypatch.setattr("chepai.multi_label.train.train_classifier", None)
    (again,) = prepare(BUDGET, args).values()
    args.check = [again]
    assert train_and_measure(TINY, 1, BUDGET, args) == 0
    found = Results(args.results, BUDGET).find("tiny", 1)
    assert found is not None and list(found["sets"])[1] == "parking"
    assert len(args.results.read_text(encoding="utf-8").splitlines()) == 2


def test_an_interrupted_training_is_resumed_and_its_time_added(
    args: Namespace, monkeypatch: pytest.MonkeyPatch
):
    prepare(BUDGET, args)
    calls: list[bool] = []

    def interrupted(_config: Any, run: Any, *_: Any, resume: bool) -> SimpleNamespace:
        calls.append(resume)
        run.last.write_bytes(b"")
        return SimpleNamespace(interrupted=len(calls) < 3)

    monkeypatch.setattr("chepai.multi_label.train.train_classifier", interrupted)
    first, early = train(TINY, 2, BUDGET, args)
    second, later = train(TINY, 2, BUDGET, args)
    third, _ = train(TINY, 2, BUDGET, args)
    assert calls == [False, True, True] and later > early > 0
    assert (first, second) == (None, None) and third.path.name == "tiny-001"


def test_rows_that_are_measured_are_left_out_and_every_row_comes_before_the_next_seed(
    args: Namespace, monkeypatch: pytest.MonkeyPatch
):
    args.rows = ["baseline", "adam"]
    monkeypatch.setattr(ablation_training, "prepare", lambda *_: {"check": ""})
    Results(args.results, BUDGET).append({"row": "adam", "seed": 1, "sets": {"check": {}}})
    begun: list[tuple[str, ...]] = []

    def run_children(children: Sequence[Child], jobs: int, lock: int) -> int:
        begun.extend(child.options for child in children)
        return jobs + lock

    monkeypatch.setattr(ablation, "run_children", run_children)
    assert ablation.run_all(args, BUDGET, lock=6) == 7
    assert begun == [("baseline", "1"), ("baseline", "2"), ("adam", "2")]

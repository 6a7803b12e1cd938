"""Mode `distill` as a user runs it: a teacher's file, a student's run, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from chepai.configs import parse_config
from chepai.multi_label.classifier_model import PlateClassifier, build_classifier
from chepai.plate.schema import load_schema
from chepai.run import main

TINY = {"widths": [8, 8, 8, 8], "blocks": [1, 1, 1, 1]}
STUDENT = (
    "model.height=16",
    "model.width=48",
    f"model.backbone_options={TINY}",
    "train.epochs=1",
    "render.plates_per_epoch=6",
    "data.validation_plates=4",
    "data.workers=0",
    "train.batch_size=4",
)


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    return saved_model(tmp_path / "teacher.keras", "cn", seed=1)


def saved_model(path: Path, schema: str, seed: int) -> Path:
    keras.utils.set_random_seed(seed)
    section = {"label_schema": schema, "height": 24, "width": 64, "backbone_options": TINY}
    build_classifier(parse_config({"model": section}), load_schema(schema)).save(path)
    return path


def options(tmp_path: Path, *teachers: Path) -> list[str]:
    sets = [part for value in STUDENT for part in ("--set", value)]
    named = [part for path in teachers for part in ("--teacher", str(path))]
    runs = ["--output", str(tmp_path / "runs"), "--no-report"]
    return ["distill", "--preset", "resnet18", *sets, *named, *runs]


def test_a_student_learns_from_rendered_and_unlabelled_plates(
    teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "a.png"), np.full((20, 60, 3), 90, np.uint8))
    arguments = [*options(tmp_path, teacher), "--unlabelled", str(tmp_path / "pictures")]
    assert main(arguments) == 0
    run = tmp_path / "runs" / "resnet18-001"
    assert "best validation plate accuracy" in capsys.readouterr().out
    model = keras.models.load_model(run / "final.keras", compile=False)
    assert type(model) is PlateClassifier and model.input_shape == (None, 16, 48, 3)
    assert model.chepai_config["distill"]["teachers"] == [str(teacher)]
    assert list(json.loads((run / "teachers.json").read_text(encoding="utf-8"))) == [str(teacher)]

    saved_model(teacher, "cn", seed=2)
    assert main(["distill", "--resume", str(run), "--no-report"]) == 2
    assert "is not the one that" in capsys.readouterr().err


def test_a_teacher_of_another_schema_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = saved_model(tmp_path / "other.keras", "original", seed=1)
    assert main(options(tmp_path, other)) == 2
    said = capsys.readouterr().err
    assert f"{other} reads the schema original, the student cn" in said and said.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_maps_want_one_teacher_and_one_shape(
    teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weighed = ["--set", "distill.map_weight=1"]
    assert main([*options(tmp_path, teacher, teacher), *weighed]) == 2
    assert "distill.map_weight wants one teacher" in capsys.readouterr().err
    assert main([*options(tmp_path, teacher), *weighed, "--set", "model.neck=12"]) == 2
    said = capsys.readouterr().err
    assert "the teacher's is 1 x 2 x 8, the student's 1 x 2 x 12: set model.neck=8" in said


def test_without_a_teacher_nothing_is_distilled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options(tmp_path)) == 2
    assert "wants a teacher" in capsys.readouterr().err
    picture = tmp_path / "teacher.onnx"
    picture.write_bytes(b"")
    assert main(options(tmp_path, picture)) == 2
    assert f".keras file; {picture} is none" in capsys.readouterr().err

"""The mode `render`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from chepai import run


def test_plates_of_a_scene_are_written_with_their_labels(tmp_path: Path):
    folder = tmp_path / "plates"
    arguments = ("render", "--scene", "gate", "--count", "5", "--workers", "0", "--seed", "3")
    assert run.main((*arguments, "--output", str(folder))) == 0
    lines = (folder / "labels.tsv").read_text("utf-8").splitlines()
    assert lines[0] == "file\ttext\tcolour\trows\tkind"
    assert len(lines) == 6
    for line in lines[1:]:
        file, text, *_ = line.split("\t")
        assert 5 <= len(text) <= 8
        assert cv2.imread(str(folder / file)) is not None


def test_the_beginning_of_a_frozen_set_is_written(tmp_path: Path):
    arguments = ("render", "--set", "eval-v1", "--count", "2", "--workers", "0")
    assert run.main((*arguments, "--output", str(tmp_path))) == 0
    found = sorted(p.parent.name for p in (tmp_path / "eval-v1").glob("*/labels.tsv"))
    assert found == ["gate", "parking", "reject", "road"]


def test_one_scene_of_a_frozen_set_is_written_alone(tmp_path: Path):
    options = ["--set", "eval-v1", "--scene", "gate", "--count", "2", "--workers", "0"]
    assert run.main(["render", *options, "--output", str(tmp_path)]) == 0
    assert [path.name for path in (tmp_path / "eval-v1").iterdir() if path.is_dir()] == ["gate"]


def test_sheets_are_written(tmp_path: Path):
    sheet, augmented = tmp_path / "sheet.png", tmp_path / "augmented.jpg"
    options = ("--sheet", str(sheet), "--show-augmented", str(augmented), "--count", "9")
    assert run.main(("render", *options)) == 0
    assert cv2.imread(str(sheet)).shape == (2 * 62, 8 * 182, 3)
    assert cv2.imread(str(augmented)).shape[0] > 500


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--scene", "sea"), "unknown scene 'sea'"),
        (("--set", "eval-v0"), "no rendered set 'eval-v0'"),
        (("--glyphs", "."), "no glyph images"),
        (("--sheet", "sheet.txt"), "written as .png or .jpg"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_two(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
):
    assert run.main(("render", *options, "--output", "unused")) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1

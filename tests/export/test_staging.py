"""Staging: what belongs together appears together, or nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest
from chepai.export.staging import staged
from chepai.files import WriteError


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_files_of_one_model_appear_together_and_replace_older_ones(tmp_path: Path):
    (tmp_path / "m.xml").write_text("old")
    with staged(tmp_path / "m.xml") as place:
        place.write_text("new")
        place.with_suffix(".bin").write_bytes(b"weights")
        assert (tmp_path / "m.xml").read_text() == "old"
    assert names(tmp_path) == ["m.bin", "m.xml"] and (tmp_path / "m.xml").read_text() == "new"


def test_a_folder_is_replaced_whole(tmp_path: Path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "stale").touch()
    with staged(tmp_path / "1") as place:
        place.mkdir()
        (place / "saved_model.pb").touch()
    assert names(tmp_path / "1") == ["saved_model.pb"]


def test_a_failure_leaves_everything_as_it_was(tmp_path: Path):
    (tmp_path / "m.tflite").write_text("old")
    with pytest.raises(ValueError, match="worse"), staged(tmp_path / "m.tflite") as place:
        place.write_text("new")
        raise ValueError("worse")
    assert names(tmp_path) == ["m.tflite"] and (tmp_path / "m.tflite").read_text() == "old"


def test_missing_folders_are_made(tmp_path: Path):
    with staged(tmp_path / "a" / "b" / "m.pb") as place:
        place.touch()
    assert names(tmp_path / "a" / "b") == ["m.pb"]


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path):
    (tmp_path / "model.onnx").mkdir()
    (tmp_path / "model.onnx" / "kept.txt").write_text("kept")
    with (
        pytest.raises(WriteError, match=r"cannot write .*model.onnx: "),
        staged(tmp_path / "model.onnx") as place,
    ):
        place.write_text("new")
    assert (tmp_path / "model.onnx" / "kept.txt").read_text() == "kept"
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_a_place_below_a_file_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(WriteError, match=r"cannot write .*file/x.onnx: "),
        staged(tmp_path / "file" / "x.onnx"),
    ):
        pass

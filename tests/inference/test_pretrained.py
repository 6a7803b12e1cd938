"""Shipped models by name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from chepai.errors import InputError
from chepai.inference.pretrained import model_path, shipped_models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "default-1.onnx").write_bytes(b"weights")
    entry = {"file": "default-1.onnx", "sha256": hashlib.sha256(b"weights").hexdigest()}
    index = {"default": entry, "fast": {"file": "absent.onnx", "sha256": "0"}}
    (tmp_path / "models.json").write_text(json.dumps(index), encoding="utf-8")
    return tmp_path


def test_a_name_is_the_shipped_file(folder: Path):
    assert model_path("default", folder) == folder / "default-1.onnx"


def test_a_damaged_file_is_refused(folder: Path):
    (folder / "default-1.onnx").write_bytes(b"weightz")
    with pytest.raises(InputError, match="is damaged"):
        model_path("default", folder)


def test_a_model_that_is_not_there_says_what_to_do(folder: Path, tmp_path_factory):
    with pytest.raises(InputError, match="'fast' is not part of this installation; train one"):
        model_path("fast", folder)
    assert shipped_models(tmp_path_factory.mktemp("bare")) == {}


def test_an_unknown_name_is_told_from_a_path(folder: Path):
    with pytest.raises(InputError, match="no model 'defualt': give default or fast"):
        model_path("defualt", folder)
    assert model_path("some/where.onnx", folder) == Path("some/where.onnx")

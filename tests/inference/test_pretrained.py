"""Shipped models by name."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from chepai.errors import InputError
from chepai.inference.pretrained import (
    FOLDER,
    looks_twice,
    model_path,
    shipped_models,
    weights_path,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "default-1.onnx").write_bytes(b"weights")
    entry = {"file": "default-1.onnx", "sha256": hashlib.sha256(b"weights").hexdigest()}
    (tmp_path / "default-1.keras").write_bytes(b"more")
    more = {"file": "default-1.keras", "sha256": hashlib.sha256(b"more").hexdigest()}
    index = {"default": {**entry, "weights": more}, "fast": {"file": "absent.onnx", "sha256": "0"}}
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


def test_a_shipped_model_may_look_twice_and_a_path_does_not(folder: Path):
    assert not looks_twice("default", folder)
    index = folder / "models.json"
    entries = json.loads(index.read_text(encoding="utf-8"))
    entries["default"]["second_look"] = True
    index.write_text(json.dumps(entries), encoding="utf-8")
    assert looks_twice("default", folder)
    assert not looks_twice(folder / "default-1.onnx", folder)


def test_weights_to_fine_tune_lie_beside_what_reads(folder: Path):
    assert weights_path("default", folder) == folder / "default-1.keras"
    assert weights_path("some/where.keras", folder) == Path("some/where.keras")
    (folder / "default-1.keras").unlink()
    with pytest.raises(InputError, match="lie in chepai's repository, not in its wheel"):
        weights_path("default", folder)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.keras")), ids=lambda file: file.stem)
def test_shipped_weights_name_no_place_of_the_machine_that_trained_them(file: Path):
    with zipfile.ZipFile(file) as archive:
        config = json.loads(archive.read("config.json"))["config"]["chepai_config"]
    render, data, distill = config["render"], config["data"], config["distill"]
    places = [render["glyphs"], render["backgrounds"], *data["train"], *data["validation"]]
    places += [*distill["teachers"], *distill["unlabelled"]]
    assert not [place for place in places if place is not None and Path(place).is_absolute()]


def test_every_shipped_file_is_whole():
    for name in shipped_models():
        assert model_path(name).is_file()
        assert weights_path(name).is_file()
    assert "default" in shipped_models(), f"{FOLDER} holds no default model"

"""One tiny model and its exported file for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest
from chepai.export.onnx_export import ExportResult, export_onnx
from tiny_classifier import tiny_classifier


@pytest.fixture(scope="session")
def tiny_model():
    return tiny_classifier()


@pytest.fixture(scope="session")
def exported(tiny_model, tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    return export_onnx(tiny_model, tmp_path_factory.mktemp("export") / "tiny.onnx")


@pytest.fixture
def trained_file(tiny_model, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.keras"
    tiny_model.save(path)
    return path

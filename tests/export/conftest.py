"""One tiny model and its exported file for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from chepai.export.exporting import ExportResult
from chepai.export.onnx_export import export_onnx
from chepai.export.source import KerasSource
from tiny_classifier import tiny_classifier


@pytest.fixture(scope="session")
def tiny_model():
    return tiny_classifier()


@pytest.fixture(scope="session")
def exported(tiny_model, tmp_path_factory: pytest.TempPathFactory) -> ExportResult:
    return export_onnx(tiny_model, tmp_path_factory.mktemp("export") / "tiny.onnx")


@pytest.fixture(scope="session")
def pictures() -> np.ndarray:
    """Coarse patterns at the tiny model's size: each is read as something else."""
    rng = np.random.default_rng(11)
    coarse = rng.integers(0, 256, (48, 4, 12, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="session")
def source(tiny_model) -> KerasSource:
    return KerasSource(tiny_model, "tiny")


@pytest.fixture
def trained_file(tiny_model, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.keras"
    tiny_model.save(path)
    return path

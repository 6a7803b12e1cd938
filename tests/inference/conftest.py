"""A tiny model in both files that readers open, and a runtime that reads grey levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from chepai.inference.model_card import ModelCard
from chepai.plate.schema import Head, LabelSchema

DIGITS = tuple("0123456789")


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `tiny.keras`, `tiny.onnx` and `fixed.onnx`, which runs three at a time."""
    from chepai.export.onnx_export import export_onnx
    from tiny_classifier import tiny_classifier

    folder = tmp_path_factory.mktemp("models")
    model = tiny_classifier()
    model.save(folder / "tiny.keras")
    export_onnx(model, folder / "tiny.onnx")
    export_onnx(model, folder / "fixed.onnx", batch=3)
    return folder


@pytest.fixture(scope="session")
def tiny_onnx(tiny_files: Path) -> Path:
    return tiny_files / "tiny.onnx"


class GreyLevelRuntime:
    """Reads the plate 042 on a picture whose every pixel is 42, with confidence 0.9."""

    def __init__(self) -> None:
        heads = [Head(f"char_{place}", "character", DIGITS) for place in (1, 2, 3)]
        self.card = ModelCard("grey", LabelSchema("grey", tuple(heads)), 8, 24)
        self.batches: list[int] = []

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        assert images.dtype == np.uint8 and images.shape[1:] == (8, 24, 3)
        self.batches.append(len(images))
        levels = images[:, 0, 0, 0].astype(int)
        digits = np.stack([levels // 100, levels // 10 % 10, levels % 10])
        even = np.full((3, len(images), 10), 0.1 / 9, np.float32)
        np.put_along_axis(even, digits[:, :, None], 0.9, axis=2)
        return {f"char_{place + 1}": even[place] for place in range(3)}


@pytest.fixture
def grey_runtime(monkeypatch: pytest.MonkeyPatch) -> GreyLevelRuntime:
    """Every Reader that the test opens, by whatever name, runs on this."""
    runtime = GreyLevelRuntime()
    monkeypatch.setattr("chepai.inference.reader.open_runtime", lambda *_: runtime)
    return runtime

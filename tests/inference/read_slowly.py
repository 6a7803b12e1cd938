"""`chepai predict` with a model that reads grey levels, slowly, for tests that stop it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from chepai import run
from chepai.inference import reader, writers
from conftest import GreyLevelRuntime


class SlowRuntime(GreyLevelRuntime):
    """Takes 5 ms a picture."""

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        time.sleep(0.005 * len(images))
        return super().run(images)


if __name__ == "__main__":
    reader.open_runtime = lambda *_, **__: SlowRuntime()
    writers.FLUSH_SECONDS = 0.0
    read = reader.Reader.__init__
    reader.Reader.__init__ = lambda *given, **named: read(*given, **{**named, "batch_size": 8})
    sys.exit(run.main(["predict", "--model", "grey.onnx", *sys.argv[1:]]))

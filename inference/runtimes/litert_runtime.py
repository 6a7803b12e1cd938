"""LiteRT, TensorFlow's runtime for phones and small boards."""

from __future__ import annotations

import os
import warnings
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ...frameworks import import_package, import_tensorflow
from ..model_card import ModelCard
from ..sidecar import read_sidecar
from .base import cannot_load, check_interface
from .batches import in_batches

REMEDY = 'pip install "chepai[litert]"'


class LiteRtRuntime:
    """Runs a `.tflite` file by its signature `serving_default`."""

    card: ModelCard

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self.card = read_sidecar(path)
        try:
            self._interpreter = _interpreter(str(path), threads or os.cpu_count())
            self._function = self._interpreter.get_signature_runner("serving_default")
        except InputError:
            raise
        # The interpreter raises ValueError or RuntimeError for whatever it does not understand.
        except (ValueError, RuntimeError) as error:
            raise cannot_load("LiteRT", path, error) from error
        image = self._function.get_input_details().get("image")
        outputs = self._function.get_output_details()
        shape = None if image is None else [int(size) for size in image["shape_signature"]]
        widths = {name: int(details["shape"][-1]) for name, details in outputs.items()}
        check_interface(path, self.card, shape, widths)
        self._batch = shape[0] if shape and shape[0] > 0 else None
        # An interpreter holds the pictures and the answers of one run.
        self._lock = Lock()

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """As `Runtime.run`."""
        return in_batches(self._run_once, images, self._batch)

    def _run_once(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        with self._lock:
            answers = self._function(image=images)
        return {head: answers[head] for head in self.card.output_sizes}


def _interpreter(path: str, threads: int | None) -> Any:
    """Of LiteRT's own package where it is installed, else of the copy that TensorFlow carries."""
    if find_spec("ai_edge_litert") is not None:
        package = import_package("ai_edge_litert.interpreter", REMEDY)
        return package.Interpreter(model_path=path, num_threads=threads)
    if find_spec("tensorflow") is None:
        raise InputError(f"this needs LiteRT: {REMEDY}")
    with warnings.catch_warnings():
        # The copy announces, at each use, that it will go.
        warnings.simplefilter("ignore")
        return import_tensorflow().lite.Interpreter(model_path=path, num_threads=threads)

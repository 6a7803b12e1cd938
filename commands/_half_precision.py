"""A model computing in half precision for as long as a test lasts."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from ._other_mode import run_mode


@contextmanager
def half_precision(model: str) -> Iterator[str]:
    """The path of an ONNX file of `model` in float16, which is there inside the block.

    `export` makes it and says on standard error how its readings differ.

    Raises:
        InputError: the model cannot be exported so.
    """
    from . import export

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "half.onnx"
        # Standard output is the figures'.
        with redirect_stdout(sys.stderr):
            run_mode(export, "--model", model, "--precision", "fp16", "--output", str(copy))
        yield str(copy)

"""LiteRT files, for phones and small boards: float32, float16 weights, or int8 features."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..frameworks import import_tensorflow, silent_stderr
from .tensorflow_graph import Names, write_constant_saved_model

# Operators that stay in float32 in an int8 file: pixels' whitening, attention and the softmaxes,
# as in ONNX, and the products of vectors behind them.
FLOAT_OPERATORS = (
    "CAST", "MEAN", "SUB", "SQUARED_DIFFERENCE", "SQRT", "RSQRT", "MAXIMUM", "DIV", "SOFTMAX",
    "BATCH_MATMUL", "FULLY_CONNECTED", "TRANSPOSE", "RESHAPE", "STRIDED_SLICE", "SUM", "SLICE",
    "SPLIT", "SPLIT_V",
)  # fmt: skip


def write_litert(
    model: Any,
    path: Path,
    names: Names,
    batch: int | None,
    precision: str,
    pictures: npt.NDArray[np.uint8] | None = None,
) -> None:
    """Writes a `.tflite` file with the signature `serving_default` of `write_saved_model`.

    Args:
        precision: `fp32`; `fp16`, weights only; or `int8`, features and their weights.
        pictures: of `int8`, uint8 [n, height, width, 3], from which ranges are taken.
    """
    tf = import_tensorflow()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), silent_stderr():
        # TensorFlow announces that its copy of the converter will move.
        warnings.simplefilter("ignore")
        saved = Path(folder) / "saved"
        write_constant_saved_model(model, saved, names, batch)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(saved), signature_keys=["serving_default"]
        )
        if precision == "fp16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            assert pictures is not None
            path.write_bytes(_quantised(tf, converter, pictures, batch or 1))
        else:
            path.write_bytes(converter.convert())


def _quantised(tf: Any, converter: Any, pictures: npt.NDArray[np.uint8], batch: int) -> bytes:
    def samples() -> Iterator[list[npt.NDArray[np.uint8]]]:
        for start in range(0, len(pictures), batch):
            # The last ones begin anew where they are too few.
            yield [pictures[np.arange(start, start + batch) % len(pictures)]]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=list(FLOAT_OPERATORS))
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=samples, debug_options=options
    )
    content: bytes = debugger.get_nondebug_quantized_model()
    return content

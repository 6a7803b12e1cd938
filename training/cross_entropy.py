"""Cross-entropy of probabilities, the same on every backend."""

from __future__ import annotations

import keras
from keras import ops

# Just above the least float32 that is no denormal: what a softmax rounds to 0 counts as this.
SMALLEST = 2e-38


def cross_entropy(
    targets: keras.KerasTensor, probabilities: keras.KerasTensor
) -> keras.KerasTensor:
    """-sum of targets ln p, in nats: float32 `[...]` of `[..., classes]`.

    Keras's clips p at 1e-7, unless TensorFlow still knows the logits: elsewhere a class that a
    network is sure not to see would teach nothing any more.

    Args:
        targets: float32, each row with the sum 1.
        probabilities: of a softmax.
    """
    logs = ops.log(ops.maximum(ops.cast(probabilities, "float32"), SMALLEST))
    return -ops.sum(targets * logs, axis=-1)

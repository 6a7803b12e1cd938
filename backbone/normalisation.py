"""Batch normalisation that TensorFlow trains as one operation.

Keras 3 spells batch normalisation out in a dozen operations over the whole feature map, in
float32. On a CPU they cost about as much as the convolutions between them; TensorFlow's own
operation does the same in a third to a fifth of the time.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

# oneDNN's bfloat16 kernel wants whole vectors; with other channels a far slower one takes over.
_VECTOR = 16


@keras.saving.register_keras_serializable(package="chepai")
class FusedBatchNormalization(layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, to rounding, in one operation where TensorFlow trains it.

    Arguments, weights and outputs are those of Keras's layer, which is what runs everywhere else:
    when reading, on other backends, in float64, over several devices, and on anything but feature
    maps `[batch, h, w, channels]`.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """`[batch, h, w, channels]` to the same shape; training, it updates the averages."""
        if not (training and self.trainable and mask is None and self._fusible(inputs)):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = _normalise(inputs, self.gamma, self.beta, self.epsilon)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + value * (1.0 - self.momentum))
        return outputs

    def _fusible(self, inputs: Any) -> bool:
        return (
            keras.backend.backend() == "tensorflow"
            and keras.backend.standardize_dtype(inputs.dtype) in ("bfloat16", "float16", "float32")
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and self.scale
            and self.center
            and not self.renorm
            and not self.synchronized
        )


def _normalise(inputs: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """Outputs of the inputs' dtype, and the batch's mean and biased variance, float32."""
    import tensorflow as tf

    inputs = tf.convert_to_tensor(inputs)
    channels = inputs.shape[-1]
    whole = inputs.dtype == tf.bfloat16 and channels % _VECTOR == 0
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs if whole else tf.cast(inputs, tf.float32),
        scale=tf.convert_to_tensor(gamma),
        offset=tf.convert_to_tensor(beta),
        mean=tf.constant([], tf.float32),
        variance=tf.constant([], tf.float32),
        epsilon=epsilon,
        is_training=True,
    )
    count = ops.cast(tf.size(inputs) // channels, "float32")
    # TensorFlow's variance is that of a sample, Keras's that of the batch itself.
    biased = variance * (count - 1.0) / count
    return tf.cast(outputs, inputs.dtype), tf.stop_gradient(mean), tf.stop_gradient(biased)

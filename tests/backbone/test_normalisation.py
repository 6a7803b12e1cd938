"""The fused layer is Keras's own batch normalisation, only quicker."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import pytest
from chepai.backbone.normalisation import FusedBatchNormalization
from keras import layers

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the operation is TensorFlow's"
)
Array = npt.NDArray[np.float32]


def _feature_map(channels: int) -> Array:
    random = np.random.default_rng(3)
    return (random.normal(2.0, 3.0, (4, 5, 6, channels))).astype(np.float32)


def _layer(kind: type[layers.BatchNormalization], channels: int, dtype: str) -> layers.Layer:
    layer = kind(momentum=0.9, epsilon=1e-5, dtype=dtype)
    layer.build((None, 5, 6, channels))
    random = np.random.default_rng(4)
    layer.set_weights([random.uniform(0.5, 1.5, channels).astype("f4") for _ in layer.weights])
    return layer


def _trained(layer: layers.Layer, inputs: Array) -> tuple[Array, list[Array], list[Array]]:
    """Outputs, gradients of a loss that tells positions apart, and all weights afterwards."""
    weights = np.random.default_rng(5).normal(size=inputs.shape).astype(np.float32)
    given = tf.Variable(inputs)
    with tf.GradientTape() as tape:
        outputs = tf.cast(layer(tf.cast(given, layer.compute_dtype), training=True), tf.float32)
        loss = tf.reduce_sum(outputs * weights)
    gradients = tape.gradient(loss, [given, layer.gamma.value, layer.beta.value])
    return outputs.numpy(), [np.asarray(g) for g in gradients], layer.get_weights()


@pytest.mark.parametrize("channels", [16, 24])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float32", 2e-5), ("mixed_bfloat16", 4e-2), ("float64", 1e-12)]
)
def test_trains_as_the_layer_of_keras_does(channels: int, dtype: str, tolerance: float) -> None:
    inputs = _feature_map(channels)
    ours = _trained(_layer(FusedBatchNormalization, channels, dtype), inputs)
    theirs = _trained(_layer(layers.BatchNormalization, channels, dtype), inputs)
    for mine, its in zip((ours[0], *ours[1]), (theirs[0], *theirs[1]), strict=True):
        scale = np.abs(its).max()
        np.testing.assert_allclose(mine / scale, its / scale, atol=tolerance)
    for mine, its in zip(ours[2], theirs[2], strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-5)


def test_training_takes_one_operation_and_reading_those_of_keras() -> None:
    layer = _layer(FusedBatchNormalization, 16, "mixed_bfloat16")
    spec = tf.TensorSpec((None, 5, 6, 16), tf.bfloat16)
    for training in (True, False):
        graph = tf.function(lambda x, t=training: layer(x, training=t)).get_concrete_function(spec)
        fused = [op for op in graph.graph.get_operations() if op.type == "FusedBatchNormV3"]
        assert len(fused) == (1 if training else 0)


def test_a_frozen_layer_keeps_its_averages() -> None:
    layer = _layer(FusedBatchNormalization, 16, "float32")
    before = layer.get_weights()
    layer.trainable = False
    layer(_feature_map(16), training=True)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_is_rebuilt_from_its_configuration() -> None:
    rebuilt = FusedBatchNormalization.from_config(
        FusedBatchNormalization(momentum=0.8, epsilon=1e-4, name="bn").get_config()
    )
    assert (rebuilt.momentum, rebuilt.epsilon, rebuilt.name) == (0.8, 1e-4, "bn")

"""The MobileNets against keras.applications, and their costs against the papers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.backbone import registry
from chepai.backbone.base import BN_EPSILON
from chepai.export.cost import multiply_adds

applications = keras.applications
NO_SCALING = {"include_preprocessing": False}
# Ours, theirs, their options.
PAIRS = [
    ("mobilenet", applications.MobileNet, {}),
    ("mobilenet-v2", applications.MobileNetV2, {}),
    ("mobilenet-v3-small", applications.MobileNetV3Small, NO_SCALING),
    ("mobilenet-v3-large", applications.MobileNetV3Large, NO_SCALING),
]


def network(name: str, size: tuple[int, int], **options: object) -> keras.Model:
    inputs = keras.Input((*size, 3))
    return keras.Model(inputs, registry.build(name, inputs, **options))


@pytest.mark.parametrize(("name", "theirs", "options"), PAIRS)
def test_with_the_same_weights_the_answers_are_those_of_keras(
    name: str, theirs, options: dict
) -> None:
    # Sizes that stay even: at odd ones Keras's own MobileNet pads at one side only.
    ours = network(name, (64, 96), alpha=0.5)
    reference = theirs((64, 96, 3), alpha=0.5, include_top=False, weights=None, **options)
    rng = np.random.default_rng(0)
    weights = [np.abs(rng.normal(1, 0.1, w.shape)) * _scale(w) for w in ours.weights]
    ours.set_weights(weights)
    # Squeeze layers are dense here and 1x1 convolutions there: the same numbers.
    pairs = zip(weights, reference.weights, strict=True)
    reference.set_weights([values.reshape(theirs.shape) for values, theirs in pairs])
    for layer in reference.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.epsilon = BN_EPSILON
    pictures = rng.normal(size=(2, 64, 96, 3)).astype("float32")
    wanted = reference(pictures, training=False)
    received = ours(pictures, training=False)
    assert received.shape == wanted.shape and np.std(wanted) > 0
    np.testing.assert_allclose(received, wanted, rtol=1e-4, atol=1e-4)


def _scale(weight: keras.Variable) -> np.ndarray | float:
    """Signs and sizes that keep the signal alive through fifty layers."""
    if "kernel" not in weight.path:
        return 0.0 if weight.path.endswith(("beta", "bias", "moving_mean")) else 1.0
    signs = np.random.default_rng(sum(weight.shape)).choice([-1.0, 1.0], weight.shape)
    summed = np.prod(weight.shape[:-1]) if weight.shape[-1] > 1 else np.prod(weight.shape[:2])
    return signs * (2 / summed) ** 0.5


@pytest.mark.parametrize(
    ("name", "parameters", "head", "millions"),
    # Parameters are those of keras.applications at alpha 1 without the classifier.
    [
        # Table 4 and 8 of the first paper: 569 million, the classifier of 1024 x 1000 included.
        ("mobilenet", 3_228_864, 1024 * 1000, 569),
        # Table 4 of the second: 300 million; 1280 x 1000.
        ("mobilenet-v2", 2_257_984, 1280 * 1000, 300),
        # Table 3 of the third: 56 and 219 million; two dense layers. Large is counted as 217 from
        # its own table 1 by every implementation (torchvision: 0.22 G).
        ("mobilenet-v3-small", 939_120, 576 * 1024 + 1024 * 1000, 56),
        ("mobilenet-v3-large", 2_996_352, 960 * 1280 + 1280 * 1000, 217),
    ],
)
def test_parameters_and_multiplications_at_224_are_the_published_ones(
    name: str, parameters: int, head: int, millions: int
) -> None:
    model = network(name, (224, 224))
    assert model.count_params() == parameters
    macs = multiply_adds(model) + head
    assert macs / 1e6 == pytest.approx(millions, abs=1)


@pytest.mark.parametrize("name", [name for name, *_ in PAIRS])
def test_strides_keep_columns(name: str) -> None:
    wide = network(name, (48, 144), alpha=0.25, strides=[2, 2, 2, [2, 1], [2, 1]])
    assert wide.output_shape[1:3] == (2, 18)
    usual = network(name, (48, 144), alpha=0.25)
    assert usual.output_shape[1:3] == (2, 5)
    assert usual.count_params() == wide.count_params()


def test_the_originals_mobilenet_v2_ends_with_512_channels() -> None:
    model = network("mobilenet-v2", (48, 144), last_width=512)
    assert model.output_shape == (None, 2, 5, 512)
    # 320 x 768 weights fewer, and four numbers of each normalised channel.
    assert model.count_params() == 2_257_984 - 768 * (320 + 4)


@pytest.mark.parametrize(
    ("name", "blocks", "residuals"),
    # By hand from the papers' tables: 40 % of each width's blocks, rounded up.
    [
        ("mobilenet", 1 + 1 + 1 + 3 + 1, 0),
        ("mobilenet-v2", 1 + 1 + 2 + 2 + 2 + 2 + 1, 4),
        ("mobilenet-v3-small", 1 + 1 + 2 + 1 + 2, 2),
        # Its first block too keeps its shape.
        ("mobilenet-v3-large", 1 + 1 + 2 + 2 + 1 + 2, 4),
    ],
)
def test_depth_shortens_every_stage(name: str, blocks: int, residuals: int) -> None:
    short = network(name, (48, 144), depth=0.4)
    kinds = (keras.layers.DepthwiseConv2D, keras.layers.Add)
    found = [sum(isinstance(layer, kind) for layer in short.layers) for kind in kinds]
    assert found == [blocks, residuals]
    assert short.output_shape[1:3] == (2, 5)


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0},
        {"alpha": "half"},
        {"depth": 0},
        {"depth": 1.5},
        {"strides": [2, 2]},
        {"strides": 2},
    ],
)
def test_a_bad_option_is_named_with_what_was_received(options: dict) -> None:
    (option,) = options
    with pytest.raises(ValueError, match=rf"{option} wants .* Received: "):
        network("mobilenet-v3-small", (48, 144), **options)

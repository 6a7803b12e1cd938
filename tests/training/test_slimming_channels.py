"""Which channels are tied, which must stay, and what a threshold leaves, on networks by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
import pytest
from chepai.backbone import base
from chepai.backbone.grouped import ChannelSplit, GroupedConv2D
from chepai.errors import InputError
from chepai.export.cost import layer_multiply_adds, multiply_adds
from chepai.training.slimming.channels import ChannelGraph
from chepai.training.slimming.choice import Limits, choose
from chepai.training.slimming.surgery import narrowed, silenced
from chepai.training.slimming.trace import trace
from chepai.training.slimming.weighted import LEAST_STRIDED
from keras import layers

NO_LIMITS = Limits(share=0.0, channels=1, multiple=1)
Tensor = keras.KerasTensor


def conv(x: Tensor, filters: int, kernel: int = 3, **options: object) -> Tensor:
    return layers.Conv2D(filters, kernel, padding="same", use_bias=False, **options)(x)


def norm(x: Tensor, name: str) -> Tensor:
    return layers.BatchNormalization(name=name)(x)


def network(body: Callable[[Tensor], Tensor]) -> keras.Model:
    """`body` between a picture and a softmax."""
    keras.utils.set_random_seed(4)
    image = keras.Input((8, 8, 3), name="image")
    x = layers.GlobalAveragePooling2D()(body(image))
    model = keras.Model(image, layers.Dense(4, activation="softmax", name="answer")(x))
    rng = np.random.default_rng(4)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.beta.assign(rng.normal(size=layer.beta.shape))
    return model


def with_gammas(model: keras.Model, **gammas: Sequence[float]) -> keras.Model:
    for name, values in gammas.items():
        model.get_layer(name).gamma.assign(values)
    return model


def removed(graph: ChannelGraph, share: float, limits: Limits = NO_LIMITS) -> dict[str, list[int]]:
    """Places of the channels that go, by normalisation."""
    kept = choose(graph, share, graph.gamma_count, limits).kept
    return {name: np.flatnonzero(~kept[b]).tolist() for name, b in graph.gammas.items()}


def assert_slim_is_silenced(model: keras.Model, share: float = 0.4) -> keras.Model:
    graph = trace(model)
    kept = choose(graph, share, graph.gamma_count, NO_LIMITS).kept
    assert not kept.all()
    slim = narrowed(model, graph, kept)
    images = np.random.default_rng(1).normal(size=(5, 8, 8, 3)).astype("float32")
    wanted = silenced(model, graph, kept)(images, training=False)
    np.testing.assert_allclose(slim(images, training=False), wanted, rtol=0, atol=1e-5)
    assert np.abs(wanted - model(images, training=False)).max() > 1e-3
    return slim


def chain(x: Tensor) -> Tensor:
    x = layers.ReLU()(norm(conv(x, 4), "one"))
    return layers.ReLU()(norm(conv(x, 4), "two"))


def test_one_threshold_serves_all_layers() -> None:
    model = with_gammas(network(chain), one=[0.9, -0.1, 0.3, 0.8], two=[0.2, 0.7, -0.6, 0.5])
    graph = trace(model)
    # Of eight gammas 0.1, 0.2, 0.3 are the lowest; their signs do not count.
    assert removed(graph, 3 / 8) == {"one": [1, 2], "two": [0]}
    choice = choose(graph, 3 / 8, graph.gamma_count, NO_LIMITS)
    assert choice.threshold == pytest.approx(0.3)
    assert removed(graph, 0.0) == {"one": [], "two": []}


def test_every_layer_keeps_its_best_channels() -> None:
    model = with_gammas(network(chain), one=[0.01, 0.02, 0.04, 0.03], two=[0.5, 0.6, 0.7, 0.8])
    graph = trace(model)
    assert removed(graph, 3 / 8, Limits(share=0.5, channels=1, multiple=1)) == {
        "one": [0, 1],
        "two": [0],
    }
    assert removed(graph, 1 / 8, Limits(share=0.0, channels=1, multiple=2)) == {
        "one": [0, 1],
        "two": [],
    }
    with pytest.raises(InputError, match=r"no more than 50 % can be removed here.*received 0.9"):
        choose(graph, 0.9, graph.gamma_count, Limits(share=0.5, channels=1, multiple=1))


def test_a_target_of_multiplications_is_met_and_what_was_counted_is_what_is_left() -> None:
    model = with_gammas(network(chain), one=[0.1, 0.2, 0.3, 0.4], two=[0.5, 0.6, 0.7, 0.8])
    graph, costs = trace(model), layer_multiply_adds(model)
    # 64 places x 9 x (3 x 4 + 4 x 4), and 4 x 4 of the softmax layer.
    assert sum(costs.values()) == multiply_adds(model) == 64 * 9 * 28 + 16
    choice = choose(graph, 0.5, lambda kept: graph.macs(kept, costs), NO_LIMITS)
    # Without two channels of the first layer 64 x 9 x (3 x 2 + 2 x 4) + 16 are left: the half,
    # and 8 more. So a third one goes.
    assert graph.macs(choice.kept, costs) == 64 * 9 * (3 + 4) + 16
    assert multiply_adds(narrowed(model, graph, choice.kept)) == 64 * 9 * (3 + 4) + 16


def test_what_is_added_goes_together_and_counts_as_its_largest_gamma() -> None:
    def residual(x: Tensor) -> Tensor:
        x = norm(conv(x, 4), "stem")
        return layers.ReLU()(layers.Add()([x, norm(conv(x, 4), "block")]))

    model = with_gammas(network(residual), stem=[0.1, 0.9, 0.2, 0.3], block=[0.8, 0.1, 0.3, 0.1])
    graph = trace(model)
    assert graph.scores[graph.gammas["stem"]] == pytest.approx([0.8, 0.9, 0.3, 0.3])
    assert removed(graph, 0.5) == {"stem": [2, 3], "block": [2, 3]}
    assert_slim_is_silenced(model)


def test_a_depthwise_convolution_passes_channels_on() -> None:
    def separable(x: Tensor) -> Tensor:
        x = layers.ReLU()(norm(conv(x, 4), "wide"))
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, depth_multiplier=2)(x)
        return layers.ReLU()(norm(x, "deep"))

    model = with_gammas(
        network(separable), wide=[0.1, 0.5, 0.6, 0.2], deep=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    )
    assert removed(trace(model), 0.25) == {"wide": [0], "deep": [0, 1]}
    assert_slim_is_silenced(model)


def test_a_group_of_a_grouped_convolution_goes_as_a_whole() -> None:
    def grouped(x: Tensor) -> Tensor:
        x = layers.ReLU()(norm(conv(x, 6), "wide"))
        x = GroupedConv2D(9, 3, padding="same", use_bias=False, groups=3, name="groups")(x)
        return layers.ReLU()(norm(x, "deep"))

    low, high = [0.1] * 3, [0.9] * 3
    model = with_gammas(
        network(grouped), wide=[0.9, 0.9, 0.1, 0.2, 0.9, 0.9], deep=[*high, *low, *high]
    )
    assert removed(trace(model), 0.1) == {"wide": [2, 3], "deep": [3, 4, 5]}
    slim = assert_slim_is_silenced(model, 0.1)
    assert (slim.get_layer("groups").groups, slim.get_layer("groups").filters) == (2, 6)


def test_split_and_concatenated_channels_keep_their_places() -> None:
    def parts(x: Tensor) -> Tensor:
        x = layers.ReLU()(norm(conv(x, 6), "wide"))
        first, second = ChannelSplit([4, 2], name="split")(x)
        x = layers.Concatenate()([conv(second, 3), first])
        return layers.ReLU()(norm(x, "joined"))

    ones = [1.0] * 7
    model = with_gammas(network(parts), wide=[0.1, 1.0, 1.0, 1.0, 0.2, 1.0], joined=ones)
    model.get_layer("joined").gamma.assign([1.0, 1.0, 1.0, 0.1, 1.0, 1.0, 1.0])
    assert removed(trace(model), 3 / 13) == {"wide": [0, 4], "joined": [3]}
    slim = assert_slim_is_silenced(model, 3 / 13)
    assert slim.get_layer("split").sizes == (3, 1)


def test_squeeze_and_excitation_loses_the_channels_that_it_weighs() -> None:
    def squeezed(x: Tensor) -> Tensor:
        x = norm(conv(x, 4), "wide")
        gate = layers.Dense(2, activation="relu", name="reduce")(layers.GlobalAveragePooling2D()(x))
        gate = layers.Activation("hard_sigmoid")(layers.Dense(4, name="widen")(gate))
        return layers.Multiply()([x, layers.Reshape((1, 1, 4), name="weights")(gate)])

    model = with_gammas(network(squeezed), wide=[0.1, 0.2, 0.8, 0.9])
    slim = assert_slim_is_silenced(model, 0.5)
    assert (slim.get_layer("reduce").units, slim.get_layer("widen").units) == (2, 2)
    assert tuple(slim.get_layer("weights").target_shape) == (1, 1, 2)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_channels_that_would_not_be_zero_stay(activation: str) -> None:
    """A sigmoid turns a silenced channel into 0.5; a softmax looks at all channels."""

    def lit(x: Tensor) -> Tensor:
        x = layers.Activation(activation)(norm(conv(x, 4), "lit"))
        return layers.ReLU()(norm(conv(x, 4), "last"))

    model = with_gammas(network(lit), lit=[0.1] * 4, last=[0.6, 0.7, 0.8, 0.9])
    assert removed(trace(model), 0.25) == {"lit": [], "last": [0, 1]}


def test_a_channel_that_is_read_before_its_normalisation_stays() -> None:
    def early(x: Tensor) -> Tensor:
        x = conv(x, 4)
        return layers.ReLU()(norm(conv(layers.Add()([conv(x, 4), norm(x, "late")]), 4), "last"))

    model = with_gammas(network(early), late=[0.1] * 4, last=[0.6, 0.7, 0.8, 0.9])
    assert removed(trace(model), 0.25) == {"late": [], "last": [0, 1]}


def test_a_layer_that_is_used_twice_stays() -> None:
    def twice(x: Tensor) -> Tensor:
        x = layers.ReLU()(norm(conv(x, 4), "first"))
        shared = layers.Conv2D(4, 3, padding="same")
        return layers.ReLU()(norm(conv(shared(shared(x)), 4), "last"))

    model = with_gammas(network(twice), first=[0.1] * 4, last=[0.6, 0.7, 0.8, 0.9])
    assert removed(trace(model), 0.25) == {"first": [], "last": [0, 1]}


@keras.saving.register_keras_serializable("tests")
class Mixing(layers.Layer):
    """A layer that slimming has never heard of."""

    def call(self, inputs: Tensor) -> Tensor:
        return inputs + keras.ops.flip(inputs, axis=-1)


def test_what_an_unknown_layer_sees_stays() -> None:
    def unknown(x: Tensor) -> Tensor:
        x = Mixing()(layers.ReLU()(norm(conv(x, 4), "first")))
        return layers.ReLU()(norm(conv(x, 4), "last"))

    model = with_gammas(network(unknown), first=[0.1] * 4, last=[0.6, 0.7, 0.8, 0.9])
    assert removed(trace(model), 0.25) == {"first": [], "last": [0, 1]}


def test_a_network_without_such_channels_says_so() -> None:
    with pytest.raises(InputError, match="cannot be slimmed: none of its channels passes a batch"):
        trace(network(lambda x: layers.ReLU()(conv(x, 4))))


def test_a_1x1_convolution_that_strides_keeps_as_many_channels_as_it_needs() -> None:
    """Below that, TensorFlow's oneDNN overruns its buffers: `backbone/base.py`."""
    assert LEAST_STRIDED == base._NARROW

    def strided(x: Tensor) -> Tensor:
        x = layers.ReLU()(norm(conv(x, 32), "read"))
        return layers.ReLU()(norm(conv(x, 32, 1, strides=2), "made"))

    model = with_gammas(network(strided), read=np.linspace(0.1, 0.2, 32), made=np.ones(32))
    assert len(removed(trace(model), 0.4)["read"]) == 32 - LEAST_STRIDED

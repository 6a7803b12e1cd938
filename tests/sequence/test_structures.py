"""The published structures, layer by layer where a table is published."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from chepai.backbone.base import LayerStyle
from chepai.backbone.rectifier import rectify
from chepai.sequence import registry
from chepai.sequence.attention_decoder import AttentionDecoder

PLAIN = LayerStyle(0.0, 0.0)


def encoder(name: str, size: tuple[int, int], classes: int, **options: Any) -> keras.Model:
    inputs = keras.Input((*size, 3))
    found = registry.build(name, inputs, PLAIN, classes=classes, **options)
    return keras.Model(inputs, found.columns)


def trained(layer: keras.Layer) -> int:
    return sum(int(keras.ops.size(weight)) for weight in layer.trainable_weights)


def conv(height: int, width: int, inputs: int, outputs: int, bias: bool = True) -> int:
    return height * width * inputs * outputs + bias * outputs


def bilstm(inputs: int, hidden: int, outputs: int) -> int:
    """PyTorch's has two bias vectors; Keras's 8 * hidden fewer values."""
    return 2 * 4 * hidden * (inputs + hidden + 1) + (2 * hidden + 1) * outputs


def resnet(blocks: tuple[int, ...]) -> int:
    """Every convolution without bias, its normalisation with two values a channel."""
    plain = lambda k, i, o: k * k * i * o + 2 * o  # noqa: E731
    total, before = plain(3, 3, 32) + plain(3, 32, 64), 64
    for stage, (count, width) in enumerate(zip(blocks, (128, 256, 512, 512), strict=True)):
        total += plain(1, before, width) if before != width else 0
        total += plain(3, before, width) + (2 * count - 1) * plain(3, width, width)
        total += plain(3, width, width) if stage < 3 else 0
        before = width
    return total + 2 * plain(2, 512, 512)


def test_crnn_attention_has_the_published_table():
    table = [
        ((32, 100, 64), 1_792), ((16, 50, 128), 73_856), ((8, 25, 256), 295_168),
        ((8, 25, 256), 102_400), ((8, 25, 256), 590_080), ((5, 24, 512), 1_180_160),
        ((5, 24, 512), 122_880), ((5, 24, 512), 2_359_808), ((1, 21, 512), 2_359_808),
        ((1, 21, 512), 21_504), ((21, 512), 4 * 262_656), ((21, 512), 1_024),
        ((21, 512), 4 * 262_656), ((21, 512), 1_024), ((21, 66), 33_858),
    ]  # fmt: skip
    model = encoder("crnn-attention", (32, 100), 66)
    logits = keras.layers.Dense(66)(model.output)
    model = keras.Model(model.inputs, logits)
    found = [(layer.output.shape[1:], trained(layer)) for layer in model.layers if layer.weights]
    assert found == table
    assert sum(count for _, count in found) == model.count_params() == 9_244_610
    pools = [layer.output.shape[1:] for layer in model.layers if "pool" in layer.name]
    assert [shape for shape in pools if shape[0] in (5, 3)] == [(5, 24, 256), (3, 23, 512)]


def test_lprnet_has_the_public_structure_and_eighteen_columns():
    model = encoder("lprnet", (24, 94), 68)
    block = lambda i, o: (  # noqa: E731
        conv(1, 1, i, o // 4) + conv(3, 1, o // 4, o // 4) + conv(1, 3, o // 4, o // 4)
        + conv(1, 1, o // 4, o) + 2 * o
    )  # fmt: skip
    wanted = conv(3, 3, 3, 64) + 2 * 64 + block(64, 128) + block(64, 256) + block(256, 256)
    wanted += conv(1, 4, 64, 256) + 2 * 256 + conv(13, 1, 256, 68) + 2 * 68
    wanted += conv(1, 1, 448 + 68, 68)
    assert model.output.shape == (None, 18, 68)
    assert trained(model) == wanted
    assert round(wanted / 1e6, 3) == 0.447
    sizes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert sizes["lprnet_pool1"] == (20, 90, 64)
    assert sizes["lprnet_pool2"] == (18, 44, 64)
    assert sizes["lprnet_pool3"] == (16, 21, 64)
    assert sizes["lprnet_context"] == (1, 18, 448 + 68)


def test_the_spatial_transformer_adds_what_the_public_one_has():
    inputs = keras.Input((24, 94, 3))
    model = keras.Model(inputs, rectify("stn", inputs, PLAIN))
    wanted = [conv(3, 3, 3, 32), conv(5, 5, 32, 32), 32 * 14 * 2 * 32 + 32, 32 * 6 + 6]
    assert [trained(layer) for layer in model.layers if layer.weights] == wanted
    assert round((sum(wanted) + 446_976) / 1e6, 3) == 0.502


def test_crnn_has_seven_convolutions_and_two_lstms():
    model = encoder("crnn", (32, 100), 37)
    wanted = conv(3, 3, 3, 64) + conv(3, 3, 64, 128) + conv(3, 3, 128, 256) + 2 * 256
    wanted += conv(3, 3, 256, 256) + conv(3, 3, 256, 512) + 2 * 512 + conv(3, 3, 512, 512)
    wanted += conv(2, 2, 512, 512) + 2 * 512 + bilstm(512, 256, 256) + bilstm(256, 256, 37)
    assert model.output.shape == (None, 26, 37)
    assert trained(model) == wanted


def test_vgg_bilstm_is_as_large_as_the_published_file():
    classes = 68
    model = encoder("vgg-bilstm", (32, 100), classes)
    wanted = conv(3, 3, 3, 64) + conv(3, 3, 64, 128) + conv(3, 3, 128, 256)
    wanted += conv(3, 3, 256, 256) + conv(3, 3, 256, 512, False) + conv(3, 3, 512, 512, False)
    wanted += 2 * 2 * 512 + conv(2, 2, 512, 512) + 2 * bilstm(256, 256, 256)
    wanted += 2 * 4 * 256 * 256
    assert model.output.shape == (None, 24, 256)
    assert trained(model) == wanted
    # With the classifier, PyTorch's second biases and the normalisations' averages.
    stored = wanted + (256 + 1) * classes + 2 * 2048 + 2 * 2 * 512
    assert round(4 * stored / 1e6, 1) == 33.9  # MB, as published


def test_resnet_bilstm_is_as_large_as_the_published_file():
    classes = 68
    model = encoder("resnet-bilstm", (32, 100), classes)
    wanted = resnet((1, 2, 5, 3)) + bilstm(512, 256, 256) + bilstm(256, 256, 256)
    assert model.output.shape == (None, 26, 256)
    assert trained(model) == wanted
    stored = model.count_params() + (256 + 1) * classes + 2 * 2048
    assert round(4 * stored / 1e6, 1) == pytest.approx(188.9, abs=0.2)  # MB, as published


def test_unfolding_sets_the_lower_row_behind_the_upper_one():
    inputs = keras.Input((32, 100, 3))
    sizes = {"width": 16, "hidden": 4, "blocks": (1, 1, 1, 1)}
    found = registry.build("resnet-bilstm", inputs, PLAIN, classes=86, unfold=True, **sizes)
    model = keras.Model(inputs, found.columns)
    last = keras.Model(inputs, [model.get_layer(name).output for name in ("end2_relu", "columns")])
    rows, line = last(np.random.default_rng(1).random((2, 32, 100, 3), np.float32))
    assert rows.shape == (2, 2, 26, 16) and model.output.shape == (None, 52, 4)
    np.testing.assert_array_equal(line, np.concatenate([rows[:, 0], rows[:, 1]], axis=1))
    plain = encoder("resnet-bilstm", (32, 100), 86, **sizes)
    assert model.count_params() == plain.count_params()


def test_tps_and_the_attention_decoder_complete_the_published_forty_nine_million():
    inputs = keras.Input((32, 100, 3))
    model = keras.Model(inputs, rectify("tps", inputs, PLAIN))
    widths = (3, 64, 128, 256, 512)
    convolutions = sum(9 * i * o + 2 * o for i, o in itertools.pairwise(widths))
    wanted = convolutions + 512 * 256 + 256 + 256 * 40 + 40
    assert trained(model) == wanted
    decoder = AttentionDecoder(classes=38, steps=26)
    decoder.build((None, 26, 256))
    attention = 256 * 256 + (256 + 1) * 256 + 256
    cell = 4 * 256 * (256 + 38 + 256 + 1)
    assert trained(decoder) == attention + cell + (256 + 1) * 38
    total = wanted + trained(decoder) + resnet((1, 2, 5, 3))
    total += bilstm(512, 256, 256) + bilstm(256, 256, 256)
    assert round(total / 1e6, 1) == 49.6  # of the paper, with 36 characters


def test_dropout_stands_where_it_is_asked_for():
    for name, size in (("lprnet", (24, 94)), ("crnn", (32, 100)), ("vgg-bilstm", (32, 100))):
        inputs = keras.Input((*size, 3))
        found = registry.build(name, inputs, PLAIN, classes=10, dropout=0.3)
        layers = keras.Model(inputs, found.columns).layers
        assert [one.rate for one in layers if isinstance(one, keras.layers.Dropout)].count(0.3) >= 2

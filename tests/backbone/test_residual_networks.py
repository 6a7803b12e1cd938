"""ResNet18-v2, ResNeXt18 and MixNet18 against published counts and figures worked by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.backbone import registry
from chepai.export.cost import multiply_adds

WIDTHS = (64, 128, 256, 512)
# Places of the map in each stage: 12 x 36, 6 x 18, 3 x 9, 2 x 5.
PLACES = (432, 108, 27, 10)
RESNET18 = 11_182_784
# Of a published stem of 7x7 kernels, and of ours of 3x3.
STEMS = (7 * 7 * 3 * 64, 3 * 3 * 3 * 64)


def network(name: str, **options: object) -> keras.Model:
    inputs = keras.Input((48, 144, 3))
    return keras.Model(inputs, registry.build(name, inputs, **options))


def trainable(model: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_resnet18_multiplications_by_hand() -> None:
    stem = 27 * 64 * 24 * 72
    first = 64 * 64 * (4 * 9 + 1) * 432
    # The stages that widen: one convolution from half as many channels, three, a projection.
    later = sum(
        width * width * (9 / 2 + 3 * 9 + 1 / 2) * places
        for width, places in zip(WIDTHS[1:], PLACES[1:], strict=True)
    )
    assert multiply_adds(network("resnet18")) == stem + first + later
    # 1,814,073,344 is torchvision's network at 224 x 224 with a classifier of 512 x 1000.
    inputs = keras.Input((224, 224, 3))
    ours = multiply_adds(keras.Model(inputs, registry.build("resnet18", inputs)))
    stems = (STEMS[1] - STEMS[0]) * 112 * 112
    projection_of_the_first_stage = 64 * 64 * 56 * 56
    assert ours == 1_814_073_344 - 512_000 + stems + projection_of_the_first_stage


def test_resnet18_v2_has_the_published_weights_and_its_own_projections() -> None:
    model = network("resnet18-v2")
    # 11,687,848 of pytorchcv's preresnet18, its classifier and the stem's normalisation taken away;
    # a projection in the first stage, normalised projections.
    published = 11_687_848 - 513_000 - 2 * 64
    assert trainable(model) == published - STEMS[0] + STEMS[1] + 64 * 64 + 2 * sum(WIDTHS)
    assert model.output_shape == (None, 2, 5, 512)


def test_resnet18_v2_never_activates_its_sum() -> None:
    model = network("resnet18-v2", widths=[8, 8, 8, 8], blocks=[2, 1, 1, 1])
    add = model.get_layer("stage1_block2_add")
    identity = add.input[0]
    assert identity is model.get_layer("stage1_block1_add").output
    sums = keras.Model(model.input, add.output)
    pictures = np.random.default_rng(0).normal(size=(1, 48, 144, 3))
    assert float(np.min(sums(pictures))) < 0


def test_resnext18_32x4d_has_the_published_weights() -> None:
    # pytorchcv's resnext26_32x4d, the same blocks, has 15,389,480 with a classifier of 2048 x 1000.
    model = network("resnext18-32x4d")
    assert trainable(model) == 15_389_480 - 2_049_000 - STEMS[0] + STEMS[1]
    kernel = model.get_layer("stage2_block1_2_conv").kernel
    assert kernel.shape == (3, 3, 8, 256)  # 32 groups of 8


@pytest.mark.parametrize(
    ("name", "inputs_of_each_filter"),
    [("resnext18", (4, 4, 8, 16)), ("mixnet18", (1, 1, 1, 1))],
)
def test_mixed_kernels_cost_what_they_should_by_hand(
    name: str, inputs_of_each_filter: tuple[int, ...]
) -> None:
    # w/2 filters of 9, w/4 of 25, w/8 of 49 and w/8 of 81 weights for each input: 27 w in all.
    saved = [
        2 * (9 * width * width - 27 * width * inputs)
        for width, inputs in zip(WIDTHS, inputs_of_each_filter, strict=True)
    ]
    model = network(name)
    assert model.count_params() == RESNET18 - sum(saved)
    spared = sum(weights * places for weights, places in zip(saved, PLACES, strict=True))
    assert multiply_adds(model) == multiply_adds(network("resnet18")) - spared


@pytest.mark.parametrize(("name", "group"), [("resnext18", 2), ("mixnet18", 1)])
def test_each_channel_belongs_to_one_group(name: str, group: int) -> None:
    model = network(name, widths=[32, 32, 32, 32], blocks=[1, 1, 1, 1])
    split = model.get_layer("stage1_block1_2_split")
    joined = model.get_layer("stage1_block1_2_concat")
    mixed = keras.Model(split.input, joined.output)
    pictures = np.zeros((32, *split.input.shape[1:]), "float32")
    for channel, picture in enumerate(pictures):
        picture[6, 18, channel] = 1
    reached = np.abs(mixed(pictures)).sum(axis=(1, 2)) > 0
    wanted = np.kron(np.eye(32 // group), np.ones((group, group))) > 0
    np.testing.assert_array_equal(reached, wanted)
    # Sizes: the last eighth of the channels looks four places to each side.
    spread = (np.abs(mixed(pictures)) > 0).any(axis=(1, 3)).sum(axis=1)
    np.testing.assert_array_equal(spread, [3] * 16 + [5] * 8 + [7] * 4 + [9] * 4)


@pytest.mark.parametrize(
    ("name", "widths", "wanted"),
    [
        ("resnext18", [64, 72, 256, 512], "multiples of 16 here, the number of groups.*: 72"),
        ("resnext18", [64, 144, 256, 512], "multiples of 32 here.*: 144"),
        ("mixnet18", [64, 100, 256, 512], "multiples of 8 here, the shares.*: 100"),
        ("resnext18-32x4d", [96, 128, 256, 512], "multiples of 64 here, twice.*: 96"),
    ],
)
def test_widths_that_cannot_be_shared_out_are_refused(
    name: str, widths: list[int], wanted: str
) -> None:
    with pytest.raises(ValueError, match=f"widths wants {wanted}"):
        network(name, widths=widths)

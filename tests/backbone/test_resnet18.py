"""ResNet18's shapes and sizes, as counted from the original."""

from __future__ import annotations

import keras
import pytest
from chepai.backbone import registry


def resnet18(**options: object) -> keras.Model:
    inputs = keras.Input((48, 144, 3))
    return keras.Model(inputs, registry.build("resnet18", inputs, **options))


@pytest.mark.parametrize(
    ("options", "shape", "parameters"),
    [
        ({}, (None, 2, 5, 512), 11_182_784),
        ({"stem_stride": 1, "widths": (64, 128, 256, 384)}, (None, 3, 9, 384), 7_755_968),
    ],
    ids=["head", "first commit"],
)
def test_the_originals_networks_have_their_sizes(
    options: dict, shape: tuple, parameters: int
) -> None:
    model = resnet18(**options)
    assert model.output_shape == shape
    assert model.count_params() == parameters


def test_strides_can_differ_between_height_and_width() -> None:
    small = {"widths": [4, 4, 8, 8], "blocks": [1, 1, 1, 1]}
    model = resnet18(**small, strides=[1, 2, [2, 1], [1, 2]], stem_stride=[1, 2], stem_pool=False)
    assert model.output_shape == (None, 12, 18, 8)


def test_stem_and_blocks_are_options() -> None:
    model = resnet18(widths=[4, 8, 8, 8], blocks=[1, 2, 3, 1], stem_width=6)
    assert model.get_layer("stem_conv").filters == 6
    assert [layer.name for layer in model.layers if layer.name.endswith("_add")] == [
        "stage1_block1_add",
        "stage2_block1_add",
        "stage2_block2_add",
        "stage3_block1_add",
        "stage3_block2_add",
        "stage3_block3_add",
        "stage4_block1_add",
    ]


def test_convolutions_in_factors_have_the_ranks_that_are_asked_for() -> None:
    small = {"widths": (16, 16, 24, 32), "blocks": (1, 1, 2, 1)}
    model = resnet18(**small, ranks=[5, (3, 4), (6, 8), (7, 9)])
    shapes = {
        layer.name: tuple(layer.kernel.shape) for layer in model.layers if "_conv" in layer.name
        or layer.name.endswith(("_reduce", "_core"))
    }  # fmt: skip
    assert shapes["stage1_block1_1_core"] == (3, 3, 5, 5)
    assert shapes["stage3_block1_1_reduce"] == (1, 1, 16, 6)
    assert shapes["stage3_block1_1_core"] == (3, 3, 6, 8)
    assert shapes["stage3_block1_1_conv"] == (1, 1, 8, 24)
    assert shapes["stage4_block1_shortcut_reduce"] == (1, 1, 24, 7)
    assert shapes["stage4_block1_shortcut_conv"] == (1, 1, 7, 32)
    assert model.output_shape == resnet18(**small).output_shape


@pytest.mark.parametrize("ranks", [(4, 4, 4), 4, (4, 4, 4, 0), (4, 4, 4, (1, 2, 3))])
def test_bad_ranks_are_named(ranks: object) -> None:
    with pytest.raises(ValueError, match="ranks wants"):
        resnet18(ranks=ranks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ranks": (4, 4, 4, 4), "mixed_kernels": -1}, "an integer from 0 on"),
        ({"ranks": (4, 4, 4, 4), "mixed_kernels": 1.5}, "an integer from 0 on"),
        ({"mixed_kernels": 3}, "wants ranks"),
    ],
)
def test_bad_mixed_kernels_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resnet18(**options)

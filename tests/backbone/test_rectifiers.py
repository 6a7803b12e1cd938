"""Rectifiers leave pictures alone until they are trained, and then do what geometry says."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pytest
from chepai.backbone.base import LayerStyle
from chepai.backbone.rectifier import rectify
from chepai.backbone.rectifier.grid import regular_grid
from chepai.backbone.rectifier.sampling import sample
from chepai.backbone.rectifier.stn import IDENTITY, AffineSampler
from chepai.backbone.rectifier.tps import SplineSampler, fiducial_points, spline_weights
from chepai.errors import InputError

PICTURES = np.random.default_rng(4).random((2, 24, 40, 3)).astype("float32")


@pytest.mark.parametrize("name", ["stn", "tps"])
def test_an_untrained_rectifier_gives_the_picture_itself(name: str):
    inputs = keras.Input((24, 40, 3))
    model = keras.Model(inputs, rectify(name, inputs, LayerStyle(), width=4))
    np.testing.assert_allclose(model(PICTURES), PICTURES, atol=2e-5)


@pytest.mark.parametrize("name", ["stn", "tps"])
def test_a_rectifier_learns_where_to_look(name: str):
    """What is shifted by two pixels is shifted back: gradients reach the localisation network."""
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(1)
    coarse = rng.random((8, 4, 6, 1)).astype("float32")
    whole = np.array(keras.ops.image.resize(coarse, (28, 44), interpolation="bicubic"))
    shifted, straight = whole[:, 2:26, 4:], whole[:, 2:26, 2:42]
    inputs = keras.Input((24, 40, 1))
    model = keras.Model(inputs, rectify(name, inputs, LayerStyle(0, 0), width=4))
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    before = model.evaluate(shifted, straight, verbose=0)
    model.fit(shifted, straight, batch_size=8, epochs=40, verbose=0)
    assert model.evaluate(shifted, straight, verbose=0) < 0.35 * before


@pytest.mark.parametrize("sampler", [AffineSampler(), SplineSampler(20)], ids=["stn", "tps"])
def test_what_undoes_a_map_brings_the_picture_back(sampler: keras.layers.Layer):
    picture = cv2.GaussianBlur(PICTURES[0], (0, 0), 2)
    matrix = np.array([[0.9, 0.03, 0.02], [0.3, 0.8, -0.04]])
    moved = AffineSampler()([picture[None], _inverse(matrix).reshape(1, 6).astype("float32")])
    back = np.array(sampler([moved, sampler.undoing(matrix[None])]))[0]
    inside = (slice(8, -8), slice(8, -8))
    np.testing.assert_allclose(back[inside], picture[inside], atol=0.03)


def _inverse(matrix: np.ndarray) -> np.ndarray:
    return np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]


def test_sampling_between_pixels_is_the_weighted_mean_of_four():
    picture = np.array([[[[1.0], [2.0]], [[3.0], [5.0]]]], "float32")
    places = np.array([[0.0, -1.0, 1.0, 0.5, 3.0]], "float32")
    read = np.array(sample(picture, places, places, "zeros"))[0, :, 0]
    # Halfway; the first and the last pixel; three quarters of the way; far outside.
    mixed = 1 / 16 * 1 + 3 / 16 * 2 + 3 / 16 * 3 + 9 / 16 * 5
    np.testing.assert_allclose(read, [2.75, 1, 5, mixed, 0], atol=1e-6)
    assert np.array(sample(picture, places, places, "border"))[0, -1, 0] == 5


def test_an_affine_map_turns_the_picture_round():
    theta = np.array([[-1, 0, 0, 0, -1, 0], IDENTITY], "float32")
    turned = np.array(AffineSampler()([PICTURES, theta]))
    np.testing.assert_allclose(turned[0], PICTURES[0, ::-1, ::-1], atol=1e-5)
    np.testing.assert_allclose(turned[1], PICTURES[1], atol=1e-5)


def test_a_spline_goes_through_its_points_and_is_exact_for_affine_maps():
    fixed = fiducial_points(20)
    moved = fixed + np.random.default_rng(2).normal(0, 0.1, fixed.shape)
    np.testing.assert_allclose(spline_weights(fixed, fixed) @ moved, moved, atol=1e-9)
    grid = regular_grid(9, 17)
    affine = np.array([[0.9, 0.2], [-0.1, 1.1]])
    np.testing.assert_allclose(
        spline_weights(grid, fixed) @ (fixed @ affine + 0.3), grid @ affine + 0.3, atol=1e-9
    )


def test_points_that_are_moved_together_shift_the_picture():
    points = fiducial_points(20) + np.array([2 * 4 / (40 - 1), 0])
    shifted = SplineSampler(20)([PICTURES[:1], points.astype("float32").reshape(1, -1)])
    np.testing.assert_allclose(np.array(shifted)[0, :, :36], PICTURES[0, :, 4:], atol=1e-4)


def test_sampling_agrees_with_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `parity`)")
    rng = np.random.default_rng(5)
    theta = (np.array(IDENTITY) + rng.normal(0, 0.3, (2, 6))).astype("float32")
    grid = torch.nn.functional.affine_grid(
        torch.from_numpy(theta.reshape(2, 2, 3)), (2, 3, 24, 40), align_corners=True
    )
    pictures = torch.from_numpy(PICTURES.transpose(0, 3, 1, 2).copy())
    for padding in ("zeros", "border"):
        wanted = torch.nn.functional.grid_sample(
            pictures, grid, padding_mode=padding, align_corners=True
        )
        x, y = (grid[..., axis].reshape(2, -1).numpy() for axis in (0, 1))
        read = np.array(sample(PICTURES, x, y, padding)).reshape(2, 24, 40, 3)
        np.testing.assert_allclose(read, wanted.numpy().transpose(0, 2, 3, 1), atol=1e-5)
    zeros = torch.nn.functional.grid_sample(pictures, grid, align_corners=True).numpy()
    read = np.array(AffineSampler()([PICTURES, theta]))
    # An edge of the picture may lie on a pixel: there one of them sees the outside.
    far = np.abs(read - zeros.transpose(0, 2, 3, 1)) > 1e-4
    assert far.mean() < 0.002


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("bend", {}, "there are: none, stn, tps"),
        ("stn", {"fiducials": 4}, "rectifier stn has no such option; there are: width, dropout"),
        ("tps", {"fiducials": 5}, "an even number of at least 4"),
    ],
)
def test_a_wrong_rectifier_is_named(name: str, options: dict[str, int], sentence: str):
    with pytest.raises(InputError, match=sentence):
        rectify(name, keras.Input((24, 40, 3)), LayerStyle(), **options)

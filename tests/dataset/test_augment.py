"""Augmentation: off means off, on means visible, and the original's ranges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from chepai.configs import AugmentConfig
from chepai.dataset import augment_detail as detail
from chepai.dataset import augment_light as light
from chepai.dataset.augment import (
    SHEET_STRENGTHS,
    Augmenter,
    augmentation_names,
    augmented_sheet,
    only,
)
from chepai.dataset.augment_geometry import homography


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng([7, *seed])


@pytest.fixture(scope="module")
def plate() -> np.ndarray:
    """Something with edges and colours, 48 x 144."""
    image = np.full((48, 144, 3), (30, 60, 200), np.uint8)
    return cv2.putText(image, "A12345", (6, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (240, 230, 220), 3)


def test_strength_zero_is_the_identity(plate: np.ndarray) -> None:
    off = AugmentConfig(**dict.fromkeys(augmentation_names(), 0.0))
    for config in (off, AugmentConfig(enabled=False)):
        image, grey = Augmenter(config)(plate, rng())
        np.testing.assert_array_equal(image, plate)
        assert not grey


@pytest.mark.parametrize("name", augmentation_names())
def test_each_alone_changes_the_picture_and_keeps_its_form(name: str, plate: np.ndarray) -> None:
    before = plate.copy()
    results = [Augmenter(only(name, 1.0))(plate, rng(i)).image for i in range(20)]
    assert any((image != plate).any() for image in results)
    assert all(image.shape == plate.shape and image.dtype == np.uint8 for image in results)
    np.testing.assert_array_equal(plate, before)


@pytest.mark.parametrize("name", augmentation_names())
def test_strengths_far_beyond_one_do_not_fail(name: str, plate: np.ndarray) -> None:
    for i in range(10):
        assert Augmenter(only(name, 50.0), always=True)(plate, rng(i)).image.shape == plate.shape


def test_the_same_random_numbers_give_the_same_picture(plate: np.ndarray) -> None:
    augment = Augmenter(AugmentConfig())
    first, again = augment(plate, rng(3)), augment(plate, rng(3))
    np.testing.assert_array_equal(first.image, again.image)
    assert (first.image != augment(plate, rng(4)).image).any()


def test_salt_and_pepper_hits_one_pixel_in_a_hundred_half_white_half_black() -> None:
    image = np.full((1000, 1000, 3), 128, np.float32)
    noisy = light.add_salt_and_pepper(image, light.SALT_AND_PEPPER, rng())
    assert abs((noisy[..., 0] == 255).mean() - 0.005) < 0.0005
    assert abs((noisy[..., 0] == 0).mean() - 0.005) < 0.0005
    assert (noisy.min(axis=2) == noisy.max(axis=2)).all()


def test_noise_is_one_of_three_kinds_equally_often() -> None:
    image = np.full((48, 144, 3), 128, np.float32)
    results = [light.add_noise(image, 1.0, rng(i)) for i in range(600)]
    stds = np.array([result.std() for result in results])
    gaussian = [abs(std - 2.55) < 0.15 for std in stds]
    for share in (np.mean(stds == 0), np.mean(stds > 5), np.mean(gaussian)):
        assert abs(share - 1 / 3) < 0.06


def test_a_quarter_get_no_colour_change_and_the_others_stay_in_range() -> None:
    grey = np.full((4, 4, 3), 100, np.float32)
    changed = np.array([light.change_colour(grey, 1.0, rng(i)).mean() - 100 for i in range(2000)])
    assert abs(np.mean(changed == 0) - 0.25) < 0.03
    # Contrast and saturation leave a uniform grey alone: what is seen is brightness.
    assert 29 < np.abs(changed).max() <= 30.001
    assert abs(changed[changed != 0].std() - 30 / np.sqrt(3)) < 1


@pytest.mark.parametrize("factor", [0.9, 1.0, 1.1, 2.0])
def test_saturation_and_contrast_equal_those_of_tensorflow(factor: float) -> None:
    import tensorflow as tf

    image = rng().random((12, 20, 3), np.float32)
    for ours, theirs in (
        (light.scale_saturation, tf.image.adjust_saturation),
        (light.scale_contrast, tf.image.adjust_contrast),
    ):
        expected = theirs(image, factor).numpy()
        np.testing.assert_allclose(ours(255 * image, factor) / 255, expected, atol=2e-5)


def test_hue_keeps_luma_and_greys_and_a_full_turn_is_nothing() -> None:
    image = 255 * rng().random((6, 8, 3), np.float32)
    luma = np.array([0.299, 0.587, 0.114])
    turned = light.turn_hue(image, 40)
    np.testing.assert_allclose(turned @ luma, image @ luma, rtol=2e-3)
    np.testing.assert_allclose(light.turn_hue(image, 360), image, atol=1e-2)
    grey = np.full((2, 2, 3), 90, np.float32)
    np.testing.assert_allclose(light.turn_hue(grey, 40), grey, atol=0.1)


@pytest.mark.parametrize(("angle", "along"), [(0.0, 1), (np.pi / 2, 0)])
def test_motion_smears_along_its_direction_over_its_length(angle: float, along: int) -> None:
    kernel = detail.motion_kernel(7.0, angle)
    assert kernel.sum() == pytest.approx(1)
    line = kernel.sum(axis=1 - along)
    assert 7 <= np.count_nonzero(line) <= 9
    assert np.count_nonzero(kernel.sum(axis=along)) == 1


@pytest.mark.parametrize(
    ("name", "largest"),
    [("rotation", 10.0), ("shear", 15.0), ("slope", 12.0), ("shift", 0.08), ("scale", 0.15)],
)
def test_movements_reach_their_range_and_no_further(name: str, largest: float) -> None:
    measured = []
    for i in range(300):
        matrix = homography(100, 200, only(name, 1.0), rng(i))
        assert matrix is not None
        measured.append(abs(_movement(matrix, name)))
    assert 0.9 * largest < max(measured) <= largest * 1.0001


def _movement(matrix: np.ndarray, name: str) -> float:
    if name == "rotation":
        return float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
    if name == "shear":
        return float(np.degrees(np.arctan(matrix[0, 1])))
    if name == "slope":
        return float(np.degrees(np.arctan(matrix[1, 0] / matrix[1, 1])))
    if name == "shift":
        return float(max(abs(matrix[0, 2]) / 200, abs(matrix[1, 2]) / 100))
    return float(matrix[0, 0] - 1)


def test_perspective_moves_corners_by_up_to_a_tenth() -> None:
    corners = np.array([[[0, 0]], [[199, 0]], [[199, 99]], [[0, 99]]], np.float32)
    largest = 0.0
    for i in range(200):
        matrix = homography(100, 200, only("perspective", 1.0), rng(i))
        assert matrix is not None
        moved = cv2.perspectiveTransform(corners, matrix)
        largest = max(largest, float(np.abs((moved - corners) / (200, 100)).max()))
    assert 0.095 < largest < 0.1001


def test_a_slope_leaves_strokes_upright_and_the_whole_plate_in_its_box() -> None:
    corners = np.array([[[-0.5, -0.5]], [[199.5, -0.5]], [[199.5, 99.5]], [[-0.5, 99.5]]])
    for i in range(20):
        matrix = homography(100, 200, only("slope", 1.0), rng(i))
        assert matrix is not None
        moved = cv2.perspectiveTransform(corners, matrix)[:, 0]
        np.testing.assert_allclose(moved[:, 0], corners[:, 0, 0], atol=1e-9)
        assert moved[:, 1].min() == pytest.approx(-0.5)
        assert moved[:, 1].max() == pytest.approx(99.5)


def test_coarse_pictures_are_samples_not_averages() -> None:
    # Where 94 x 24 pixels take every third of 282 x 72, lines of one pixel stay or go whole.
    lines = np.zeros((72, 282, 3), np.uint8)
    lines[:, 1::3] = 255
    assert (detail.coarsen(lines) == 255).all()
    assert (detail.coarsen(np.roll(lines, 1, axis=1)) == 0).all()


def test_a_grey_picture_says_so_with_the_configured_probability(plate: np.ndarray) -> None:
    augment = Augmenter(only("grey", 0.3))
    results = [augment(plate, rng(i)) for i in range(500)]
    assert abs(np.mean([result.grey for result in results]) - 0.3) < 0.06
    for image, grey in results[:50]:
        assert grey == bool((image[..., 0] == image[..., 2]).all())


def test_a_patch_covers_at_most_a_tenth(plate: np.ndarray) -> None:
    shares = [(detail.cover_patch(plate, rng(i)) != plate).any(axis=2).mean() for i in range(200)]
    assert 0.08 < max(shares) < 0.105


def test_the_sheet_has_a_row_for_each_augmentation(plate: np.ndarray) -> None:
    sheet = augmented_sheet([plate], AugmentConfig(), seed=1)
    rows, columns = len(augmentation_names()) + 3, len(SHEET_STRENGTHS) + 2
    assert sheet.shape == (48 * rows, 144 * columns, 3)

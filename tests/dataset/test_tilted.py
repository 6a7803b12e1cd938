"""Plates are tilted as a detector's box shows them, by a map that is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from chepai.dataset.tilted import distorted, random_map

CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)


def moved(matrix: np.ndarray, places: np.ndarray) -> np.ndarray:
    return places @ matrix[:, :2].T + matrix[:, 2]


@pytest.mark.parametrize("seed", range(5))
def test_a_tilted_plate_fills_its_box_again(seed: int):
    matrix = random_map(48, 144, np.random.default_rng(seed))
    box = np.ptp(moved(matrix, CORNERS), axis=0) / 2
    assert (box >= 0.85 - 1e-9).all() and (box <= 1.05 + 1e-9).all()
    centre = moved(matrix, CORNERS).mean(axis=0)
    assert (np.abs(centre) <= 0.08 + 1e-9).all()


def test_a_plate_climbs_as_far_as_it_is_turned():
    maps = [random_map(48, 144, np.random.default_rng(seed)) for seed in range(50)]
    # Of a picture three times as wide as high, which a plate turned by 20 degrees fills.
    climbs = [matrix[1, 0] for matrix in maps]
    assert max(climbs) > 0.4 and min(climbs) < -0.4


def test_the_identity_moves_nothing():
    picture = np.random.default_rng(2).integers(0, 256, (24, 94, 3), np.uint8)
    np.testing.assert_array_equal(distorted(picture, np.eye(2, 3)), picture)


def test_what_lies_at_a_place_is_seen_where_the_map_says():
    picture = np.zeros((49, 145, 3), np.uint8)
    cv2.circle(picture, (102, 16), 3, (255, 255, 255), -1)
    matrix = random_map(49, 145, np.random.default_rng(7))
    seen = distorted(picture, matrix)[:, :, 0].astype(float)
    rows, columns = np.mgrid[0:49, 0:145]
    found = [(seen * columns).sum() / seen.sum(), (seen * rows).sum() / seen.sum()]
    half = np.array([72, 24])
    wanted = half + half * moved(matrix, (np.array([[102, 16]]) - half) / half)[0]
    np.testing.assert_allclose(found, wanted, atol=0.3)

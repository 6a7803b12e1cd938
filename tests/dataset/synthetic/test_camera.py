from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from chepai.dataset.synthetic import camera
from chepai.dataset.synthetic.geometry import layout
from chepai.dataset.synthetic.plate import MARGIN, FlatPlate
from chepai.dataset.synthetic.scenes import PARKING, ROAD, SCENES, STORED

PLATE = layout("blue", "京A12345", 1)


def test_a_whole_plate_lies_in_the_window_with_all_its_characters():
    for scene in SCENES.values():
        for seed in range(60):
            view = camera.look_at(np.random.default_rng(seed), PLATE, scene, 120)
            assert min(view.visible_share(cell) for cell in PLATE.cells) > 0.8


def test_a_trimmed_view_goes_inside_the_frame_and_keeps_the_characters():
    scene = replace(STORED, trim=1.0, rectified=0.5)
    inside = 0
    for seed in range(60):
        view = camera.look_at(np.random.default_rng(seed), PLATE, scene, 200)
        assert min(view.visible_share(cell) for cell in PLATE.cells) > 0.8
        top = view.points(np.array([(220.0, 4.0)]))[0, 1]
        inside += top < 0
    assert inside > 20


def test_the_plate_is_as_wide_as_asked():
    for seed in range(30):
        view = camera.look_at(np.random.default_rng(seed), PLATE, ROAD, 100)
        corners = view.points(np.array([(0, 0), (440, 0), (440, 140), (0, 140)], float))
        assert np.ptp(corners[:, 0]) == pytest.approx(100, rel=0.12)


def test_the_picture_shows_a_point_where_the_view_says():
    scale = 0.5
    size = (round((140 + 2 * MARGIN) * scale), round((440 + 2 * MARGIN) * scale))
    image = np.zeros((*size, 4), np.uint8)
    image[..., 3] = 255
    spot = (300.0, 50.0)
    x, y = (round((MARGIN + v) * scale) for v in spot)
    image[y - 3 : y + 4, x - 3 : x + 4, :3] = 255
    for seed in range(10):
        view = camera.look_at(np.random.default_rng(seed), PLATE, PARKING, 220)
        backdrop = np.zeros((view.height, view.width, 3), np.uint8)
        seen = camera.photograph(FlatPlate(image, scale), view, backdrop)[..., 0].astype(float)
        rows, columns = np.mgrid[: view.height, : view.width]
        found = np.array([(seen * columns).sum(), (seen * rows).sum()]) / seen.sum()
        assert found == pytest.approx(view.points(np.array([spot]))[0], abs=1.2)


def test_a_shifted_window_loses_characters_on_one_side():
    view = camera.look_at(np.random.default_rng(3), PLATE, SCENES["gate"], 200)
    cut = view.shifted(0.4 * view.width, 0.0)
    shares = [cut.visible_share(cell) for cell in PLATE.cells]
    assert shares[0] == 0
    assert shares[-1] > 0.9

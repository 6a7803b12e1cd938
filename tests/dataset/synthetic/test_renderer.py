from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from chepai.dataset.synthetic.renderer import PlateRenderer
from chepai.dataset.synthetic.scenes import SCENE_NAMES, SCENES
from chepai.errors import InputError
from chepai.plate.codec import describe, encode
from chepai.plate.schema import load_schema


@pytest.fixture(scope="module")
def renderer():
    return PlateRenderer()


@pytest.fixture(scope="module")
def rejected(renderer):
    return [renderer.render(np.random.default_rng([2, i]), "reject") for i in range(120)]


@pytest.mark.parametrize("scene", SCENE_NAMES)
def test_a_plate_depends_on_its_seed_alone(renderer, scene):
    first = renderer.render(np.random.default_rng(5), scene)
    renderer.render(np.random.default_rng(6), scene)
    fresh = pickle.loads(pickle.dumps(renderer))
    for again in (renderer, fresh):
        plate = again.render(np.random.default_rng(5), scene)
        assert np.array_equal(plate.image, first.image)
        assert np.array_equal(plate.labels, first.labels)
        assert plate.text == first.text


def test_every_kind_can_be_rendered_and_its_label_is_its_text(renderer):
    schema = load_schema("cn")
    kinds = {kind.name: kind for kind in schema.kinds}
    for index, name in enumerate(renderer.kinds):
        plate = renderer.render(np.random.default_rng([1, index]), "gate", name)
        assert kinds[name].matches(plate.text)
        assert describe(schema, plate.labels).text == plate.text
        assert np.array_equal(plate.labels, encode(schema, plate.text, plate.colour, plate.rows))
        assert plate.colour in (None, kinds[name].colour)


def test_pictures_have_the_sizes_of_real_crops(renderer):
    for scene, widest in (("gate", 1000), ("parking", 600), ("road", 400)):
        for index in range(25):
            image = renderer.render(np.random.default_rng([3, index]), scene).image
            assert image.dtype == np.uint8
            assert image.shape[2] == 3
            assert 6 <= image.shape[0] <= 500
            assert 20 <= image.shape[1] <= widest


def test_ink_and_ground_can_be_told_apart_on_nearly_all_plates(renderer):
    spreads = []
    for index in range(60):
        image = renderer.render(np.random.default_rng([4, index]), "gate", "blue").image
        middle = image[image.shape[0] // 4 : -image.shape[0] // 4, :, :].astype(float)
        spreads.append(np.ptp(np.percentile(middle.max(2), (10, 90))))
    assert np.mean(np.array(spreads) > 15) > 0.9


def test_what_is_not_to_be_read_has_the_length_none(rejected):
    schema = load_schema("cn")
    place = schema.index("length")
    none = schema.heads[place].indices["none"]
    assert {plate.kind for plate in rejected} == {"truncated", "scene", "sign", "nothing"}
    for plate in rejected:
        assert plate.labels[place] == none
        assert plate.text == ""
        if plate.kind != "truncated":
            assert (np.delete(plate.labels, place) == -1).all()


def test_a_truncated_plate_lacks_a_character_and_keeps_the_visible_ones(rejected):
    truncated = [plate for plate in rejected if plate.kind == "truncated"]
    # Seven characters or fewer are cut somewhere: fewer than all eight heads can be labelled.
    counts = np.array([(plate.labels[:8] >= 0).sum() for plate in truncated])
    assert counts.max() <= 7
    assert (counts > 0).mean() > 0.5
    assert len(truncated) > 30


def test_backgrounds_of_a_folder_are_used(shared_data, renderer):
    with_folder = PlateRenderer(backgrounds=str(shared_data / "backgrounds"))
    seeds = range(12)
    same = [
        np.array_equal(
            with_folder.render(np.random.default_rng(s), "road").image,
            renderer.render(np.random.default_rng(s), "road").image,
        )
        for s in seeds
    ]
    assert not all(same)


def test_unknown_scenes_and_empty_folders_are_refused(renderer, tmp_path):
    with pytest.raises(InputError, match="unknown scene 'moon'"):
        renderer.render(np.random.default_rng(0), "moon")
    with pytest.raises(InputError, match="no readable pictures"):
        PlateRenderer(backgrounds=str(tmp_path))


def test_frozen_sets_draw_the_shapes_of_their_glyphs_and_training_others_too():
    changed = {name for name, scene in SCENES.items() if scene.finer or scene.bent}
    assert changed == {"stored", "handheld"}


def test_most_handheld_plates_are_blue_and_stored_small(renderer):
    plates = [renderer.render(np.random.default_rng([7, s]), "handheld") for s in range(40)]
    assert sum(plate.image.shape == (24, 94, 3) for plate in plates) > 20
    assert 20 < sum(plate.kind == "blue" for plate in plates) < 40


def test_scenes_of_many_blue_plates_draw_schemas_without_blue_ones():
    schema = load_schema("cn")
    other = replace(schema, kinds=tuple(kind for kind in schema.kinds if kind.name != "blue"))
    plate = PlateRenderer(schema=other).render(np.random.default_rng(0), "handheld")
    assert plate.kind != "blue"

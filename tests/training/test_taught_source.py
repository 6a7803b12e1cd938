"""Every model gets its own resize of the same picture; unlabelled ones come with no label."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai.configs import Config, load_config
from chepai.dataset.unlabelled_source import WithUnlabelled, pictures_in
from chepai.errors import InputError
from chepai.plate.image import resize
from chepai.plate.schema import load_schema
from chepai.training.taught_source import TaughtSource, taught_source

SCHEMA = load_schema("cn")


class Counted:
    """Batches of two black pictures, labelled with the number of the batch; two an epoch."""

    steps_per_epoch = 2
    plates_per_epoch = 4

    def batches(self, first_epoch: int = 0):
        number = 2 * first_epoch
        while True:
            labels = np.full((2, len(SCHEMA.heads)), number, np.int32)
            yield np.zeros((2, 16, 48, 3), np.uint8), labels
            number += 1

    def evaluation(self):
        return iter([next(iter(self.batches()))])

    def close(self) -> None:
        """Nothing works in the background."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures, each of one grey; one of them below, one hidden, and a text."""
    (tmp_path / "below").mkdir()
    for number in range(5):
        name = f"below/{number}.png" if number == 4 else f"{number}.png"
        cv2.imwrite(str(tmp_path / name), np.full((20, 60, 3), 40 * number + 20, np.uint8))
    (tmp_path / ".hidden.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    return tmp_path


def config_of(folder: Path, *overrides: str) -> Config:
    small = ("model.height=16", "model.width=48", "augment.enabled=false", "data.workers=0")
    named = f"distill.unlabelled=['{folder}']"
    return load_config("resnet18", overrides=(*small, named, *overrides))


def greys(batch: tuple[np.ndarray, np.ndarray]) -> list[int]:
    """Which of the five pictures are the unlabelled part of a batch."""
    images, labels = batch
    assert (labels[2:] == -1).all() and (labels[:2] >= 0).all()
    return [(int(image[8, 24, 0]) - 20) // 40 for image in images[2:]]


def test_every_pass_shows_each_picture_once_in_an_order_of_its_own(folder: Path) -> None:
    source = WithUnlabelled(Counted(), config_of(folder), SCHEMA, count=3)
    batches = source.batches()
    shown = [grey for _ in range(5) for grey in greys(next(batches))]
    passes = [shown[start : start + 5] for start in (0, 5, 10)]
    assert [sorted(one) for one in passes] == [[0, 1, 2, 3, 4]] * 3
    assert passes[0] != passes[1] or passes[1] != passes[2]
    assert (source.steps_per_epoch, source.plates_per_epoch) == (2, 10)


def test_a_later_epoch_begins_where_the_one_before_it_ended(folder: Path) -> None:
    source = WithUnlabelled(Counted(), config_of(folder), SCHEMA, count=3)
    batches = source.batches()
    whole = [next(batches) for _ in range(8)]
    later = source.batches(first_epoch=2)
    for number in range(4, 8):
        images, labels = next(later)
        assert np.array_equal(images, whole[number][0])
        assert np.array_equal(labels, whole[number][1]) and labels[0, 0] == number


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no pictures"):
        pictures_in(str(tmp_path))
    with pytest.raises(InputError, match="is no folder"):
        pictures_in(str(tmp_path / "nowhere"))


def test_each_model_gets_its_own_resize_of_the_same_picture() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (16, 48, 3), dtype=np.uint8)

    class One(Counted):
        def batches(self, first_epoch: int = 0):
            while True:
                yield picture[None], np.zeros((1, 3), np.int32)

    source = TaughtSource(One(), (8, 24), [(16, 48), (8, 24), (12, 40)])
    images, others = next(source.batches())
    assert set(others) == {"labels", "16x48", "12x40"}
    assert np.array_equal(others["16x48"][0], picture)
    assert np.array_equal(others["12x40"][0], resize(picture, 12, 40))
    assert np.array_equal(images[0], resize(picture, 8, 24))
    plain, labels = next(source.evaluation())
    assert plain.shape == (1, 8, 24, 3) and labels.shape == (1, 3)


def test_pictures_come_at_the_largest_of_the_sizes_and_share_the_batch(folder: Path) -> None:
    config = config_of(folder, "train.batch_size=8", "distill.unlabelled_share=0.25")
    source = taught_source(config, SCHEMA, [(24, 40)])
    try:
        images, others = next(source.batches())
    finally:
        source.close()
    assert images.shape == (8, 16, 48, 3)
    assert others["24x40"].shape == (8, 24, 40, 3)
    assert (others["labels"][6:] == -1).all() and (others["labels"][:6] >= 0).any(axis=1).all()

"""Batches that come several times: how often, how far apart, with what answers, and replayed."""

from __future__ import annotations

import itertools
from collections import Counter

import keras
import numpy as np
import pytest
from chepai.training.distillation import Teachers
from chepai.training.echo import ANSWERS, EchoedSource, echoed


@pytest.mark.parametrize("times", [1, 2, 3, 6])
def test_every_item_comes_as_often_as_wanted_and_first_in_order(times: int) -> None:
    order = list(echoed(range(100), times, np.random.default_rng(1)))
    assert Counter(order) == dict.fromkeys(range(100), times)
    assert list(dict.fromkeys(order)) == list(range(100))


def test_repetitions_stand_apart() -> None:
    """Half of them come more than fifty batches later, where each in a row would be one later."""
    order = list(echoed(range(200), 4, np.random.default_rng(1)))
    gaps = [np.diff(np.flatnonzero(np.equal(order, item))) for item in range(200)]
    assert np.median(np.concatenate(gaps)) > 50


class Numbered:
    """Three batches an epoch, of two pictures whose grey is the batch's number."""

    steps_per_epoch = 3
    plates_per_epoch = 6

    def batches(self, first_epoch: int = 0):
        for number in itertools.count(3 * first_epoch):
            images = np.full((2, 4, 6, 3), number, np.uint8)
            yield images, {"labels": np.full((2, 1), number), "2x2": images[:, :2, :2]}

    def evaluation(self):
        return iter([(np.zeros((1, 4, 6, 3), np.uint8), np.zeros((1, 1)))])

    def close(self) -> None:
        """Nothing works in the background."""


def teacher(size: tuple[int, int]) -> keras.Model:
    """Answers with the picture's grey, and shows the picture doubled as its map."""
    pictures = keras.Input((*size, 3))
    grey = keras.layers.GlobalAveragePooling2D()(pictures)
    return keras.Model(pictures, {"grey": grey, "map": keras.layers.Rescaling(2.0)(pictures)})


def source(size: tuple[int, int]) -> EchoedSource:
    return EchoedSource(Numbered(), (4, 6), Teachers([teacher(size)]), times=2, seed=5)


def numbers(made: EchoedSource, count: int, first_epoch: int = 0) -> list[int]:
    batches = itertools.islice(made.batches(first_epoch), count)
    return [int(rest["labels"][0, 0]) for _images, rest in batches]


def test_an_epoch_holds_its_own_batches_and_is_replayed() -> None:
    made = source((4, 6))
    assert (made.steps_per_epoch, made.plates_per_epoch) == (6, 12)
    two = numbers(made, 12)
    assert sorted(two[:6]) == [0, 0, 1, 1, 2, 2] and sorted(two[6:]) == [3, 3, 4, 4, 5, 5]
    assert numbers(source((4, 6)), 6, first_epoch=1) == two[6:]


@pytest.mark.parametrize("size", [(4, 6), (2, 2)])
def test_the_answers_are_about_the_batch_that_they_come_with(size: tuple[int, int]) -> None:
    for images, rest in itertools.islice(source(size).batches(), 6):
        answers = rest[ANSWERS]
        assert answers["grey"].dtype == np.float32 and answers["map"].dtype == np.float16
        np.testing.assert_array_equal(answers["grey"], images[:, 0, 0].astype(np.float32))
        assert answers["map"].shape == (2, *size, 3)
        assert (answers["map"] == 2 * images[0, 0, 0]).all()


def test_what_float16_cannot_hold_becomes_its_largest() -> None:
    pictures = keras.Input((1, 1, 3))
    loud = keras.Model(pictures, {"map": keras.layers.Rescaling(1e6)(pictures)})
    answers = Teachers([loud]).predict({(1, 1): np.ones((1, 1, 1, 3), np.uint8)})
    assert (answers["map"] == np.finfo(np.float16).max).all()

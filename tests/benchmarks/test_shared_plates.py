"""Plates drawn once for several trainings are those that each training would draw."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import numpy as np
import pytest
from chepai.configs import Config, load_config
from chepai.dataset.rendered_source import RenderedSource
from chepai.errors import InputError
from chepai.plate.schema import load_schema
from patience import PATIENCE
from shared_plates import Order, SharedPlates, SharedSource

CN = load_schema("cn")
ORDER = Order(epochs=2, plates=5, sizes=((16, 48), (24, 94)))


def configuration(width: int = 48, height: int = 16) -> Config:
    values = {"model.width": width, "model.height": height, "render.plates_per_epoch": 5,
              "train.batch_size": 3, "data.workers": 0, "data.validation_plates": 2}  # fmt: skip
    return load_config("quick", overrides=[f"{key}={value}" for key, value in values.items()])


def drawn(folder: Path) -> SharedPlates:
    shared = SharedPlates.begin(folder, ORDER, CN)
    shared.draw(configuration(), CN, workers=0)
    return shared


@pytest.mark.parametrize(("height", "width"), ORDER.sizes)
def test_every_size_holds_the_plates_that_a_training_renders(
    tmp_path: Path, height: int, width: int
):
    config = configuration(width, height)
    fresh = RenderedSource(config, CN)
    shared = SharedSource(drawn(tmp_path), config, CN)
    assert shared.steps_per_epoch == fresh.steps_per_epoch == 2
    own = itertools.islice(fresh.batches(), 4)
    for wanted, found in zip(own, shared.batches(), strict=False):
        np.testing.assert_array_equal(found[0], wanted[0])
        np.testing.assert_array_equal(found[1], wanted[1])


def test_epochs_beyond_the_drawn_ones_begin_again(tmp_path: Path):
    source = SharedSource(drawn(tmp_path), configuration(), CN)
    first, second, third = (next(source.batches(epoch))[0] for epoch in (0, 1, 2))
    np.testing.assert_array_equal(first, third)
    assert (first != second).any()


def test_a_reader_waits_for_plates_that_are_not_drawn_yet(tmp_path: Path):
    shared = SharedPlates.begin(tmp_path, ORDER, CN)
    batches = SharedSource(shared, configuration(), CN).batches()
    received: list[np.ndarray] = []
    reader = threading.Thread(target=lambda: received.append(next(batches)[0]))
    reader.start()
    assert shared.drawn == 0 and not received
    shared.draw(configuration(), CN, workers=0)
    reader.join(timeout=PATIENCE)
    assert received and received[0].any()


def test_drawing_goes_on_where_it_was_stopped_and_another_order_is_refused(tmp_path: Path):
    drawn(tmp_path)
    again = SharedPlates.begin(tmp_path, ORDER, CN)
    assert again.drawn == ORDER.count
    again.draw(configuration(), CN, workers=0)
    with pytest.raises(InputError, match="other plates"):
        SharedPlates.begin(tmp_path, ORDER._replace(plates=6), CN)

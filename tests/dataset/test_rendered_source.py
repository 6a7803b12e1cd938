"""Rendered batches: fresh, repeatable from any epoch, in any number of processes."""

from __future__ import annotations

import itertools
import multiprocessing
import threading

import numpy as np
import pytest
from chepai.configs import load_config
from chepai.dataset.mixed_source import MixedSource, batch_sizes
from chepai.dataset.rendered_source import SCENES, RenderedSource, scene_shares
from chepai.dataset.source import Batch
from chepai.errors import InputError
from chepai.plate.schema import load_schema
from number_plates import failing_renderer, number_of, number_renderer, still_config
from patience import PATIENCE

SCHEMA = load_schema("cn")


def source(*overrides: str) -> RenderedSource:
    config = still_config("render.plates_per_epoch=20", "data.workers=0", *overrides)
    return RenderedSource(config, SCHEMA, number_renderer)


def flat(batches: list[Batch]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([b[0] for b in batches]), np.concatenate([b[1] for b in batches])


def test_worker_processes_render_the_same_plates_in_the_same_order() -> None:
    alone = flat(list(itertools.islice(source().batches(0), 9)))
    busy = source("data.workers=2")
    together = flat(list(itertools.islice(busy.batches(1), 6)))
    busy.close()
    np.testing.assert_array_equal(alone[0][20:], together[0])
    np.testing.assert_array_equal(alone[1][20:], together[1])
    assert not multiprocessing.active_children()


def test_pictures_and_labels_belong_together_and_no_epoch_repeats() -> None:
    images, labels = flat(list(itertools.islice(source().batches(0), 6)))
    assert [number_of(image) for image in images] == labels[:, 2].tolist()
    assert labels[:20, 2].tolist() != labels[20:, 2].tolist()


def test_plates_do_not_depend_on_the_batch_size() -> None:
    small = flat(list(itertools.islice(source().batches(0), 3)))
    large = flat(list(itertools.islice(source("train.batch_size=20").batches(0), 1)))
    np.testing.assert_array_equal(small[1], large[1])


def test_validation_plates_are_fixed_finite_and_not_those_of_training() -> None:
    first = flat(list(source().evaluation(30)))
    again = flat(list(source("train.seed=1").evaluation(30)))
    np.testing.assert_array_equal(first[0], again[0])
    assert len(first[0]) == 30
    training = flat(list(itertools.islice(source().batches(0), 3)))
    assert first[1][:20, 2].tolist() != training[1][:, 2].tolist()


def test_scenes_come_in_their_shares() -> None:
    shares = ("render.gate=1", "render.parking=0", "render.road=0", "render.reject=3")
    _, labels = flat(list(source(*shares).evaluation(400)))
    lengths = {len("gate"): 0.25, len("reject"): 0.75}
    assert set(labels[:, 3]) == set(lengths)
    assert abs(np.mean(labels[:, 3] == 4) - 0.25) < 0.07


def test_no_scene_at_all_is_refused() -> None:
    overrides = [f"render.{scene}=0" for scene in SCENES]
    with pytest.raises(InputError, match="at least one"):
        scene_shares(load_config("quick", overrides=overrides).render)


def test_an_error_of_a_worker_comes_through_with_its_message() -> None:
    config = still_config("data.workers=1")
    failing = RenderedSource(config, SCHEMA, failing_renderer)
    with pytest.raises(FileNotFoundError, match="no glyphs in nowhere/"):
        next(failing.batches(0))
    assert not multiprocessing.active_children()


def test_closing_while_another_thread_draws_ends_that_thread() -> None:
    busy = source("data.workers=1")
    batches = busy.batches(0)
    next(batches)
    thread = threading.Thread(target=lambda: list(batches))
    thread.start()
    busy.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert not multiprocessing.active_children()


def test_a_mixed_batch_holds_its_share_of_rendered_plates_and_replays() -> None:
    config = still_config("data.workers=0", "data.rendered_share=0.25")
    assert batch_sizes(config) == (6, 2)

    def mixed() -> MixedSource:
        stored = source("train.batch_size=6", "render.plates_per_epoch=17")
        return MixedSource(stored, config, SCHEMA, 2, number_renderer)

    assert (mixed().steps_per_epoch, mixed().plates_per_epoch) == (3, 17 + 6)
    whole = list(itertools.islice(mixed().batches(0), 6))
    assert [len(images) for images, _ in whole] == [8, 8, 7, 8, 8, 7]
    resumed = list(itertools.islice(mixed().batches(1), 3))
    for (images, labels), (again, labels_again) in zip(whole[3:], resumed, strict=True):
        np.testing.assert_array_equal(images, again)
        np.testing.assert_array_equal(labels, labels_again)

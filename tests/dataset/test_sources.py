"""Every source: nothing lost, nothing doubled, nothing parted, everything repeatable."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from chepai.configs import Config
from chepai.dataset import sources
from chepai.dataset.array_source import ArraySource
from chepai.dataset.array_writer import write_records as write_array_of
from chepai.dataset.dataset_util import RecordSource
from chepai.dataset.mixed_source import as_arrays
from chepai.dataset.source import Batch, Source
from chepai.dataset.tfrecord_util import TFRecordSource, write_tfrecords
from chepai.errors import InputError
from chepai.plate.schema import load_schema
from number_plates import COUNT, number_labels, number_of, still_config, write_records

SCHEMA = load_schema("cn")
KINDS = ("records", "tfrecords", "array")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plates")
    records = write_records(folder, SCHEMA)
    write_tfrecords(records, folder / "shards" / "all", SCHEMA, shards=3, workers=0)
    write_array_of(folder / "array", records, SCHEMA, 20, 40, workers=0)
    return folder


def make(kind: str, folder: Path, config: Config | None = None) -> Source:
    config = still_config("data.workers=0") if config is None else config
    if kind == "records":
        return RecordSource(_records(folder), config, SCHEMA)
    if kind == "tfrecords":
        return TFRecordSource([folder / "shards"], config, SCHEMA)
    return ArraySource([folder / "array"], config, SCHEMA)


def _records(folder: Path) -> list:
    from chepai.dataset.records import PlateRecord

    return [
        PlateRecord(folder / f"{i:03d}.jpg", number_labels(i, SCHEMA), "", None, None, i + 1)
        for i in range(COUNT)
    ]


def take(source: Source, epochs: int, first_epoch: int = 0) -> list[list[Batch]]:
    """The batches of some epochs, by epoch."""
    batches = as_arrays(source.batches(first_epoch))
    steps = source.steps_per_epoch
    taken = [list(itertools.islice(batches, steps)) for _ in range(epochs)]
    source.close()
    return taken


def numbers(batches: list[Batch]) -> list[int]:
    return [number_of(image) for images, _ in batches for image in images]


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_keep_their_labels_under_shuffling_and_parallel_maps(
    kind: str, folder: Path
) -> None:
    source = make(kind, folder, still_config("data.workers=2"))
    for images, labels in itertools.chain(*take(source, 2)):
        for image, label in zip(images, labels, strict=True):
            np.testing.assert_array_equal(label, number_labels(number_of(image), SCHEMA))


@pytest.mark.parametrize("kind", KINDS)
def test_every_epoch_holds_every_plate_once_in_an_order_of_its_own(kind: str, folder: Path) -> None:
    first, second = (numbers(epoch) for epoch in take(make(kind, folder), 2))
    assert sorted(first) == sorted(second) == list(range(COUNT))
    assert first != second
    assert first != sorted(first)


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides_the_order(kind: str, folder: Path) -> None:
    def order(seed: int) -> list[int]:
        config = still_config("data.workers=0", f"train.seed={seed}")
        return numbers(take(make(kind, folder, config), 1)[0])

    assert order(5) == order(5)
    assert order(5) != order(6)


@pytest.mark.parametrize("kind", KINDS)
def test_starting_at_the_third_epoch_replays_it_with_its_augmentation(
    kind: str, folder: Path
) -> None:
    config = still_config("data.workers=0", "augment.noise=1")
    whole = take(make(kind, folder, config), 3)
    resumed = take(make(kind, folder, config), 1, first_epoch=2)[0]
    for (images, labels), (again, labels_again) in zip(whole[2], resumed, strict=True):
        np.testing.assert_array_equal(images, again)
        np.testing.assert_array_equal(labels, labels_again)


@pytest.mark.parametrize("kind", KINDS)
def test_workers_change_nothing_but_the_time(kind: str, folder: Path) -> None:
    config = still_config("data.workers=0", "augment.noise=1")
    busy = still_config("data.workers=3", "augment.noise=1")
    alone = take(make(kind, folder, config), 2)
    together = take(make(kind, folder, busy), 2)
    for (images, labels), (other, other_labels) in zip(
        itertools.chain(*alone), itertools.chain(*together), strict=True
    ):
        np.testing.assert_array_equal(images, other)
        np.testing.assert_array_equal(labels, other_labels)


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_is_finite_in_order_and_untouched_and_can_be_repeated(
    kind: str, folder: Path
) -> None:
    source = make(kind, folder, still_config("data.workers=2", "augment.noise=1"))
    for _ in range(2):
        batches = list(as_arrays(source.evaluation()))
        assert numbers(batches) == list(range(COUNT))
        assert [len(images) for images, _ in batches] == [8] * 6 + [5]
        assert all(images.std(axis=(1, 2, 3)).max() < 2 for images, _ in batches)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_have_the_contract_types(kind: str, folder: Path) -> None:
    source = make(kind, folder)
    images, labels = take(source, 1)[0][0]
    assert images.shape == (8, 16, 32, 3)
    assert images.dtype == np.uint8
    assert labels.shape == (8, 11)
    assert labels.dtype == np.int32
    assert (source.plates_per_epoch, source.steps_per_epoch) == (COUNT, 7)


@pytest.mark.parametrize("kind", KINDS)
def test_a_grey_picture_masks_the_colour_head_only(kind: str, folder: Path) -> None:
    config = still_config("data.workers=0", "augment.grey=1", "augment.noise=0")
    source = make(kind, folder, config)
    colour = SCHEMA.index("colour")
    if isinstance(source, RecordSource):
        source._labels[:, colour] = 2
    for images, labels in take(source, 1)[0]:
        assert np.all(labels[:, colour] == -1)
        assert np.all(labels[:, 2] >= 0)
        assert np.all(images[..., 0] == images[..., 1])


@pytest.mark.parametrize(("place", "kind"), [("shards", "TFRecords"), ("array", "")])
def test_without_tensorflow_arrays_train_and_the_rest_says_so(
    place: str, kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "find_spec", lambda _: None)
    config = still_config("data.workers=0")
    if not kind:
        assert sources.source_of([str(folder / place)], config, SCHEMA).plates_per_epoch == COUNT
        return
    with pytest.raises(InputError, match=rf"TensorFlow.* reads {kind}; an array trains without"):
        sources.source_of([str(folder / place)], config, SCHEMA)

"""TFRecords and arrays: what is written comes back; interrupted writing continues."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from chepai.dataset import tfrecord_writer
from chepai.dataset.array_source import ArraySource
from chepai.dataset.array_writer import write_array, write_rendered
from chepai.dataset.records import PlateRecord
from chepai.dataset.sources import kind_of, training_source, validation_source
from chepai.dataset.tfrecord_files import ShardIndex, count_plates, find_shards
from chepai.dataset.tfrecord_util import TFRecordSource, write_tfrecords
from chepai.errors import InputError
from chepai.plate.schema import load_schema
from number_plates import COUNT, number_renderer, still_config, write_records

SCHEMA = load_schema("cn")


@pytest.fixture
def records(tmp_path: Path) -> list[PlateRecord]:
    return write_records(tmp_path, SCHEMA)


def examples(shards: list[Path]) -> list[tf.train.Example]:
    raw = tf.data.TFRecordDataset([str(shard) for shard in shards]).as_numpy_iterator()
    return [tf.train.Example.FromString(serialised) for serialised in raw]


def test_files_and_labels_come_back_as_they_were_minus_one_included(
    records: list[PlateRecord], tmp_path: Path
) -> None:
    write_tfrecords(records, tmp_path / "out" / "train", SCHEMA, shards=4, workers=0)
    shards = find_shards([tmp_path / "out"])
    assert [shard.name for shard in shards] == [
        f"train-{i:05d}-of-00004.tfrecord" for i in range(4)
    ]
    for example, record in zip(examples(shards), records, strict=True):
        feature = example.features.feature
        assert feature["image"].bytes_list.value[0] == record.path.read_bytes()
        assert feature["name"].bytes_list.value[0].decode() == str(record.path)
        assert list(feature["label"].int64_list.value) == record.labels.tolist()
        assert -1 in feature["label"].int64_list.value


def test_counts_need_no_index(records: list[PlateRecord], tmp_path: Path) -> None:
    index = write_tfrecords(records, tmp_path / "all", SCHEMA, shards=2, workers=0)
    shards = find_shards([tmp_path])
    assert [index.shards[shard.name] for shard in shards] == [27, 26]
    (tmp_path / "all.json").unlink()
    assert [count_plates(shard) for shard in shards] == [27, 26]
    shards[0].write_bytes(shards[0].read_bytes()[:-9])
    with pytest.raises(InputError, match="cut off"):
        count_plates(shards[0])


def test_unreadable_pictures_are_left_out_and_named(
    records: list[PlateRecord], tmp_path: Path
) -> None:
    records[3].path.write_text("no picture")
    records[9].path.unlink()
    index = write_tfrecords(records, tmp_path / "all", SCHEMA, shards=1, workers=1)
    assert set(index.skipped) == {str(records[3].path), str(records[9].path)}
    assert sum(index.shards.values()) == COUNT - 2


def test_interrupted_writing_continues_after_its_last_finished_shard(
    records: list[PlateRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shard, calls = tfrecord_writer._write_shard, []

    def interrupted(target: Path, *args: object) -> int:
        calls.append(target)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return write_shard(target, *args)

    monkeypatch.setattr(tfrecord_writer, "_write_shard", interrupted)
    output = tmp_path / "out" / "all"
    with pytest.raises(KeyboardInterrupt):
        write_tfrecords(records, output, SCHEMA, shards=4, workers=0)
    with pytest.raises(InputError, match="interrupted"):
        find_shards([tmp_path / "out"])
    write_tfrecords(records, output, SCHEMA, shards=4, workers=0)
    assert [path.name[:9] for path in calls[3:]] == ["all-00002", "all-00003"]
    names = [
        e.features.feature["name"].bytes_list.value[0]
        for e in examples(find_shards([output.parent]))
    ]
    assert names == [str(record.path).encode() for record in records]


def test_what_a_killed_writing_leaves_is_no_shard_and_goes_when_it_continues(
    records: list[PlateRecord], tmp_path: Path
) -> None:
    output = tmp_path / "out" / "all"
    write_tfrecords(records, output, SCHEMA, shards=2, workers=0)
    (half := output.with_name(".all-00001-of-00002.4321.partial.tfrecord")).write_bytes(b"half")
    assert [shard.name for shard in find_shards([output.parent])] == [
        "all-00000-of-00002.tfrecord",
        "all-00001-of-00002.tfrecord",
    ]
    assert TFRecordSource([output.parent], still_config(), SCHEMA).plates_per_epoch == COUNT
    write_tfrecords(records, output, SCHEMA, shards=2, workers=0)
    assert not half.exists()


def test_an_example_has_the_same_bytes_in_every_process(records: list[PlateRecord]) -> None:
    """A shard that is written again after a kill is the one that it would have been."""
    for record in records[:5]:
        raw = tfrecord_writer._example(record, b"the picture")
        places = [raw.index(name) for name in (b"\x05image", b"\x05label", b"\x04name")]
        assert places == sorted(places)


def test_windows_smaller_than_the_data_lose_nothing_and_shuffle(
    records: list[PlateRecord], tmp_path: Path
) -> None:
    write_tfrecords(records, tmp_path / "out" / "all", SCHEMA, shards=2, workers=0)
    config = still_config("data.shuffle_buffer=10", "train.batch_size=53")
    source = TFRecordSource([tmp_path / "out"], config, SCHEMA)
    first, second = (labels[:, 2].numpy().tolist() for _, labels in source.batches(0).take(2))
    assert sorted(first) == sorted(second) == list(range(COUNT))
    assert first != second


def test_other_data_is_not_overwritten(records: list[PlateRecord], tmp_path: Path) -> None:
    write_tfrecords(records, tmp_path / "all", SCHEMA, shards=2, workers=0)
    with pytest.raises(InputError, match="other data"):
        write_tfrecords(records[1:], tmp_path / "all", SCHEMA, shards=2, workers=0)


def test_a_missing_shard_and_a_wrong_schema_are_told(
    records: list[PlateRecord], tmp_path: Path
) -> None:
    write_tfrecords(records, tmp_path / "out" / "all", SCHEMA, shards=2, workers=0)
    original = load_schema("original")
    with pytest.raises(InputError, match="labelled with the schema cn, not original"):
        TFRecordSource([tmp_path / "out"], still_config(), original)
    (tmp_path / "out" / "all.json").rename(tmp_path / "kept.json")
    with pytest.raises(InputError, match="11 labels a plate"):
        TFRecordSource([tmp_path / "out"], still_config(), original)
    (tmp_path / "kept.json").rename(tmp_path / "out" / "all.json")
    find_shards([tmp_path / "out"])[1].unlink()
    with pytest.raises(InputError, match=r"all-00001-of-00002\.tfrecord is missing"):
        find_shards([tmp_path / "out"])


def test_a_broken_index_is_named(tmp_path: Path) -> None:
    (tmp_path / "all.json").write_text("{")
    with pytest.raises(InputError, match=r"all\.json is no index"):
        ShardIndex.load(tmp_path / "all.json")


def test_rendered_plates_can_be_stored_and_are_trained_on_as_stored(tmp_path: Path) -> None:
    config = still_config("data.workers=0")
    write_rendered(tmp_path, config, SCHEMA, 19, number_renderer)
    batches = list(ArraySource([tmp_path], config, SCHEMA).evaluation())
    labels = np.concatenate([labels for _, labels in batches])
    images = np.concatenate([images for images, _ in batches])
    assert np.round(images.mean(axis=(1, 2, 3)) / 4).astype(int).tolist() == labels[:, 2].tolist()


def test_two_arrays_are_read_as_one_after_the_other(tmp_path: Path) -> None:
    config = still_config("data.workers=0")
    for name, count in (("a", 5), ("b", 6)):
        write_rendered(tmp_path / name, config, SCHEMA, count, number_renderer)
    both = ArraySource([tmp_path / "a", tmp_path / "b" / "plates.npy"], config, SCHEMA)
    labels = np.concatenate([labels for _, labels in both.evaluation()])
    first = np.load(tmp_path / "a" / "labels.npy")
    assert both.plates_per_epoch == 11
    np.testing.assert_array_equal(labels[:5], first)
    np.testing.assert_array_equal(labels[5:10], first)


def test_wrong_arrays_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="4 came"):
        write_array(tmp_path, [(np.zeros((4, 8, 16, 3), np.uint8), np.zeros((4, 11)))], 9, SCHEMA)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="cannot read the array"):
        ArraySource([tmp_path], still_config(), SCHEMA)
    np.save(tmp_path / "plates.npy", np.zeros((2, 8, 16, 3), np.uint8))
    labels = np.full((2, 11), -1)
    labels[1, 8] = 5
    np.save(tmp_path / "labels.npy", labels)
    with pytest.raises(InputError, match="length has the classes 0 to 4 and -1; found 5"):
        ArraySource([tmp_path], still_config(), SCHEMA)


def test_paths_tell_what_they_are(records: list[PlateRecord], tmp_path: Path) -> None:
    write_tfrecords(records, tmp_path / "shards" / "all", SCHEMA, shards=1, workers=0)
    write_rendered(tmp_path / "array", still_config("data.workers=0"), SCHEMA, 3, number_renderer)
    shard = str(find_shards([tmp_path / "shards"])[0])
    assert kind_of(str(tmp_path / "shards")) == kind_of(shard) == "TFRecords"
    assert kind_of(str(tmp_path / "array")) == "array"
    assert kind_of(str(tmp_path)) == "pictures"
    with pytest.raises(InputError, match="there is no nothing"):
        kind_of("nothing")
    config = still_config("data.workers=0", f"data.train=['{shard}', '{tmp_path / 'array'}']")
    with pytest.raises(InputError, match="of one kind"):
        training_source(config, SCHEMA)


def test_the_original_label_file_trains_as_it_is(tmp_path: Path) -> None:
    schema = load_schema("original")
    record = write_records(tmp_path, SCHEMA, 1)[0]
    record.path.rename(tmp_path / "鲁BC6T76.jpg")
    (tmp_path / "label.txt").write_text("鲁BC6T76.jpg 15 1 12 6 27 7 6 -1 0 0", encoding="utf-8")
    path = str(tmp_path / "label.txt")
    config = still_config("data.workers=0", f"data.train=['{path}']", f"data.validation=['{path}']")
    _, labels = next(iter(training_source(config, schema).batches(0)))
    assert np.asarray(labels).tolist() == [[15, 1, 12, 6, 27, 7, 6, -1, 0, 0]]
    assert validation_source(config, schema).plates_per_epoch == 1


def test_a_shard_without_pictures_trains_and_is_mended_when_they_are_there(
    records: list[PlateRecord], tmp_path: Path
) -> None:
    whole = records[0].path.read_bytes()
    records[0].path.unlink()
    output = tmp_path / "out" / "train"
    index = write_tfrecords(records, output, SCHEMA, shards=COUNT, workers=0)
    assert list(index.shards.values()) == [0] + [1] * (COUNT - 1)
    source = TFRecordSource([str(output)], still_config(), SCHEMA)
    assert sum(len(labels) for _, labels in source.evaluation()) == COUNT - 1
    records[0].path.write_bytes(whole)
    index = write_tfrecords(records, output, SCHEMA, shards=COUNT, workers=0)
    assert list(index.shards.values()) == [1] * COUNT and not index.skipped
    assert sum(map(count_plates, find_shards([output]))) == COUNT


def test_of_several_data_sets_in_a_folder_one_is_named(
    records: list[PlateRecord], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    for name, part in (("train", records[2:]), ("validation", records[:2])):
        write_tfrecords(part, folder / name, SCHEMA, shards=1, workers=0)
    with pytest.raises(InputError, match="several data sets, train, validation: name one, as "):
        find_shards([folder])
    assert kind_of(str(folder / "train")) == "TFRecords"
    (shard,) = find_shards([folder / "validation"])
    assert count_plates(shard) == 2

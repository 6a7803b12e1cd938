"""A damaged picture among training data ends in one sentence that says which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from chepai.dataset.dataset_util import RecordSource
from chepai.dataset.mixed_source import MixedSource
from chepai.dataset.source import Source, bad_input_named
from chepai.dataset.tfrecord_util import TFRecordSource, write_tfrecords
from chepai.errors import InputError
from chepai.plate.schema import load_schema
from number_plates import number_renderer, still_config, write_records

SCHEMA = load_schema("cn")
CUT_OFF = r"cannot read the image .*003\.jpg: the file is cut off"


@pytest.fixture
def records(tmp_path: Path) -> list:
    records = write_records(tmp_path, SCHEMA, 8)
    noise = np.random.default_rng(0).integers(0, 256, (40, 80, 3), np.uint8)
    damaged = cv2.imencode(".jpg", noise)[1].tobytes()
    records[3].path.write_bytes(damaged[: len(damaged) // 2])
    return records


@pytest.fixture
def source(records: list) -> RecordSource:
    return RecordSource(records, still_config(), SCHEMA)


def test_drawing_training_batches_names_the_file(source: Source) -> None:
    with pytest.raises(InputError, match=CUT_OFF), bad_input_named():
        next(iter(source.batches()))


def test_drawing_validation_batches_names_the_file(source: Source) -> None:
    with pytest.raises(InputError, match=CUT_OFF), bad_input_named():
        next(iter(source.evaluation()))


def test_fitting_names_the_file_also_when_plates_are_rendered_beside(source: Source) -> None:
    inputs = keras.Input((16, 32, 3))
    model = keras.Model(
        inputs, keras.layers.Dense(len(SCHEMA.heads))(keras.layers.Flatten()(inputs))
    )
    model.compile("sgd", "mse")
    mixed = MixedSource(source, still_config("data.workers=0"), SCHEMA, 2, number_renderer)

    def batches() -> Iterator:
        yield from mixed.batches()

    with pytest.raises(InputError, match=CUT_OFF), bad_input_named():
        model.fit(batches(), steps_per_epoch=1, shuffle=False, verbose=0)


def test_a_damaged_picture_in_tfrecords_names_their_place(records: list, tmp_path: Path) -> None:
    write_tfrecords(records[:3], tmp_path / "shards" / "all", SCHEMA, shards=1, workers=0)
    (shard,) = (tmp_path / "shards").glob("*.tfrecord")
    example = tf.train.Example.FromString(
        next(tf.data.TFRecordDataset(str(shard)).as_numpy_iterator())
    )
    example.features.feature["image"].bytes_list.value[0] = records[3].path.read_bytes()
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for _ in range(3):
            writer.write(example.SerializeToString())
    source = TFRecordSource([shard], still_config(), SCHEMA)
    with pytest.raises(InputError, match=f"{shard.name}: the file is cut off"), bad_input_named():
        next(iter(source.batches()))


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="out of memory"), bad_input_named():
        raise RuntimeError("out of memory")

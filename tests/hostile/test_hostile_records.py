"""TFRecords and arrays of strangers: what is cut, flipped or foreign is named before training."""

from __future__ import annotations

import io
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai.configs import load_config
from chepai.dataset.array_source import ArraySource
from chepai.dataset.array_writer import INDEX, LABELS, PLATES
from chepai.dataset.records import PlateRecord
from chepai.errors import InputError
from chepai.plate.schema import load_schema

pytest.importorskip("tensorflow", reason="the extra train is absent")

import tensorflow as tf
from chepai.dataset.tfrecord_util import TFRecordSource, write_tfrecords

CN, ORIGINAL = load_schema("cn"), load_schema("original")
CONFIG = load_config("quick", None, ["data.workers=0"])
PICTURE = cv2.imencode(".png", np.full((20, 60, 3), 9, np.uint8))[1].tobytes()
COUNT = 5


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """One of five plates, with its index."""
    (tmp_path / "a.png").write_bytes(PICTURE)
    labels = np.zeros(len(CN.heads), np.int32)
    record = PlateRecord(tmp_path / "a.png", labels, "京A00000", None, None, 1)
    write_tfrecords([record] * COUNT, tmp_path / "set" / "all", CN, shards=1, workers=0)
    [file] = (tmp_path / "set").glob("*.tfrecord")
    return file


def refusal(shard: Path) -> str:
    with pytest.raises(InputError) as error:
        TFRecordSource([shard], CONFIG, CN)
    sentence = str(error.value)
    assert str(shard) in sentence and "\n" not in sentence
    return sentence


def test_a_whole_shard_is_read(shard: Path):
    source = TFRecordSource([shard], CONFIG, CN)
    assert sum(len(images) for images, _ in source.evaluation()) == COUNT


def test_a_shard_cut_off_anywhere_is_refused_also_between_two_records(shard: Path):
    data = shard.read_bytes()
    size = len(data) // COUNT
    for length in (0, 7, size - 1, size, 3 * size, len(data) - 1):
        shard.write_bytes(data[:length])
        assert "cut off" in refusal(shard) or "plates, not the 5 of its index" in refusal(shard)


def test_a_flipped_bit_anywhere_is_refused_with_its_record(shard: Path):
    data = shard.read_bytes()
    size = len(data) // COUNT
    places = np.random.default_rng(0).integers(8 * size, 8 * len(data), size=12)
    for place in places:
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        shard.write_bytes(bytes(flipped))
        sentence = refusal(shard)
        assert f"record {place // 8 // size + 1}: " in sentence or "cut off" in sentence


def test_another_schema_is_refused_with_and_without_an_index(shard: Path):
    for _ in range(2):
        with pytest.raises(InputError, match=r"labelled with the schema cn|11 labels a plate"):
            TFRecordSource([shard], CONFIG, ORIGINAL)
        (shard.parent / "all.json").unlink(missing_ok=True)


def feature(values: list) -> tf.train.Feature:
    if isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def example(**fields: list) -> bytes:
    features = {name: feature(values) for name, values in fields.items()}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


@pytest.mark.parametrize(
    ("second", "wanted"),
    [
        (example(image=[PICTURE]), "no example"),
        (example(image=[PICTURE], label=[1, 2]), "no example"),
        (example(image=[PICTURE], label=[1.0] * 11), "no example"),
        (example(image=[PICTURE] * 2, label=[0] * 11), "no example"),
        (example(image=[PICTURE], label=[10**9] * 11), "class 1000000000 of the head char_1"),
        (example(image=[PICTURE], label=[0] * 10 + [-7]), "class -7 of the head rows"),
        (b"\xff\xff\xff", "no example"),
    ],
)
def test_a_strange_example_is_refused_with_its_record(second: bytes, wanted: str, tmp_path: Path):
    shard = tmp_path / "x.tfrecord"
    with tf.io.TFRecordWriter(str(shard)) as writer:
        writer.write(example(image=[PICTURE], label=[0] * 11))
        writer.write(second)
    sentence = refusal(shard)
    assert "record 2: " in sentence and wanted in sentence


@pytest.mark.parametrize(
    "text", ["[]", "{", "[" * 100_000, '{"schema": 5}', '{"schema": "cn", "fingerprint": "x", '
             '"records": "x", "shards": ["a"]}', '{"schema": "cn", "fingerprint": "x", '
             '"records": "x", "shards": {"a": "six"}}', '"x"', "\udcff"],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_a_strange_index_is_refused_by_name(text: str, shard: Path):
    index = shard.parent / "all.json"
    index.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"all\.json is no index of TFRecords"):
        TFRecordSource([shard], CONFIG, CN)


class Trap:
    """Unpickling it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def stored(array: np.ndarray, **options: bool) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def headed(header: str) -> bytes:
    padded = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(padded)) + padded.encode()


def zipped() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, a=np.zeros(3))
    return stream.getvalue()


SHAPE = "{'descr': '|u1', 'fortran_order': False, 'shape': (%s, 24, 94, 3), }"
GOOD = stored(np.zeros((4, 24, 94, 3), np.uint8))
STRANGE: dict[str, Callable[[Path], bytes]] = {
    "empty": lambda _: b"",
    "an archive": lambda _: zipped(),
    "objects": lambda trap: stored(np.array([Trap(trap)], object), allow_pickle=True),
    "a pickle": lambda trap: pickle.dumps(Trap(trap)),
    "a program": lambda trap: headed(f"__import__('os').mkdir({str(trap)[:60]!r})"),
    "huge": lambda _: headed(SHAPE % 10**12),
    "negative": lambda _: headed(SHAPE % -1),
    "deep": lambda _: headed("(" * 100),
    "cut off": lambda _: GOOD[:500],
    "flat": lambda _: stored(np.zeros((4, 0, 94, 3), np.uint8)),
    "numbers": lambda _: stored(np.zeros((4, 24, 94, 3), np.float32)),
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("place", [PLATES, LABELS])
def test_a_strange_array_is_refused_by_name_and_runs_nothing(name: str, place: str, tmp_path: Path):
    (tmp_path / PLATES).write_bytes(GOOD)
    (tmp_path / LABELS).write_bytes(stored(np.zeros((4, 11), np.int32)))
    assert ArraySource([tmp_path], CONFIG, CN).plates_per_epoch == 4
    trap = tmp_path / "trap"
    (tmp_path / place).write_bytes(STRANGE[name](trap))
    with pytest.raises(InputError, match=str(tmp_path)):
        ArraySource([tmp_path], CONFIG, CN)
    assert not trap.exists()


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000])
def test_a_strange_index_of_an_array_is_refused_by_name(text: str, tmp_path: Path):
    (tmp_path / PLATES).write_bytes(GOOD)
    (tmp_path / LABELS).write_bytes(stored(np.zeros((4, 11), np.int32)))
    (tmp_path / INDEX).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"index\.json is no index of an array"):
        ArraySource([tmp_path], CONFIG, CN)

"""Writing labelled pictures as sharded TFRecords: the files' own bytes, and int64 labels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..files import atomic_path
from ..plate.image import ImageError, load_image, read_picture_file
from ..plate.schema import LabelSchema
from .records import PlateRecord
from .tfrecord_files import ShardIndex, index_path, shard_path
from .worker_pool import OrderedMap

CHUNK = 64
"""Pictures that one task reads."""

Watch = Callable[[Iterable["FileBytes"], int], Iterable["FileBytes"]]


class FileBytes(NamedTuple):
    """A picture file as it is; `fault` says why it cannot be read, and is empty else."""

    path: str
    data: bytes
    fault: str


def write_tfrecords(
    records: Sequence[PlateRecord],
    output: str | Path,
    schema: LabelSchema,
    shards: int = 8,
    workers: int = 2,
    watch: Watch = lambda files, _: files,
) -> ShardIndex:
    """Writes `<output>-00000-of-00008.tfrecord` … and `<output>.json`.

    Each example has `image` (the file's bytes: a JPEG stays the JPEG), `label` (int64 [heads],
    -1 masked) and `name` (the path). Pictures that cannot be read are left out and listed in the
    index. Called again it goes on behind the last finished shard, and with those that lack some.

    Args:
        records: at least one.
        watch: wraps the stream of files, whose number it is told, to show progress.

    Raises:
        InputError: no records, or other data stand at `output` already.
    """
    output = Path(output)
    index = _open_index(records, output, schema, shards)
    parts = np.array_split(np.arange(len(records)), min(shards, len(records)))
    targets = [shard_path(output, i, len(parts)) for i in range(len(parts))]
    # Shards that lack pictures are written anew: these may be there now.
    todo = [
        (target, [records[i] for i in part])
        for target, part in zip(targets, parts, strict=True)
        if not (index.shards.get(target.name) == len(part) and target.is_file())
    ]
    for record in (record for _, part in todo for record in part):
        index.skipped.pop(str(record.path), None)
    with closing(OrderedMap(_read_chunk, _chunks(todo), workers)) as chunks:
        files = (file for chunk in chunks for file in chunk)
        stream = iter(watch(files, sum(len(part) for _, part in todo)))
        for target, part in todo:
            index.shards[target.name] = _write_shard(target, part, stream, index.skipped)
            index.save(index_path(output))
    index.complete = True
    index.save(index_path(output))
    return index


def _open_index(
    records: Sequence[PlateRecord], output: Path, schema: LabelSchema, shards: int
) -> ShardIndex:
    if not records:
        raise InputError("there are no labelled plates to write")
    digest = hashlib.sha256(f"{schema.fingerprint} {shards}".encode())
    for record in records:
        digest.update(f"\n{record.path} {record.labels.tolist()}".encode())
    fresh = ShardIndex(schema.name, schema.fingerprint, digest.hexdigest())
    found = ShardIndex.load(index_path(output))
    if found is not None and found.records == fresh.records:
        for half in output.parent.glob(f".{output.name}-*.partial.tfrecord"):
            half.unlink()  # of a writing that was killed
        return found
    if found is not None or any(output.parent.glob(f"{output.name}-?????-of-?????.tfrecord")):
        raise InputError(
            f"{output} has TFRecords of other data already: remove them or choose another --output"
        )
    fresh.save(index_path(output))
    return fresh


def _chunks(todo: list[tuple[Path, list[PlateRecord]]]) -> Iterator[list[str]]:
    for _, part in todo:
        paths = [str(record.path) for record in part]
        for start in range(0, len(paths), CHUNK):
            yield paths[start : start + CHUNK]


def _read_chunk(paths: list[str]) -> list[FileBytes]:
    return [_read_file(path) for path in paths]


def _read_file(path: str) -> FileBytes:
    try:
        data = read_picture_file(Path(path))
        load_image(data)
    except ImageError as error:
        return FileBytes(path, b"", error.reason)
    return FileBytes(path, data, "")


def _write_shard(
    target: Path, part: list[PlateRecord], files: Iterator[FileBytes], skipped: dict[str, str]
) -> int:
    """Writes one shard from the stream and returns how many plates it holds."""
    import tensorflow as tf

    written = 0
    with atomic_path(target) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for record in part:
            file = next(files)
            if file.fault:
                skipped[file.path] = file.fault
                continue
            writer.write(_example(record, file.data))
            written += 1
        writer.flush()
    return written


def _example(record: PlateRecord, data: bytes) -> bytes:
    from tensorflow.train import BytesList, Example, Feature, Features, Int64List

    features = {
        "image": Feature(bytes_list=BytesList(value=[data])),
        "label": Feature(int64_list=Int64List(value=record.labels.tolist())),
        "name": Feature(bytes_list=BytesList(value=[str(record.path).encode()])),
    }
    # Otherwise the features come in another order in every process.
    return Example(features=Features(feature=features)).SerializeToString(deterministic=True)

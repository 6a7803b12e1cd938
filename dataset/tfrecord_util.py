"""TFRecords of labelled pictures as a tf.data pipeline; writing them: `write_tfrecords`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf

from ..configs import Config
from ..errors import InputError
from ..plate.image import ImageError
from ..plate.schema import LabelSchema
from .batch_reader import BatchReader
from .dataset_util import PREFETCHED, batch_spec, numpy_map
from .source import ORDER_STREAM, Batch, steps_for
from .tfrecord_examples import check_examples, features_of
from .tfrecord_files import count_plates, find_shards, index_of
from .tfrecord_writer import write_tfrecords

__all__ = ["TFRecordSource", "write_tfrecords"]

INTERLEAVED = 16
"""Shards that are read in turns."""


class TFRecordSource:
    """Batches of sharded TFRecords.

    Every epoch shuffles the shards, reads them in turns and shuffles plates within
    windows of `data.shuffle_buffer`, all by (seed, epoch).

    Args:
        paths: shards, folders of shards, or `DIR/NAME` of a data set.
        config: its data (workers, buffer), train (seed, batch size), model (size), augment
            sections.
        schema: the one that the labels are of.

    Raises:
        InputError: shards are missing, cut off, or labelled with another schema.
    """

    def __init__(self, paths: Sequence[str | Path], config: Config, schema: LabelSchema) -> None:
        counts = {shard: count_plates(shard) for shard in find_shards(paths)}
        self._count = sum(counts.values())
        shards = [shard for shard, count in counts.items() if count]
        if not shards:
            raise InputError(f"the TFRecords at {paths[0]} hold no plate")
        _check_schema(shards, schema)
        for shard in shards:
            check_examples(shard, schema)
        self._files = [str(shard) for shard in shards]
        self._config = config
        self._spec = batch_spec(config, len(schema.heads))
        self._reader = BatchReader(config, schema)
        self._features = features_of(schema)

    @property
    def plates_per_epoch(self) -> int:
        """All plates of all shards."""
        return self._count

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch, the last perhaps short."""
        return steps_for(self._count, self._config.train.batch_size)

    def batches(self, first_epoch: int = 0) -> tf.data.Dataset:
        """Endless augmented batches; every epoch holds each plate once, in its own order."""
        examples = tf.data.Dataset.counter(first_epoch).flat_map(self._examples_of)

        def parse(epoch: tf.Tensor, step: tf.Tensor, serialised: tf.Tensor) -> tuple:
            return epoch, step, *self._parse(serialised)

        return self._read(examples.map(parse), self._augmented)

    def evaluation(self) -> tf.data.Dataset:
        """Every plate once, in the order of the shards, as it is."""
        examples = tf.data.TFRecordDataset(self._files).batch(self._config.train.batch_size)
        return self._read(examples.map(self._parse), self._plain)

    def close(self) -> None:
        """Nothing: tf.data ends its threads with its iterators."""

    def _parse(self, serialised: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """File bytes [batch] and labels int64 [batch, heads] of serialised examples."""
        parsed = tf.io.parse_example(serialised, self._features)
        return parsed["image"], parsed["label"]

    def _read(self, parts: tf.data.Dataset, function: Callable[..., Batch]) -> tf.data.Dataset:
        parallel = max(1, self._config.data.workers)
        read = numpy_map(function, self._spec)
        batches = parts.map(read, num_parallel_calls=parallel, deterministic=True)
        return batches.prefetch(PREFETCHED)

    def _examples_of(self, epoch: tf.Tensor) -> tf.data.Dataset:
        """The epoch's (epoch, step, serialised examples [batch]) in its shuffled order."""
        train, buffer = self._config.train, self._config.data.shuffle_buffer
        files, seed = tf.numpy_function(self._plan, [epoch], [tf.string, tf.int64], stateful=False)
        files.set_shape([len(self._files)])
        seed.set_shape([])
        plates = tf.data.Dataset.from_tensor_slices(files).interleave(
            tf.data.TFRecordDataset,
            cycle_length=min(INTERLEAVED, len(self._files)),
            num_parallel_calls=1,
            deterministic=True,
        )
        # Dataset.shuffle holds a state, and under determinism tf.data then runs maps one by one.
        windows = plates.batch(min(buffer, self._count)).enumerate()
        plates = windows.map(
            lambda number, window: tf.random.experimental.stateless_shuffle(window, [seed, number])
        ).unbatch()
        batches = plates.batch(train.batch_size).enumerate()
        return batches.map(lambda step, serialised: (epoch, step, serialised))

    def _plan(self, epoch: np.ndarray) -> tuple[np.ndarray, np.int64]:
        """The epoch's order of shards and the seed of its windows."""
        rng = np.random.default_rng([self._config.train.seed, int(epoch), 0, ORDER_STREAM])
        files = np.array([file.encode() for file in self._files], object)
        return rng.permutation(files), rng.integers(2**62, dtype=np.int64)

    def _augmented(
        self, epoch: np.ndarray, step: np.ndarray, images: np.ndarray, labels: np.ndarray
    ) -> Batch:
        first = int(step) * self._config.train.batch_size
        numbers = range(first, first + len(images))
        with self._place_named():
            return self._reader.augmented(list(images), labels, int(epoch), numbers)

    def _plain(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        with self._place_named():
            return self._reader.plain(list(images), labels)

    @contextmanager
    def _place_named(self) -> Iterator[None]:
        """Says where a picture that cannot be read stands, as well as it is known."""
        try:
            yield
        except ImageError as error:
            place = self._files[0] if len(self._files) == 1 else Path(self._files[0]).parent
            raise ImageError(f"{error.reason}; make-tfrecord leaves such out", place) from error


def _check_schema(shards: list[Path], schema: LabelSchema) -> None:
    for shard in shards:
        index = index_of(shard)
        if index is not None and index.fingerprint != schema.fingerprint:
            raise InputError(
                f"{shard} is labelled with the schema {index.schema}, not {schema.name}: "
                "set model.label_schema, or write it anew"
            )
    found = _label_width(shards[0])
    if found != len(schema.heads):
        raise InputError(
            f"{shards[0]}: {found} labels a plate, but the schema {schema.name} has "
            f"{len(schema.heads)} heads; it wants the features `image` and int64 `label`"
        )


def _label_width(shard: Path) -> int:
    """How many labels the first example of a shard has; 0 for something else."""
    try:
        first = next(iter(tf.data.TFRecordDataset(str(shard)).take(1).as_numpy_iterator()))
        features = tf.train.Example.FromString(first).features.feature
    # A message that is none raises what its damaged part makes of it.
    except Exception as error:
        raise InputError(f"{shard} holds no readable example; write it anew") from error
    return len(features["label"].int64_list.value) if "image" in features else 0

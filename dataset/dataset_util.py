"""Labelled pictures as a tf.data pipeline of batches."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ..configs import Config
from ..errors import InputError
from ..plate.image import ImageError
from ..plate.schema import LabelSchema
from .batch_reader import BatchReader
from .pictures import Pictures
from .records import PlateRecord
from .source import Batch, batch_slices, epoch_order, steps_for

PREFETCHED = 4
"""Batches that wait ready."""


class RecordSource:
    """Batches of labelled picture files, read while training.

    What is shuffled is plate numbers; a number becomes its picture and its labels in one map, so
    they cannot be parted. That map runs in parallel and keeps the order.

    Args:
        records: the plates; at least one.
        config: its data (workers, cache), train (seed, batch size), model (size), augment sections.
        schema: the one that `records` are labelled with.

    Raises:
        InputError: there are no records, or a picture file is missing.
    """

    def __init__(self, records: Sequence[PlateRecord], config: Config, schema: LabelSchema) -> None:
        if not records:
            raise InputError("there are no labelled plates in the given data")
        missing = [record for record in records if not os.path.isfile(record.path)]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(records)} pictures are missing, the first is "
                f"{missing[0].path} (line {missing[0].line}); `check-labels --fix-to` drops them"
            )
        _check_agreement(records)
        self._records = records
        size = (config.model.height, config.model.width)
        self._pictures = Pictures(records, size if config.data.cache else None)
        self._labels = np.stack([record.labels for record in records]).astype(np.int32)
        self._config = config
        self._reader = BatchReader(config, schema)

    @property
    def plates_per_epoch(self) -> int:
        """All records."""
        return len(self._labels)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch, the last perhaps short."""
        return steps_for(len(self._labels), self._config.train.batch_size)

    def batches(self, first_epoch: int = 0) -> tf.data.Dataset:
        """Endless augmented batches; every epoch holds each record once, in its own order."""
        numbers = tf.data.Dataset.counter(first_epoch).flat_map(self._numbers_of)
        read = numpy_map(self._augmented, self.element_spec)
        parallel = max(1, self._config.data.workers)
        batches = numbers.map(read, num_parallel_calls=parallel, deterministic=True)
        return batches.prefetch(PREFETCHED)

    def evaluation(self) -> tf.data.Dataset:
        """Every record once, in order, as it is."""
        parts = batch_slices(len(self._labels), self._config.train.batch_size)
        bounds = np.array([(part.start, part.stop) for part in parts], np.int64)
        read = numpy_map(self._plain, self.element_spec)
        parallel = max(1, self._config.data.workers)
        batches = tf.data.Dataset.from_tensor_slices((bounds[:, 0], bounds[:, 1])).map(
            read, num_parallel_calls=parallel, deterministic=True
        )
        return batches.prefetch(PREFETCHED)

    def close(self) -> None:
        """Nothing: tf.data ends its threads with its iterators."""

    @property
    def element_spec(self) -> tuple[tf.TensorSpec, tf.TensorSpec]:
        """Shapes and types of a batch."""
        return batch_spec(self._config, self._labels.shape[1])

    def _numbers_of(self, epoch: tf.Tensor) -> tf.data.Dataset:
        """The epoch's (epoch, record numbers [batch]) in its shuffled order."""
        seed, count = self._config.train.seed, len(self._labels)
        order = tf.numpy_function(
            lambda epoch: epoch_order(seed, int(epoch), count), [epoch], tf.int64, stateful=False
        )
        order.set_shape([count])
        batches = tf.data.Dataset.from_tensor_slices(order).batch(self._config.train.batch_size)
        return batches.map(lambda numbers: (epoch, numbers))

    def _augmented(self, epoch: np.ndarray, numbers: np.ndarray) -> Batch:
        with self._line_named(numbers):
            pictures, labels = self._pictures(numbers), self._labels[numbers]
            return self._reader.augmented(pictures, labels, int(epoch), numbers.tolist())

    def _plain(self, start: np.ndarray, stop: np.ndarray) -> Batch:
        numbers = range(start, stop)
        with self._line_named(numbers):
            return self._reader.plain(self._pictures(numbers), self._labels[start:stop])

    @contextmanager
    def _line_named(self, numbers: Iterable[int]) -> Iterator[None]:
        """Says which line of its label file names a picture that cannot be read."""
        try:
            yield
        except ImageError as error:
            records = [self._records[number] for number in numbers]
            named = [record.line for record in records if str(record.path) == str(error.path)]
            place = f" (line {named[0]} of its labels)" if named else ""
            raise ImageError(error.reason + place, error.path) from error


def _check_agreement(records: Sequence[PlateRecord]) -> None:
    """Raises InputError where two lines name one picture and give it different labels."""
    known: dict[tuple[Path, object], PlateRecord] = {}
    for record in records:
        first = known.setdefault((record.path, record.box), record)
        if first is not record and not np.array_equal(first.labels, record.labels):
            raise InputError(
                f"{record.path} has two labels, in line {first.line} and in line {record.line}: "
                "`check-labels --fix-to` drops both"
            )


def batch_spec(config: Config, heads: int) -> tuple[tf.TensorSpec, tf.TensorSpec]:
    """Images uint8 [batch, h, w, 3] and labels int32 [batch, heads]."""
    size = (None, config.model.height, config.model.width, 3)
    return tf.TensorSpec(size, tf.uint8), tf.TensorSpec((None, heads), tf.int32)


def numpy_map(function: Any, spec: tuple[tf.TensorSpec, tf.TensorSpec]) -> Any:
    """A function of tensors that calls `function` with arrays and knows the result's shapes.

    It is declared stateless, which lets tf.data run it in parallel under determinism too.
    """

    def call(*tensors: tf.Tensor) -> tuple[tf.Tensor, ...]:
        types = [part.dtype for part in spec]
        results = tf.numpy_function(function, tensors, types, stateful=False)
        return tuple(
            tf.ensure_shape(result, part.shape) for result, part in zip(results, spec, strict=True)
        )

    return call

"""The examples in TFRecord shards, read once from end to end before hours of training need them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ..errors import InputError
from ..plate.schema import LabelSchema

_AT_ONCE = 512  # examples


def features_of(schema: LabelSchema) -> dict[str, Any]:
    """What an example holds: the bytes of a file, and a class for each head."""
    return {
        "image": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([len(schema.heads)], tf.int64),
    }


def check_examples(shard: Path, schema: LabelSchema) -> None:
    """Passes a shard whose checksums are right and whose labels the schema has.

    Raises:
        InputError: naming the shard and the number of the record, from 1.
    """
    features, done = features_of(schema), 0
    try:
        for batch in tf.data.TFRecordDataset(str(shard)).batch(_AT_ONCE):
            labels = tf.io.parse_example(batch, features)["label"].numpy()
            _check_classes(labels, schema, shard, done)
            done += len(labels)
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        raise InputError(f"{shard}, {_damaged(shard, features, done)}; write it anew") from error


def _check_classes(labels: np.ndarray, schema: LabelSchema, shard: Path, done: int) -> None:
    wrong = np.argwhere((labels < -1) | (labels >= np.array(schema.widths)))
    if len(wrong):
        row, place = wrong[0]
        head = schema.heads[place]
        raise InputError(
            f"{shard}, record {done + row + 1}: class {labels[row, place]} of the head {head.name} "
            f"is out of range: 0 to {head.width - 1}, or -1 for unknown"
        )


def _damaged(shard: Path, features: dict[str, Any], done: int) -> str:
    """Which record behind the first `done` is wrong, and how."""
    number = done
    try:
        for serialised in tf.data.TFRecordDataset(str(shard)).skip(done):
            number += 1
            tf.io.parse_single_example(serialised, features)
    except tf.errors.DataLossError:
        return f"record {number + 1}: it is damaged or cut off"
    except (tf.errors.OpError, UnicodeDecodeError):
        return f"record {number}: it is no example with `image` and a `label` for each head"
    return "its examples are damaged"

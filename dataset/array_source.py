"""Plates as a memory-mapped uint8 array: fast, and needing no TensorFlow."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..configs import Config
from ..errors import InputError
from ..plate.schema import LabelSchema
from .array_writer import INDEX, LABELS, PLATES
from .batch_reader import BatchReader
from .source import Batch, batch_slices, epoch_order, steps_for
from .worker_pool import OrderedMap


class _Part(NamedTuple):
    """Plates `start` to `stop` of an epoch's order; of the stored order where epoch is None."""

    epoch: int | None
    start: int
    stop: int


class ArraySource:
    """Batches from folders that `array_writer` made, or anyone: `index.json` may lack.

    Args:
        folders: each holds `plates.npy` uint8 [n, h, w, 3] and `labels.npy` int32 [n, heads];
            the path of a `plates.npy` stands for its folder. Another size than the model's is
            resized while reading.
        config: its data (workers), train (seed, batch size), model (size), augment sections.
        schema: the one that the labels are of.

    Raises:
        InputError: a file is missing or broken, or the labels are of another schema.
    """

    def __init__(self, folders: Sequence[str | Path], config: Config, schema: LabelSchema) -> None:
        self._config = config
        self._read = _ArrayReader(tuple(_folder_of(folder) for folder in folders), config, schema)
        self._count = self._read.open_arrays(schema)
        self._batches: OrderedMap[Batch] | None = None

    @property
    def plates_per_epoch(self) -> int:
        """All stored plates."""
        return self._count

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch, the last perhaps short."""
        return steps_for(self._count, self._config.train.batch_size)

    def batches(self, first_epoch: int = 0) -> Iterator[Batch]:
        """Endless augmented batches; a call ends the batches of an earlier one."""
        self.close()
        parts = itertools.chain.from_iterable(map(self._parts, itertools.count(first_epoch)))
        self._batches = OrderedMap(self._read, parts, self._config.data.workers)
        return self._batches

    def evaluation(self) -> Iterator[Batch]:
        """Every plate once, in stored order, as it is."""
        return map(self._read, self._parts(None))

    def close(self) -> None:
        """Ends the workers."""
        if self._batches is not None:
            self._batches.close()

    def _parts(self, epoch: int | None) -> Iterator[_Part]:
        for part in batch_slices(self._count, self._config.train.batch_size):
            yield _Part(epoch, part.start, part.stop)


class _ArrayReader:
    """Reads parts; every process that it is sent to maps the arrays anew."""

    def __init__(self, folders: tuple[Path, ...], config: Config, schema: LabelSchema) -> None:
        self._folders = folders
        self._seed = config.train.seed
        self._reader = BatchReader(config, schema)
        self._arrays: list[Batch] = []
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def open_arrays(self, schema: LabelSchema | None = None) -> int:
        """Maps the arrays and returns how many plates they hold; checks them against `schema`."""
        self._arrays = [_open(folder, schema) for folder in self._folders]
        self._starts = np.cumsum([0, *(len(labels) for _, labels in self._arrays)])
        return int(self._starts[-1])

    def __call__(self, part: _Part) -> Batch:
        if not self._arrays:
            self.open_arrays()
        if part.epoch is None:
            return self._reader.plain(*self._stored(np.arange(part.start, part.stop)))
        numbers = self._order_of(part.epoch)[part.start : part.stop]
        return self._reader.augmented(*self._stored(numbers), part.epoch, numbers.tolist())

    def _order_of(self, epoch: int) -> np.ndarray:
        if self._order[0] != epoch:
            self._order = (epoch, epoch_order(self._seed, epoch, int(self._starts[-1])))
        return self._order[1]

    def _stored(self, numbers: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        places = np.searchsorted(self._starts, numbers, side="right") - 1
        pairs = [
            (self._arrays[place][0][row], self._arrays[place][1][row])
            for place, row in zip(places, numbers - self._starts[places], strict=True)
        ]
        return [image for image, _ in pairs], np.stack([labels for _, labels in pairs])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_arrays": [], "_order": (-1, np.empty(0, np.int64))}


def _folder_of(path: str | Path) -> Path:
    place = Path(path)
    return place.parent if place.name == PLATES else place


def _open(folder: Path, schema: LabelSchema | None) -> Batch:
    try:
        plates = np.load(folder / PLATES, mmap_mode="r")
        labels = np.load(folder / LABELS, mmap_mode="r")
    # Headers are little programs; whatever is wrong with one raises whatever it likes.
    except Exception as error:
        raise InputError(f"{folder}: cannot read the array of plates: {error}") from error
    for name, array in ((PLATES, plates), (LABELS, labels)):
        if not isinstance(array, np.ndarray):
            raise InputError(f"{folder / name} is an archive of arrays; one array is wanted")
    if plates.dtype != np.uint8 or plates.ndim != 4 or plates.shape[3] != 3 or not plates.size:
        raise InputError(
            f"{folder / PLATES}: uint8 [n, h, w, 3] is wanted; it has {plates.dtype} {plates.shape}"
        )
    if labels.ndim != 2 or len(labels) != len(plates) or labels.dtype.kind != "i":
        raise InputError(
            f"{folder / LABELS}: int32 [{len(plates)}, heads] is wanted; "
            f"it has {labels.dtype} {labels.shape}"
        )
    if schema is not None:
        _check_schema(folder, labels, schema)
    return plates, labels


def _read_index(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file} is no index of an array: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{file} is no index of an array: `key: value` pairs are wanted")
    return values


def _check_schema(folder: Path, labels: np.ndarray, schema: LabelSchema) -> None:
    index = folder / INDEX
    stored = _read_index(index) if index.is_file() else {}
    name, fingerprint = stored.get("schema"), stored.get("fingerprint", schema.fingerprint)
    if fingerprint != schema.fingerprint or labels.shape[1] != len(schema.heads):
        raise InputError(
            f"{folder}: its labels are of the schema {name or 'of another shape'}, "
            f"not of {schema.name}; set model.label_schema, or write the array anew"
        )
    for head, most, least in zip(schema.heads, labels.max(axis=0), labels.min(axis=0), strict=True):
        if most >= head.width or least < -1:
            raise InputError(
                f"{folder / LABELS}: the head {head.name} has the classes 0 to {head.width - 1} "
                f"and -1; found {most if most >= head.width else least}"
            )

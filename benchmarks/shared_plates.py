"""Rendered plates that several trainings share: drawn once, read while they are being drawn.

Plate i of epoch e is the one that `RenderedSource` of the same configuration draws for every
training anew, at each of the sizes that the trainings take.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from chepai.configs import Config
from chepai.dataset.rendered_source import BatchPlan, BatchRenderer, RenderedSource, plate_renderer
from chepai.dataset.source import Batch, batch_slices, steps_for
from chepai.dataset.worker_pool import OrderedMap
from chepai.errors import InputError
from chepai.files import write_text
from chepai.plate.image import resize
from chepai.plate.schema import LabelSchema

Size = tuple[int, int]
CHUNK = 512
_LABELS, _ORDER, _DRAWN = "labels.npy", "order.json", "drawn.json"
_WAIT_SECONDS = 0.2


class Order(NamedTuple):
    """What is to be drawn: so many epochs of so many plates, at these sizes (height, width)."""

    epochs: int
    plates: int
    sizes: tuple[Size, ...]

    @property
    def count(self) -> int:
        """Plates of all epochs."""
        return self.epochs * self.plates


class SharedPlates:
    """A folder of arrays, one for each size, and how many of their plates are drawn.

    Args:
        folder: begun by `begin`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        epochs, plates, sizes = _read_json(folder / _ORDER)
        self.order = Order(epochs, plates, tuple(map(tuple, sizes)))

    @classmethod
    def begin(cls, folder: Path, order: Order, schema: LabelSchema) -> SharedPlates:
        """The folder with room for an order, or what it holds of that order already.

        Raises:
            InputError: it was begun with another order.
        """
        if (folder / _ORDER).is_file():
            found = cls(folder)
            if found.order != order:
                raise InputError(f"{folder} holds other plates than these; give another --work")
            return found
        folder.mkdir(parents=True, exist_ok=True)
        create = np.lib.format.open_memmap
        create(folder / _LABELS, "w+", np.int32, (order.count, len(schema.heads)))
        for size in order.sizes:
            create(folder / _array(size), "w+", np.uint8, (order.count, *size, 3))
        write_text(folder / _DRAWN, "0")
        write_text(folder / _ORDER, json.dumps(order))
        return cls(folder)

    @property
    def drawn(self) -> int:
        """How many plates lie ready, from the first on."""
        return int(_read_json(self._folder / _DRAWN))

    def draw(self, config: Config, schema: LabelSchema, workers: int) -> None:
        """Draws what is missing; can be stopped and called again."""
        labels, done = self._open(_LABELS, "r+"), self.drawn
        arrays = {size: self._open(_array(size), "r+") for size in self.order.sizes}
        parts = [
            slice(done + part.start, done + part.stop)
            for part in batch_slices(self.order.count - done, CHUNK)
        ]
        with closing(OrderedMap(_Drawing(config, schema, self.order), parts, workers)) as results:
            for part, (pictures, classes) in zip(parts, results, strict=True):
                labels[part] = classes
                for size, images in pictures.items():
                    arrays[size][part] = images
                write_text(self._folder / _DRAWN, str(part.stop))

    def read(self, size: Size, parts: Iterable[slice]) -> Iterator[Batch]:
        """Pictures and labels of ranges of plates, waiting for those that are not drawn yet."""
        images, labels = self._open(_array(size), "r"), self._open(_LABELS, "r")
        drawn = 0
        for part in parts:
            while drawn < part.stop:
                drawn = self.drawn
                time.sleep(0.0 if drawn >= part.stop else _WAIT_SECONDS)
            yield np.array(images[part]), np.array(labels[part])

    def _open(self, name: str, mode: str) -> np.ndarray:
        return np.load(self._folder / name, mmap_mode=mode)


class SharedSource:
    """Batches of shared plates; epochs beyond the drawn ones are those of the beginning again.

    Validation plates are rendered, as `RenderedSource` does.
    """

    def __init__(self, shared: SharedPlates, config: Config, schema: LabelSchema) -> None:
        self._shared = shared
        self._batch_size = config.train.batch_size
        self._size = (config.model.height, config.model.width)
        self._validation = RenderedSource(config, schema)

    @property
    def plates_per_epoch(self) -> int:
        """As ordered."""
        return self._shared.order.plates

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch, the last perhaps short."""
        return steps_for(self.plates_per_epoch, self._batch_size)

    def batches(self, first_epoch: int = 0) -> Iterator[Batch]:
        """Endless batches from `first_epoch` on."""
        return self._shared.read(self._size, self._parts(first_epoch))

    def evaluation(self) -> Iterable[Batch]:
        """The validation plates."""
        return self._validation.evaluation()

    def close(self) -> None:
        """Nothing works in the background."""

    def _parts(self, first_epoch: int) -> Iterator[slice]:
        order = self._shared.order
        for epoch in itertools.count(first_epoch):
            start = epoch % order.epochs * order.plates
            for part in batch_slices(order.plates, self._batch_size):
                yield slice(start + part.start, start + part.stop)


class _Drawing:
    """Draws ranges of an order's plates; picklable."""

    def __init__(self, config: Config, schema: LabelSchema, order: Order) -> None:
        self._renderer = BatchRenderer(config, schema, plate_renderer)
        self._order = order

    def __call__(self, part: slice) -> tuple[dict[Size, np.ndarray], np.ndarray]:
        plates = [self._plate(number) for number in range(part.start, part.stop)]
        pictures = {
            size: np.stack([resize(plate.image, *size) for plate in plates])
            for size in self._order.sizes
        }
        return pictures, np.stack([plate.labels for plate in plates]).astype(np.int32)

    def _plate(self, number: int) -> Any:
        epoch, index = divmod(number, self._order.plates)
        return self._renderer.plate(BatchPlan(epoch, index, index + 1), index)


def _array(size: Size) -> str:
    return f"plates-{size[0]}x{size[1]}.npy"


def _read_json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))

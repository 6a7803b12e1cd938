"""Writing plates as a memory-mapped uint8 array, from pictures or from the renderer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from ..configs import Config
from ..errors import InputError
from ..files import atomic_path, remove_partials, write_text
from ..plate.image import load_image, resize
from ..plate.schema import LabelSchema
from .pictures import picture_of
from .records import PlateRecord
from .rendered_source import RenderedSource, RendererFactory, plate_renderer
from .source import Batch, batch_slices, steps_for
from .worker_pool import OrderedMap

PLATES, LABELS, INDEX = "plates.npy", "labels.npy", "index.json"
CHUNK = 64
"""Pictures that one task reads."""


def write_records(
    folder: str | Path,
    records: Sequence[PlateRecord],
    schema: LabelSchema,
    height: int,
    width: int,
    workers: int = 2,
    watch: Callable[[Iterable[Batch], int], Iterable[Batch]] = lambda batches, _: batches,
) -> None:
    """Writes labelled pictures at the size that the model takes, in their order.

    Raises:
        InputError: no records, or one that cannot be read, named.
    """
    if not records:
        raise InputError("there are no labelled plates to write")
    chunks = [records[part] for part in batch_slices(len(records), CHUNK)]
    work = partial(_read_chunk, height=height, width=width)
    with closing(OrderedMap(work, chunks, workers)) as batches:
        stream = watch(batches, steps_for(len(records), CHUNK))
        write_array(folder, stream, len(records), schema)


def write_rendered(
    folder: str | Path,
    config: Config,
    schema: LabelSchema,
    count: int,
    factory: RendererFactory = plate_renderer,
) -> None:
    """Writes the first `count` rendered training plates of epoch 0."""
    render = config.render.model_copy(update={"plates_per_epoch": count})
    source = RenderedSource(config.model_copy(update={"render": render}), schema, factory)
    with closing(source):
        write_array(folder, source.batches(0), count, schema)


def write_array(
    folder: str | Path, batches: Iterable[Batch], count: int, schema: LabelSchema
) -> None:
    """Writes the first `count` plates of `batches` as an array that `ArraySource` reads.

    Nothing stands under the final names until all is written; `index.json` comes last.

    Raises:
        InputError: `batches` end before `count` plates, or the folder cannot be written.
    """
    folder = Path(folder)
    remove_partials(folder)
    with atomic_path(folder / PLATES) as plates_file:
        labels = _fill(plates_file, batches, count, len(schema.heads))
        if len(labels) < count:
            raise InputError(f"{folder}: {count} plates were to be written, {len(labels)} came")
        with atomic_path(folder / LABELS) as labels_file:
            np.save(labels_file, labels)
            # Not for a moment may an older array stand beside the new labels.
            (folder / PLATES).unlink(missing_ok=True)
    index = {"count": count, "schema": schema.name, "fingerprint": schema.fingerprint}
    write_text(folder / INDEX, json.dumps(index, ensure_ascii=False, indent=1) + "\n")


def _fill(file: Path, batches: Iterable[Batch], count: int, heads: int) -> np.ndarray:
    """Fills a new array in `file` and returns the labels of what came, int32 [n, heads]."""
    labels = np.empty((count, heads), np.int32)
    plates, written = None, 0
    for images, targets in batches:
        if plates is None:
            shape = (count, *images.shape[1:])
            plates = _new_array(file, shape)
        part = slice(written, min(written + len(images), count))
        written = part.stop
        plates[part] = images[: part.stop - part.start]
        labels[part] = targets[: part.stop - part.start]
        if written == count:
            break
    if plates is not None:
        plates.flush()
    return labels[:written]


def _new_array(file: Path, shape: tuple[int, ...]) -> np.memmap:
    """A mapped array with all its room on the disk: without, a full disk would end the process."""
    plates = np.lib.format.open_memmap(file, "w+", np.uint8, shape)
    if hasattr(os, "posix_fallocate"):
        with file.open("rb+") as stream:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    return plates


def _read_chunk(records: Sequence[PlateRecord], height: int, width: int) -> Batch:
    images = [resize(load_image(picture_of(record)), height, width) for record in records]
    return np.stack(images), np.stack([record.labels for record in records])

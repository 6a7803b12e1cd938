"""Batches as a student and its teachers take them: every picture at each one's size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..configs import Config
from ..dataset.mixed_source import as_arrays
from ..dataset.source import Batch, Source
from ..dataset.sources import training_source, with_batch_size
from ..dataset.unlabelled_source import WithUnlabelled, batch_shares
from ..plate.image import resize
from ..plate.schema import LabelSchema
from .distillation import Size


def pictures_key(size: Size) -> str:
    """Under which name a batch holds pictures of a size.

    >>> pictures_key((48, 144))
    '48x144'
    """
    return f"{size[0]}x{size[1]}"


def pictures_by_size(
    images: Any, rest: Mapping[str, Any], own: Size, sizes: Iterable[Size]
) -> dict[Size, Any]:
    """What each of `sizes` looks at in `TaughtSource`'s batch, whose `images` have size `own`."""
    return {size: images if size == own else rest[pictures_key(size)] for size in sizes}


def taught_source(config: Config, schema: LabelSchema, teachers: Sequence[Size]) -> TaughtSource:
    """The training batches of a student's configuration, `distill.unlabelled` among them.

    Pictures come, and are augmented, at the largest height and width of student and teachers.

    Raises:
        InputError: as of `training_source`; a folder without pictures.
    """
    student = (config.model.height, config.model.width)
    height, width = (max(sides) for sides in zip(student, *teachers, strict=True))
    model = config.model.model_copy(update={"height": height, "width": width})
    config = config.model_copy(update={"model": model})
    if not config.distill.unlabelled:
        return TaughtSource(training_source(config, schema), student, teachers)
    labelled, unlabelled = batch_shares(config)
    source: Source = training_source(with_batch_size(config, labelled), schema)
    source = WithUnlabelled(source, config, schema, unlabelled)
    return TaughtSource(source, student, teachers)


class TaughtSource:
    """Another source's batches, its pictures resized for the student and for each teacher.

    A batch is the student's pictures, and a dict: under `labels` the labels, under
    `pictures_key(size)` the pictures of the teachers that do not take the student's size.

    Teacher and student so look at the same picture, augmented the same way: Beyer et al. 2022,
    https://arxiv.org/abs/2106.05237, found that to matter more than anything else.

    Args:
        source: of pictures as large as the largest input, or larger.
        student, teachers: their input sizes.
    """

    def __init__(self, source: Source, student: Size, teachers: Iterable[Size]) -> None:
        self._source = source
        self._student = student
        self._others = sorted(set(teachers) - {student})

    @property
    def plates_per_epoch(self) -> int:
        """Of the other source."""
        return self._source.plates_per_epoch

    @property
    def steps_per_epoch(self) -> int:
        """Of the other source."""
        return self._source.steps_per_epoch

    def batches(self, first_epoch: int = 0) -> Iterator[Any]:
        """Endless batches: pictures, and the dict."""
        for images, labels in as_arrays(self._source.batches(first_epoch)):
            others = {pictures_key(size): resized(images, size) for size in self._others}
            yield resized(images, self._student), {"labels": labels, **others}

    def evaluation(self) -> Iterator[Batch]:
        """That of the other source at the student's size, without teachers."""
        for images, labels in as_arrays(self._source.evaluation()):
            yield resized(images, self._student), labels

    def close(self) -> None:
        """Ends what works in the background."""
        self._source.close()


def resized(images: np.ndarray, size: Size) -> np.ndarray:
    """uint8 RGB [batch, h, w, 3] as [batch, *size, 3], by the one resize."""
    if images.shape[1:3] == size:
        return images
    return np.stack([resize(image, *size) for image in images])

"""The one map from pictures and labels to a batch, whichever source they come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..configs import Config
from ..plate.image import load_image, resize
from ..plate.schema import LabelSchema
from .augment import Augmenter
from .source import Batch, augment_rng

Picture = str | bytes | np.ndarray
"""A path, the bytes of an image file, or pixels uint8 RGB [h, w, 3]."""


class BatchReader:
    """Decodes, resizes as reading does, augments, and masks what augmentation hid.

    A picture and its labels come in and leave together, so no order of work can part them.
    Picklable; holds no state.
    """

    def __init__(self, config: Config, schema: LabelSchema) -> None:
        self._height, self._width = config.model.height, config.model.width
        self._seed = config.train.seed
        self._augmenter = Augmenter(config.augment)
        self._colours = [i for i, head in enumerate(schema.heads) if head.role == "colour"]

    def plain(self, pictures: Sequence[Picture], labels: np.ndarray) -> Batch:
        """The batch as it is: images uint8 [batch, h, w, 3], labels int32 [batch, heads].

        Raises:
            ImageError: a picture cannot be read, named.
        """
        images = np.empty((len(pictures), self._height, self._width, 3), np.uint8)
        for row, picture in enumerate(pictures):
            images[row] = self._sized(picture)
        return images, np.array(labels, np.int32)

    def augmented(
        self, pictures: Sequence[Picture], labels: np.ndarray, epoch: int, numbers: Sequence[int]
    ) -> Batch:
        """The batch augmented; plate `numbers[i]` of `epoch` depends on the seed and these only."""
        images, labels = self.plain(pictures, labels)
        for row, number in enumerate(numbers):
            rng = augment_rng(self._seed, epoch, int(number))
            images[row], grey = self._augmenter(images[row], rng)
            if grey:
                labels[row, self._colours] = -1
        return images, labels

    def _sized(self, picture: Picture) -> np.ndarray:
        image = picture if isinstance(picture, np.ndarray) else load_image(picture)
        return resize(image, self._height, self._width)

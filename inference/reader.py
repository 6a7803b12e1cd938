"""Reading plates: pictures in, texts and confidences out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..plate.codec import DecodedPlate, decode
from ..plate.schema import LabelSchema
from .model_card import ModelCard
from .pretrained import model_path
from .reading import DEFAULT_MIN_CONFIDENCE, Reading
from .runtimes import open_runtime
from .sources import Picture, Source, decoded_batches, each_source

__all__ = ["DEFAULT_MIN_CONFIDENCE", "Reader", "Reading"]


class Reader:
    """A model that is ready to read cropped plates.

    Args:
        model: `default` or `fast`, or the path of an `.onnx` or `.keras` file.
        runtime: a name of `runtime_names()`; None takes the one of the file's suffix.
        threads: of the runtime and of decoding; None lets each choose.
        batch_size: pictures in one run of the model. Readings come a batch at a time, so a
            live source wants 1.

    Raises:
        InputError: no such model, a foreign or damaged file, or a missing package.

    Example:
        >>> reader = Reader("plates.onnx")
        >>> [reading.text for reading in reader.read(["a.jpg", "b.jpg"])]
        ['皖AY339S', '粤BD12345']
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "default",
        runtime: str | None = None,
        threads: int | None = None,
        batch_size: int = 64,
    ) -> None:
        if batch_size < 1 or (threads is not None and threads < 1):
            raise InputError("batch_size and threads are whole numbers of at least 1")
        self.path = model_path(Path(model) if isinstance(model, os.PathLike) else model)
        self._runtime = open_runtime(self.path, runtime, threads)
        self._batch_size = batch_size
        self._decoders = min(4, threads or os.cpu_count() or 1)

    @property
    def card(self) -> ModelCard:
        """What the model says about itself."""
        return self._runtime.card

    @property
    def schema(self) -> LabelSchema:
        """What the model's heads mean."""
        return self.card.schema

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the model's input, pixels."""
        return self.card.height, self.card.width

    def read(
        self,
        sources: Source | Iterable[Source],
        min_confidence: float = DEFAULT_MIN_CONFIDENCE,
        constrain: bool = True,
    ) -> list[Reading]:
        """Reads pictures and returns their readings in the same order.

        Args:
            sources: one picture or an iterable of them: a path, the bytes of a file, or an
                array uint8 RGB [h, w, 3] or grey [h, w]; an array [n, h, w, 3] is n pictures.
            min_confidence: what a reading's confidence must reach to be accepted, 0 to 1.
            constrain: whether only texts that the schema's kinds of plates allow are read.

        Returns:
            One reading a picture; one that could not be read has its `error` set.
        """
        return list(self.read_stream(sources, min_confidence, constrain))

    def read_stream(
        self,
        sources: Source | Iterable[Source],
        min_confidence: float = DEFAULT_MIN_CONFIDENCE,
        constrain: bool = True,
    ) -> Iterator[Reading]:
        """As `read`, one at a time: takes at most two batches of sources ahead of its readings.

        The iterable may be endless; memory stays flat.
        """
        if not 0 <= min_confidence <= 1:
            raise InputError(f"min_confidence is from 0 to 1; received {min_confidence}")
        return self._stream(each_source(sources), min_confidence, constrain)

    def _stream(
        self, sources: Iterable[Source], min_confidence: float, constrain: bool
    ) -> Iterator[Reading]:
        height, width = self.input_size
        batches = decoded_batches(sources, self._batch_size, height, width, self._decoders)
        for pictures in batches:
            yield from self._read_batch(pictures, min_confidence, constrain)

    def _read_batch(
        self, pictures: list[Picture], min_confidence: float, constrain: bool
    ) -> Iterator[Reading]:
        pixels = [picture.pixels for picture in pictures if picture.pixels is not None]
        plates: Iterator[DecodedPlate] = iter(())
        if pixels:
            probabilities = self._runtime.run(np.stack(pixels))
            plates = iter(decode(self.schema, probabilities, constrain=constrain))
        for picture in pictures:
            if picture.error is not None:
                yield Reading.failed(picture.error, picture.file)
            else:
                yield _reading(next(plates), picture.file, min_confidence)


def _reading(plate: DecodedPlate, file: str | None, min_confidence: float) -> Reading:
    return Reading(
        text=plate.text,
        confidence=plate.confidence,
        accepted=plate.confidence >= min_confidence,
        characters=plate.characters,
        colour=plate.colour,
        rows=plate.rows,
        file=file,
    )

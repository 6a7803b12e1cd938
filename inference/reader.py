"""Reading plates: pictures in, texts and confidences out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..plate.codec import DecodedPlate
from ..plate.decoding import decode_outputs
from ..plate.provinces import ProvinceShares, first_character, read_provinces
from ..plate.schema import LabelSchema
from .model_card import ModelCard
from .pipeline import Outputs, Pipeline, Run
from .pretrained import looks_twice, model_path
from .reading import DEFAULT_MIN_CONFIDENCE, Reading
from .runtimes import Runtime, one_thread_of, open_runtime
from .second_look import SecondLook
from .second_model import SecondModel
from .sources import Source, each_source

__all__ = ["DEFAULT_MIN_CONFIDENCE", "Reader", "Reading"]

Threshold: TypeAlias = float | Literal["auto"]


class Reader:
    """A model that is ready to read cropped plates.

    Args:
        model: `default` or `fast`, or the path of what `train` or `export` wrote.
        runtime: a name of `runtime_names()`; None takes the one of the file's suffix.
        threads: of the runtime and of decoding; None lets each choose.
        batch_size: pictures in one run of the model. Readings come a batch at a time, so a
            live source wants 1.
        beam: of recognisers of columns (family `ctc`): texts that a beam search keeps in view;
            0 takes the likeliest class of each column, which is as good where it is sure.
        provider: what computes for ONNX Runtime: `cuda` …; None is the processor.
        second_look: whether a picture that is read unsurely is read again, altered, and the
            answers are averaged: more is right, for some more time. Not of family `ctc`. None:
            as the model was calibrated; without that `default` does and others do not.
        second_model: another model, which reads again what `model` reads unsurely, and is then
            the one that looks twice: `default` behind `fast`. It runs by `runtime` too if its
            file has the same suffix.
        provinces: the share of plates of each province where the pictures come from, 0 to 1;
            those not named share the rest; or a file of them. None expects all equally. Not of
            family `ctc`.

    Attributes:
        path: the model's file.
        second_look: whether it is so read.
        provinces: the shares that are expected; None where all are alike.

    Raises:
        InputError: no such model, a foreign or damaged file, or a missing package; models that
            do not fit together.

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
        beam: int = 0,
        provider: str | None = None,
        second_look: bool | None = None,
        second_model: str | os.PathLike[str] | None = None,
        provinces: Mapping[str, float] | str | None = None,
    ) -> None:
        if batch_size < 1 or (threads is not None and threads < 1):
            raise InputError("batch_size and threads are whole numbers of at least 1")
        self.path = _path(model)
        self._runtime = open_runtime(self.path, runtime, threads, provider)
        if second_model is None:
            self.second_look = _looks_twice(second_look, model, self.card)
            self._runtime = SecondLook(self._runtime) if self.second_look else self._runtime
        else:
            path = _path(second_model)
            alike = path.suffix == self.path.suffix
            second = open_runtime(path, runtime if alike else None, threads, provider)
            self.second_look = _looks_twice(second_look, second_model, second.card)
            second = SecondLook(second) if self.second_look else second
            self._runtime = SecondModel(self._runtime, second)
        self._pipeline = Pipeline(
            self._runtime.run,
            batch_size,
            *self.input_size,
            threads,
            partial(_run_on_one_thread, self._runtime),
        )
        self._beam = _checked_beam(beam, self.card.family)
        self.provinces = None if provinces is None else _checked_provinces(provinces, self.card)

    @property
    def card(self) -> ModelCard:
        """What the model says about itself."""
        return self._runtime.card

    @property
    def schema(self) -> LabelSchema:
        """What the model's heads mean."""
        return self.card.schema

    @property
    def runtime(self) -> Runtime:
        """What runs the network: pixels in, each head's probabilities out."""
        return self._runtime

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the model's input, pixels."""
        return self.card.height, self.card.width

    def min_confidence(self, wanted: Threshold, constrain: bool = True) -> float:
        """The number that a threshold means for this model; `auto` is its calibrated one.

        Raises:
            InputError: no number from 0 to 1, or a calibrated one that the model lacks or that
                was proven for the other way of reading.
        """
        if wanted == "auto":
            return self._calibrated_threshold(constrain)
        if isinstance(wanted, str) or not 0 <= wanted <= 1:
            raise InputError(f"min_confidence is from 0 to 1, or auto; received {wanted!r}")
        return float(wanted)

    def _calibrated_threshold(self, constrain: bool) -> float:
        found = self.card.calibration
        if found is None:
            raise InputError(
                f"the model {self.path} has no calibrated threshold: give it one with "
                "`chepai calibrate`, or give min_confidence as a number"
            )
        try:
            found.check_reading(constrain, self.second_look, self.provinces)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from error
        return found.min_confidence

    def read(
        self,
        sources: Source | Iterable[Source],
        min_confidence: Threshold = DEFAULT_MIN_CONFIDENCE,
        constrain: bool = True,
    ) -> list[Reading]:
        """Reads pictures and returns their readings in the same order.

        Args:
            sources: one picture or an iterable of them: a path, the bytes of a file, or an
                array uint8 RGB [h, w, 3] or grey [h, w]; an array [n, h, w, 3] is n pictures.
            min_confidence: what a reading's confidence must reach to be accepted, 0 to 1;
                `auto` is the model's calibrated threshold.
            constrain: whether only texts that the schema's kinds of plates allow are read: the
                likeliest of them. Otherwise the likeliest character of each place is.

        Returns:
            One reading a picture; one that could not be read has its `error` set.
        """
        return list(self.read_stream(sources, min_confidence, constrain))

    def read_stream(
        self,
        sources: Source | Iterable[Source],
        min_confidence: Threshold = DEFAULT_MIN_CONFIDENCE,
        constrain: bool = True,
    ) -> Iterator[Reading]:
        """As `read`, one at a time: takes at most two batches of sources ahead of its readings.

        The iterable may be endless; memory stays flat.
        """
        minimum = self.min_confidence(min_confidence, constrain)
        return self._stream(each_source(sources), minimum, constrain)

    @property
    def parallel(self) -> bool:
        """Whether several threads may call `read_pixels` at once."""
        return self._run_alone is not None

    @cached_property
    def _run_alone(self) -> Run | None:
        return _run_on_one_thread(self._runtime)

    def read_pixels(
        self,
        pixels: npt.NDArray[np.uint8],
        min_confidence: Threshold = DEFAULT_MIN_CONFIDENCE,
        constrain: bool = True,
    ) -> list[Reading]:
        """Reads pictures that have the model's size already, as one batch.

        Where the reader is `parallel` this stays on the thread that calls it, and several may
        call at once; else only one may.

        Args:
            pixels: uint8 RGB [n, height, width, 3] of `input_size`, resized by
                `chepai.plate.image.resize`; n of at least 1.
            min_confidence, constrain: as of `read`.
        """
        minimum = self.min_confidence(min_confidence, constrain)
        plates = self._decode((self._run_alone or self._runtime.run)(pixels), constrain)
        return [_reading(plate, None, minimum) for plate in plates]

    def outputs(self, sources: Iterable[Source]) -> Iterator[Outputs]:
        """What the model itself says, with a second look or without, before calibration,
        provinces and decoding: a batch at a time.

        Yields:
            Up to `batch_size` pictures in their order, and for those without an error each
            head's probabilities, float32 [n, width]; an empty dict where there is none.
        """
        return self._pipeline.outputs(sources)

    def _stream(
        self, sources: Iterable[Source], min_confidence: float, constrain: bool
    ) -> Iterator[Reading]:
        for pictures, probabilities in self.outputs(sources):
            plates = iter(self._decode(probabilities, constrain))
            for picture in pictures:
                if picture.error is not None:
                    yield Reading.failed(picture.error, picture.file)
                else:
                    yield _reading(next(plates), picture.file, min_confidence)

    def _decode(
        self, probabilities: dict[str, npt.NDArray[np.float32]], constrain: bool
    ) -> list[DecodedPlate]:
        if not probabilities:
            return []
        if self.card.calibration is not None:
            probabilities = self.card.calibration.apply(probabilities)
        if self.provinces is not None:
            probabilities = self.provinces.weigh(self.schema, probabilities)
        return decode_outputs(self.schema, self.card.family, probabilities, constrain, self._beam)


def _path(model: str | os.PathLike[str]) -> Path:
    return model_path(Path(model) if isinstance(model, os.PathLike) else model)


def _looks_twice(wanted: bool | None, model: str | os.PathLike[str], card: ModelCard) -> bool:
    if wanted is not None:
        return wanted
    if card.calibration is not None:
        return card.calibration.second_look
    return looks_twice(model)


def _checked_beam(beam: int, family: str) -> int:
    if beam < 0 or (beam and family != "ctc"):
        raise InputError(f"a beam of at least 1 is for models of family ctc; this is {family}")
    return beam


def _checked_provinces(provinces: Mapping[str, float] | str, card: ModelCard) -> ProvinceShares:
    if card.family == "ctc":
        raise InputError(
            "provinces change the answer for the first character; a model of family ctc has "
            "columns instead: leave them away"
        )
    first_character(card.schema)
    return read_provinces(provinces) if isinstance(provinces, str) else ProvinceShares.of(provinces)


def _run_on_one_thread(runtime: Runtime) -> Run | None:
    alone = one_thread_of(runtime)
    return None if alone is None else alone.run


def _reading(plate: DecodedPlate, file: str | None, min_confidence: float) -> Reading:
    return Reading(
        text=plate.text,
        confidence=plate.confidence,
        accepted=plate.confidence >= min_confidence,
        characters=plate.characters,
        colour=plate.colour,
        rows=plate.rows,
        raw_valid=plate.raw_valid,
        file=file,
    )

"""What `predict` does beside the table of readings, and where it reads."""

from __future__ import annotations

import argparse
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from ..errors import InputError
from ..inference.files import nothing
from ..inference.kept_pictures import PictureFolder
from ..inference.resuming import partial_path
from ..inference.sources import NamedPicture, Source, file_bytes
from ..plate.image import ImageError
from ..utils.reading_report import ReadingReport
from ._reading_options import describe_reading

if TYPE_CHECKING:
    from ..inference.reader import Reader
    from ..inference.reading import Reading

Read: TypeAlias = Callable[[Iterable[Source]], Iterator["Reading"]]


def engine(args: argparse.Namespace, reader: Reader, minimum: float) -> Read:
    """What turns sources into readings: this machine's reader, or a Ray cluster's."""
    constrain = not args.any_text
    if args.engine == "local":
        return lambda sources: reader.read_stream(sources, minimum, constrain)
    if args.provider not in (None, "cpu"):
        raise InputError("--provider is for reading on this machine; --engine ray reads on cpu")
    from ..inference.pretrained import SHIPPED_NAMES
    from ..inference.ray_engine import RayEngine

    if args.beam:
        raise InputError("--beam reads on this machine; leave it or --engine ray away")

    def everywhere(model: str) -> str:
        # Each machine has the shipped models in its own place.
        return model if model in SHIPPED_NAMES else os.path.abspath(model)

    ray = RayEngine(
        everywhere(args.model),
        args.runtime,
        args.threads,
        minimum,
        constrain,
        args.workers,
        second_look=args.second_look,
        provinces=args.provinces,
        second_model=args.second_model and everywhere(args.second_model),
    )
    return ray.read


def own_outputs(args: argparse.Namespace) -> Callable[[Path], bool]:
    """Tells what this command writes, should it lie in a folder that it reads."""
    written = [args.save_rejected, args.save_crops]
    if args.output and args.output != "-":
        written += [args.output, partial_path(Path(args.output))]
    places = {os.path.abspath(place) for place in written if place}
    pages = args.report and re.compile(
        re.escape(os.path.splitext(os.path.abspath(args.report))[0]) + r"(-\d+)?\.html?"
    )

    def is_own(path: Path) -> bool:
        place = os.path.abspath(path)
        return place in places or bool(pages and pages.fullmatch(place))

    return is_own if places or pages else nothing


def read_and_keep(sources: Iterable[Source], read: Read, side: SideOutputs) -> Iterator[Reading]:
    """Readings; each picture has been kept, where that was asked for, when its reading comes.

    A reading's row is written after that. So what a stopped run leaves out, `--resume` finds.
    """
    waiting: deque[Source] = deque()

    def noted() -> Iterator[Source]:
        for source in sources:
            waiting.append(source)
            yield source

    for reading in read(noted()):
        side.add(waiting.popleft(), reading)
        yield reading


class SideOutputs:
    """The report and the folders of pictures that the options ask for."""

    def __init__(self, args: argparse.Namespace, reader: Reader, minimum: float) -> None:
        model = describe_reading(args, args.model, reader.second_look)
        accepting = f"{model}; accepted from {minimum:g} on"
        self._report = args.report and ReadingReport(args.report, accepting)
        self._rejected = args.save_rejected and PictureFolder(args.save_rejected)
        self._crops = args.save_crops and PictureFolder(args.save_crops)
        self._input_size = reader.input_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._report:
            self._report.close()

    def add(self, source: Source, reading: Reading) -> None:
        """Keeps of one picture what was asked for."""
        if self._rejected and not reading.accepted:
            self._rejected.add_file(source)
        if self._crops:
            self._crops.add_input(source, *self._input_size)
        if self._report:
            self._report.add(reading, _shown(source))


def _shown(source: Source) -> str | bytes:
    """A picture for the report: its path, or the bytes of one that has none here."""
    if not isinstance(source, NamedPicture):
        return str(source)
    try:
        return file_bytes(source)
    except (ImageError, OSError):
        return b""

"""One export: written beside its place, run, compared with its source, and only then put there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..files import check_place
from ..inference.runtimes import open_runtime
from ..inference.sidecar import write_sidecar
from .agreement import Agreement, agreement, answers_of, check_agreement
from .formats import ExportOptions, Format
from .source import Source
from .staging import staged


@dataclass(frozen=True)
class ExportResult:
    """A model that was written and proven.

    Attributes:
        path: of the file, or of the folder.
        precision: in which it computes.
        agreement: with its source.
        size: bytes of all that belongs to it.
        left_out: nodes of an int8 model that compute in float32.
        lost_calibration: whether the source's threshold was not carried over.
    """

    path: Path
    precision: str
    agreement: Agreement
    size: int
    left_out: tuple[str, ...] = ()
    lost_calibration: bool = False


def export(
    source: Source,
    found: Format,
    path: Path,
    options: ExportOptions,
    pictures: npt.NDArray[np.uint8],
) -> ExportResult:
    """Writes `source` in a format to `path`, if what was written reads as the source does.

    Args:
        path: a file with the format's suffix, or a folder.
        pictures: uint8 [n, height, width, 3], to compare on; others than int8 is calibrated with.

    Raises:
        InputError: a wrong option, a missing package, or an export that reads otherwise; then
            whatever stood at `path` stays.
    """
    check_path(found, path)
    with staged(path) as place:
        card, left_out = found.write(source, place, options)
        if found.sidecar:
            write_sidecar(place, card)
        proven = _prove(source, place, found.runtime, card.precision, pictures)
        size = _size(place.parent)
    lost = source.card.calibration is not None and card.calibration is None
    return ExportResult(path, card.precision, proven, size, left_out, lost)


def check_path(found: Format, path: Path) -> None:
    """Refuses a path that has another suffix than the format's files."""
    if found.suffix and path.suffix.lower() != found.suffix:
        raise InputError(f"files of this format end in {found.suffix}; received {path}")
    if found.suffix:
        check_place(path)


def _prove(
    source: Source, place: Path, runtime: str, precision: str, pictures: npt.NDArray[np.uint8]
) -> Agreement:
    """The agreement on all pictures; the first is also run alone, because batches may differ."""
    try:
        exported = open_runtime(place, runtime)
        received = answers_of(exported, pictures)
        alone = answers_of(exported, pictures[:1])
    except InputError:
        raise
    # Every runtime has exceptions of its own for an operator that it cannot run.
    except Exception as error:
        lines = str(error).strip().splitlines()
        raise InputError(
            f"the exported {place.name} cannot be run: {lines[0] if lines else repr(error)}"
        ) from error
    found = agreement(source.card, answers_of(source.runtime, pictures), received)
    check_agreement(found, precision, place.name)
    single = agreement(source.card, answers_of(source.runtime, pictures[:1]), alone)
    check_agreement(single, precision, place.name)
    return found


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

"""Where a calibration is written to, and that these files hold the network it was found for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..export.calibration_store import store_calibration, writer_for
from ..inference.pretrained import SHIPPED_NAMES, shipped_models

if TYPE_CHECKING:
    from ..inference.calibration import Calibration
    from ..inference.reader import Reader

# Of a probability, as between an exported file and its source.
_TOLERANCE = 1e-3
_COMPARED = 16


def target_of(model: str, source: Path, output: str | None) -> Path:
    """Where the calibrated model goes: `output`, or the model's own file.

    Raises:
        InputError: a shipped model would be changed, whose checksum is fixed; or a place or
            format that cannot be.
    """
    if output is None and (model in SHIPPED_NAMES or _is_shipped(source)):
        raise InputError(
            f"the shipped model {model} stays as it is: give --output, as --output "
            f"{source.stem}-calibrated{source.suffix}, for the calibrated copy"
        )
    target = source if output is None else Path(output)
    if _is_shipped(target):
        raise InputError(f"{target} is a shipped model and stays as it is; give another --output")
    writer_for(source)
    if target.suffix.lower() != source.suffix.lower():
        raise InputError(
            f"--output has to end in {source.suffix}, as the model does; received {output}"
        )
    return target


def check_same_network(reader: Reader, others: Sequence[str], pictures: Sequence[Path]) -> None:
    """Refuses files of `--also` that answer otherwise than the reader's model.

    Args:
        pictures: some of these are what both are asked.

    Raises:
        InputError: naming the file that is another network, is shipped, or cannot be read.
    """
    from ..inference.reader import Reader

    if not others:
        return
    asked = pictures[:_COMPARED]
    wanted = _answers(reader, asked)
    for other in others:
        if _is_shipped(Path(other)):
            raise InputError(f"{other} is a shipped model and stays as it is")
        writer_for(Path(other))
        second = Reader(Path(other), batch_size=_COMPARED)
        same = second.schema == reader.schema and second.input_size == reader.input_size
        if not same or not _alike(wanted, _answers(second, asked)):
            raise InputError(f"--also {other} is another network than {reader.path}")


def store_everywhere(
    source: Path, target: Path, others: Sequence[str], calibration: Calibration
) -> list[Path]:
    """Writes the calibration; returns the files that carry it now."""
    return [
        store_calibration(source, calibration, target),
        *(store_calibration(other, calibration) for other in others),
    ]


def _answers(reader: Reader, pictures: Sequence[Path]) -> list[dict[str, np.ndarray]]:
    return [answers for _, answers in islice(reader.outputs(pictures), len(pictures)) if answers]


def _alike(one: list[dict[str, np.ndarray]], other: list[dict[str, np.ndarray]]) -> bool:
    return all(
        np.abs(first[head] - second[head]).max() <= _TOLERANCE
        for first, second in zip(one, other, strict=True)
        for head in first
    )


def _is_shipped(path: Path) -> bool:
    files = [model.file.path for model in shipped_models().values()]
    files += [model.weights.path for model in shipped_models().values() if model.weights]
    return path.resolve() in {file.resolve() for file in files}

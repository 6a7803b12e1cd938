"""Where a calibration is written to, and that these files hold the network it was found for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..export.calibration_store import store_calibration, writer_for
from ..inference.pretrained import SHIPPED_NAMES, shipped_models

if TYPE_CHECKING:
    from ..inference.calibration import Calibration
    from ..inference.reader import Reader
    from ..inference.sources import Source

# Of a probability, as between an exported file and its source.
_TOLERANCE = 1e-3
COMPARED = 16
"""Pictures by which two files are taken for one network."""


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


def check_same_network(source: Path, others: Sequence[str], pictures: Sequence[Source]) -> None:
    """Refuses files of `--also` that answer otherwise than the model that is calibrated.

    Args:
        source: the model's file.
        pictures: a few plates, about which both are asked.

    Raises:
        InputError: naming the file that is another network, is shipped, or cannot be read.
    """
    from ..inference.reader import Reader

    if not others:
        return
    # What networks say themselves: a second look would be another answer.
    first = Reader(source, batch_size=COMPARED, second_look=False)
    wanted = _answers(first, pictures)
    for other in others:
        if _is_shipped(Path(other)):
            raise InputError(f"{other} is a shipped model and stays as it is")
        writer_for(Path(other))
        second = Reader(Path(other), batch_size=COMPARED, second_look=False)
        same = _what(second) == _what(first)
        if not same or not _alike(wanted, _answers(second, pictures)):
            raise InputError(f"--also {other} is another network than {source}")


def store_everywhere(
    source: Path, target: Path, others: Sequence[str], calibration: Calibration
) -> list[Path]:
    """Writes the calibration; returns the files that carry it now."""
    return [
        store_calibration(source, calibration, target),
        *(store_calibration(other, calibration) for other in others),
    ]


def _what(reader: Reader) -> tuple[object, ...]:
    """What two files of one network have in common, whatever their weights."""
    return reader.card.family, reader.schema, reader.input_size, reader.card.output_sizes


def _answers(reader: Reader, pictures: Sequence[Source]) -> dict[str, np.ndarray]:
    """Of the first pictures that can be opened."""
    for _, answers in reader.outputs(pictures):
        if answers:
            return answers
    raise InputError("none of the pictures can be read, so that --also cannot be compared")


def _alike(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.abs(one[head] - other[head]).max() <= _TOLERANCE for head in one)


def _is_shipped(path: Path) -> bool:
    files = [model.file.path for model in shipped_models().values()]
    files += [model.weights.path for model in shipped_models().values() if model.weights]
    return path.resolve() in {file.resolve() for file in files}

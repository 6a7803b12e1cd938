"""Label files from pictures that are named after their plates, split by plate text."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import numpy as np

from ..errors import InputError
from ..files import write_text
from ..plate.codec import encode
from ..plate.grammar import colour_of, text_in_name
from ..plate.schema import LabelSchema
from .label_lines import picture_paths, read_label_file

SPLITS = ("train", "validation", "test")
OutputFormat = Literal["tsv", "label"]
SUFFIXES: dict[OutputFormat, str] = {"tsv": ".tsv", "label": ".txt"}


@dataclass(frozen=True)
class NamedPlate:
    """A picture and the text in its name; the colour is its folder's name, where that is one."""

    path: Path
    text: str
    colour: str | None


def find_plates(folder: str | Path, schema: LabelSchema) -> tuple[list[NamedPlate], list[Path]]:
    """The pictures below `folder` whose names hold a plate's text, and the others.

    Raises:
        InputError: there is no such folder, or it holds no pictures.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; name one of pictures named after plates")
    files = picture_paths(folder)
    if not files:
        raise InputError(f"the folder {folder} holds no pictures")
    plates, others = [], []
    for file in files:
        text = text_in_name(file.stem, schema)
        if text is None:
            others.append(file)
        else:
            plates.append(NamedPlate(file, text, colour_of(file.parent.name, schema)))
    return plates, others


class HasText(Protocol):
    """What can be split by its plate's text."""

    @property
    def text(self) -> str: ...


Plate = TypeVar("Plate", bound=HasText)


def split_by_text(
    plates: Sequence[Plate],
    shares: Sequence[float],
    seed: int,
    settled: Mapping[str, int] | None = None,
) -> list[list[Plate]]:
    """Shares out the plates so that no text is in two parts; each part keeps their order.

    Texts are taken in a random order that depends on `seed` and on the set of texts only, and
    go, with all their pictures, to the part that is furthest below its share.

    Args:
        plates: what to share out.
        shares: of the parts, in any unit, as (80, 10, 10).
        seed: of the order.
        settled: text -> the part that it belongs to already; these come first.
    """
    settled = settled or {}
    by_text: dict[str, list[int]] = defaultdict(list)
    for index, plate in enumerate(plates):
        by_text[plate.text].append(index)
    texts = sorted(by_text)
    total = np.asarray(shares, float) / sum(shares) * len(plates)
    counts = np.zeros(len(shares))
    parts: list[list[int]] = [[] for _ in shares]
    shuffled = [texts[place] for place in np.random.default_rng(seed).permutation(len(texts))]
    for text in sorted(shuffled, key=lambda text: text not in settled):
        indices = by_text[text]
        part = settled.get(text, int(np.argmax(total - counts)))
        parts[part].extend(indices)
        counts[part] += len(indices)
    return [[plates[index] for index in sorted(part)] for part in parts]


def write_labels(
    plates: Iterable[NamedPlate], file: Path, schema: LabelSchema, output: OutputFormat
) -> None:
    """Writes a TSV with texts or the original's label.txt; paths are relative to the file.

    Raises:
        InputError: the file cannot be written.
    """
    rows = []
    for plate in plates:
        name = relative_name(plate.path, file.parent)
        if output == "tsv":
            rows.append(f"{name}\t{plate.text}\t{plate.colour or ''}")
        else:
            labels = encode(schema, plate.text, plate.colour)
            rows.append(f"{name} {' '.join(map(str, labels.tolist()))}")
    header = ["file\ttext\tcolour"] if output == "tsv" else []
    write_text(file, "".join(f"{row}\n" for row in [*header, *rows]))


def relative_name(path: Path, folder: Path) -> str:
    """How a label file in `folder` names the picture `path`, with forward slashes."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive, on Windows
        return path.resolve().as_posix()


@dataclass(frozen=True)
class Written:
    """What `generate_txt` wrote.

    Attributes:
        counts: how many plates each file has.
        kept: of how many an earlier list said to which part they belong.
        others: the pictures whose names hold no plate's text.
    """

    counts: Mapping[str, int]
    kept: int
    others: list[Path]


def generate_txt(
    folder: str | Path,
    output_folder: str | Path,
    schema: LabelSchema,
    output: OutputFormat = "tsv",
    shares: Sequence[float] = (80, 10, 10),
    seed: int = 800,
) -> Written:
    """Writes `all`, `train`, `validation` and `test` label files for a folder of named pictures.

    What the files of an earlier call hold stays in its part, so that a folder may grow without a
    plate that a model was trained on coming to be one that it is tested on.

    Raises:
        InputError: no picture's name holds a text, the shares are wrong, or an earlier file is
            no label file.
    """
    if len(shares) != len(SPLITS) or min(shares) < 0 or not sum(shares):
        raise InputError(f"a split is three shares, as 80/10/10; received {shares}")
    plates, others = find_plates(folder, schema)
    if not plates:
        raise InputError(f"no picture below {folder} has a plate's text in its name")
    files = {name: Path(output_folder) / f"{name}{SUFFIXES[output]}" for name in ("all", *SPLITS)}
    settled = _settled(plates, [files[name] for name in SPLITS], schema)
    parts = dict(zip(SPLITS, split_by_text(plates, shares, seed, settled), strict=True))
    for name, part in {"all": plates, **parts}.items():
        write_labels(part, files[name], schema, output)
    counts = {"all": len(plates), **{name: len(part) for name, part in parts.items()}}
    return Written(counts, sum(plate.text in settled for plate in plates), others)


def _settled(
    plates: Iterable[NamedPlate], files: Iterable[Path], schema: LabelSchema
) -> dict[str, int]:
    """Text -> the last of the files that names a picture of it."""
    texts = {plate.path.resolve(): plate.text for plate in plates}
    settled = {}
    for part, file in enumerate(files):
        if file.is_file() and file.stat().st_size:
            lines = read_label_file(file, schema).lines
            paths = (line.path.resolve() for line in lines)
            settled.update({texts[path]: part for path in paths if path in texts})
    return settled

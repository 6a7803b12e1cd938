"""What is wrong with a label file and its pictures, before hours of training find out."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError
from ..files import write_text
from ..plate.codec import describe, encode
from ..plate.grammar import colour_of, is_possible, kinds_of, normalise_text
from ..plate.image import ImageError, load_image
from ..plate.schema import NO_PLATE, LabelSchema
from .generate_txt import relative_name
from .label_lines import LabelFile, LabelLine, line_with_name

# Category -> what it means, in the order of the summary.
CATEGORIES = {
    "fields": "a wrong number of fields, or one that is not what it should be",
    "range": "a class that its head does not have",
    "text": "a text that the schema cannot spell",
    "impossible": "a plate that no kind of the schema can be",
    "colour": "a colour that no plate of this text has",
    "missing": "there is no such picture",
    "unreadable": "the picture cannot be read",
    "tiny": "too few pixels",
    "duplicate": "the same picture with the same label as an earlier line",
    "conflict": "the same picture with another label in another line",
}
MIN_SIZE = (30, 10)  # width, height in pixels; smaller plates are beyond reading
_CHUNK = 4096  # pictures under way at once


class Finding(NamedTuple):
    """One thing that is wrong with one line."""

    line: LabelLine
    category: str
    message: str


@dataclass(frozen=True)
class CheckReport:
    """All findings, in the order of the lines; a line may have several."""

    file: LabelFile
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Category -> number of findings, only those that occur."""
        counted = Counter(finding.category for finding in self.findings)
        return {category: counted[category] for category in CATEGORIES if counted[category]}

    @property
    def good_lines(self) -> tuple[LabelLine, ...]:
        """The lines without any finding."""
        bad = {finding.line.line for finding in self.findings}
        return tuple(line for line in self.file.lines if line.line not in bad)


Progress = Callable[[Iterable["_Picture"], int], Iterable["_Picture"]]


def check_labels(
    file: LabelFile,
    schema: LabelSchema,
    min_size: tuple[int, int] = MIN_SIZE,
    ignore: Iterable[str] = (),
    workers: int | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Checks every line and every picture.

    Args:
        file: the label file.
        schema: what its labels are meant for.
        min_size: the least width and height of a picture, pixels.
        ignore: categories that are not looked for.
        workers: threads that read pictures; None: one a processor.
        progress: wraps the pictures as they come, given their number.
    """
    findings = [
        Finding(line, *fault) for line in file.lines for fault in _label_faults(line, schema)
    ]
    pictures: Iterable[_Picture] = _read_pictures(file.lines, workers or os.cpu_count() or 1)
    if progress is not None:
        pictures = progress(pictures, len(file.lines))
    hashed: dict[bytes, list[LabelLine]] = defaultdict(list)
    for picture in pictures:
        findings.extend(_picture_faults(picture, min_size))
        if picture.digest is not None:
            hashed[picture.digest].append(picture.line)
    for lines in hashed.values():
        findings.extend(_repeated(lines, schema))
    left_out = set(ignore)
    kept = (finding for finding in findings if finding.category not in left_out)
    order = list(CATEGORIES)
    ordered = sorted(kept, key=lambda found: (found.line.line, order.index(found.category)))
    return CheckReport(file, tuple(ordered))


def _label_faults(line: LabelLine, schema: LabelSchema) -> Iterator[tuple[str, str]]:
    """(category, message) of what is wrong with what a line says."""
    if line.fault:
        # A folder's pictures have no fields; their fault is a name without a text.
        yield ("fields" if line.raw != line.name else "text"), line.fault
    elif line.labels is not None:
        yield from _class_faults(line.labels, schema)
    else:
        text = normalise_text(line.text or "", schema)
        colour = colour_of(line.colour, schema) if line.colour else None
        try:
            encode(schema, text, rows=line.rows if schema.head_of("rows") else None)
        except InputError as error:
            yield "text", str(error)
        else:
            yield from _plate_faults(text, colour, schema)


def _class_faults(labels: tuple[int, ...], schema: LabelSchema) -> Iterator[tuple[str, str]]:
    if len(labels) != len(schema.heads):
        yield "fields", f"{len(labels)} class numbers; {len(schema.heads)} are wanted"
        return
    try:
        plate = describe(schema, labels)
    except InputError as error:
        yield "range", str(error)
        return
    spare = [
        f"class {label} of the head {head.name} is a spare one, without a meaning"
        for label, head in zip(labels, schema.heads, strict=True)
        if label >= 0 and head.classes[label] is None
    ]
    yield from (("range", message) for message in spare)
    if not spare:
        yield from _length_faults(labels, schema)
        yield from _plate_faults(plate.text, plate.colour, schema)


def _length_faults(labels: tuple[int, ...], schema: LabelSchema) -> Iterator[tuple[str, str]]:
    """A character beyond the length that the length head states."""
    head = schema.head_of("length")
    label = labels[schema.index(head.name)] if head is not None else -1
    if head is None or label < 0 or head.classes[label] == NO_PLATE:
        return
    length = int(head.classes[label] or 0)
    for beyond in schema.characters[length:]:
        if labels[schema.index(beyond.name)] >= 0:
            yield "impossible", f"the head {beyond.name} has a character, the length is {length}"


def _plate_faults(text: str, colour: str | None, schema: LabelSchema) -> Iterator[tuple[str, str]]:
    if not text or not schema.kinds:
        return
    if not is_possible(text, schema):
        yield "impossible", f"no plate reads {text}"
    elif colour is not None and kinds_of(text, schema) and not kinds_of(text, schema, colour):
        known = dict.fromkeys(kind.colour or "any" for kind in kinds_of(text, schema))
        yield "colour", f"{text} is {colour}; such plates are {' or '.join(known)}"


class _Picture(NamedTuple):
    """What reading a line's picture gave: its size and a digest of its pixels, or an error."""

    line: LabelLine
    missing: bool = False
    error: str | None = None
    size: tuple[int, int] | None = None
    digest: bytes | None = None


def _read_pictures(lines: Iterable[LabelLine], workers: int) -> Iterator[_Picture]:
    remaining = iter(lines)
    with ThreadPoolExecutor(workers) as pool:
        while chunk := list(islice(remaining, _CHUNK)):
            yield from pool.map(_read_picture, chunk)


def _read_picture(line: LabelLine) -> _Picture:
    if not line.name or not os.path.isfile(line.path):
        return _Picture(line, missing=True)
    try:
        image = load_image(line.path)
    except ImageError as error:
        return _Picture(line, error=error.reason)
    digest = hashlib.blake2b(image.tobytes(), digest_size=16)
    digest.update(repr(image.shape).encode())
    return _Picture(line, size=(image.shape[1], image.shape[0]), digest=digest.digest())


def _picture_faults(picture: _Picture, min_size: tuple[int, int]) -> Iterator[Finding]:
    line = picture.line
    if picture.missing:
        yield Finding(line, "missing", f"there is no picture {line.path}")
    elif picture.error is not None:
        yield Finding(line, "unreadable", f"{line.path}: {picture.error}")
    elif picture.size is not None and (
        picture.size[0] < min_size[0] or picture.size[1] < min_size[1]
    ):
        width, height = picture.size
        yield Finding(
            line, "tiny", f"{width}x{height} pixels; {min_size[0]}x{min_size[1]} are wanted"
        )


def _repeated(lines: list[LabelLine], schema: LabelSchema) -> Iterator[Finding]:
    """Findings of lines that show one picture: all of them where their labels differ."""
    first = lines[0]
    if len({_meaning(line, schema) for line in lines}) > 1:
        for line in lines:
            other = next(each for each in lines if _meaning(each, schema) != _meaning(line, schema))
            yield Finding(line, "conflict", f"line {other.line} labels this picture otherwise")
    else:
        for line in lines[1:]:
            yield Finding(line, "duplicate", f"the same picture as line {first.line}")


def _meaning(line: LabelLine, schema: LabelSchema) -> object:
    """What a line says of its picture, comparable."""
    return line.labels if line.labels is not None else normalise_text(line.text or "", schema)


def write_good_lines(report: CheckReport, target: str | Path) -> int:
    """`write_lines` of the lines without findings; returns how many lines."""
    write_lines(report.file, report.good_lines, target)
    return len(report.good_lines)


def write_lines(file: LabelFile, lines: Iterable[LabelLine], target: str | Path) -> None:
    """Writes some of the lines of a label file in its format, its header with them.

    Pictures are named relative to `target`. A folder's names become a TSV. Raises InputError
    where the file cannot be written.
    """
    target = Path(target)
    rows = [] if file.header is None else [file.header]
    if file.format == "names":
        rows = ["file\ttext"]
    for line in lines:
        name = relative_name(line.path, target.parent)
        if file.format == "names":
            rows.append(f"{name}\t{line.text}")
        elif target.parent.resolve() == file.path.parent.resolve():
            rows.append(line.raw)
        else:
            rows.append(line_with_name(file, line, name))
    write_text(target, "".join(f"{row}\n" for row in rows))

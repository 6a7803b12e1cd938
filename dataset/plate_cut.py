"""Plates cut from photographs of cars, and folders of such plates with their label files."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from ..errors import InputError
from ..files import atomic_path, write_text
from ..plate.codec import encode
from ..plate.grammar import is_possible
from ..plate.image import MIN_HEIGHT, MIN_WIDTH, ImageError, load_image, resize
from ..plate.schema import LabelSchema

Cut = Literal["rectify", "box"]
# Width by height of a plate in millimetres (GA 36): seven characters, and new energy's eight.
_ASPECT = {7: 440 / 140, 8: 480 / 140}
_JPEG_QUALITY = 95
_CHUNK = 1024  # photographs under way at once


@dataclass(frozen=True)
class PhotographedPlate:
    """A plate in a photograph.

    Attributes:
        path: of the photograph.
        text: what the plate says.
        corners: float [4, 2], x and y in pixels: left top, right top, right bottom, left bottom.
        box: x1, y1, x2, y2 in pixels, the last two exclusive.
        subset: the folder that the cut plate goes into.
        split: train, validation or test, where the data set says so.
        colour, rows: of the schema, where known.
    """

    path: Path
    text: str
    corners: np.ndarray
    box: tuple[int, int, int, int]
    subset: str
    split: str | None = None
    colour: str | None = None
    rows: int | None = None


@dataclass
class CutReport:
    """How many plates of each subset were found, written and left out, and why.

    `files` are the label files with their numbers of plates.
    """

    found: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    files: dict[str, int] = field(default_factory=dict)


def rectify(
    image: np.ndarray, corners: np.ndarray, text: str, size: tuple[int, int] | None
) -> np.ndarray:
    """The plate seen from the front: uint8 [height, width, 3].

    Args:
        image: the photograph, uint8 [h, w, 3].
        corners: float [4, 2] as in `PhotographedPlate`.
        text: tells a new-energy plate, which is longer.
        size: width, height; None: as wide as the plate's longer edge, with its true aspect.

    Raises:
        ImageError: the corners lie far outside the photograph.
    """
    edges = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    aspect = _ASPECT.get(len(text), _ASPECT[7])
    longest = max(edges[0], edges[2])
    if not longest <= 2 * max(image.shape):
        raise ImageError("the plate's corners lie outside the photograph")
    width = max(round(longest), MIN_WIDTH)
    height = max(round(width / aspect), MIN_HEIGHT)
    # Pixel centres: the corners are the outer edge of the first and the last pixel.
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    plate = cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return plate if size is None else resize(plate, size[1], size[0])


def cut_box(
    image: np.ndarray, box: tuple[int, int, int, int], size: tuple[int, int] | None
) -> np.ndarray:
    """The plate's upright box, as a detector gives it: uint8 [height, width, 3].

    Raises:
        ImageError: the box lies outside the photograph.
    """
    x1, y1, x2, y2 = (max(0, value) for value in box)
    plate = image[y1:y2, x1:x2]
    if plate.size == 0:
        raise ImageError("the plate's box lies outside the photograph")
    plate = np.ascontiguousarray(plate)
    return plate if size is None else resize(plate, size[1], size[0])


Results = Iterable["str | None"]
Progress = Callable[[Results, int], Results]


def write_plates(
    plates: Sequence[PhotographedPlate],
    output: Path,
    schema: LabelSchema,
    cut: Cut = "rectify",
    size: tuple[int, int] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> CutReport:
    """Cuts all plates into `output/<subset>/<text>.jpg` and writes label files.

    `labels.tsv` has all plates, `<split>.tsv` and `<subset>.tsv` their parts. Several pictures
    of one plate are numbered: `<text>_1.jpg`. Impossible plates, those that the
    schema cannot spell, and photographs that cannot be read are left out and counted.

    Args:
        plates: what to cut.
        output: the folder.
        schema: plates that it cannot spell are left out.
        cut: `rectify` by the corners, or the upright `box`.
        size: width, height of the cut plates; None: as in the photograph.
        workers: threads; None: one a processor.
        progress: wraps the results as they come, given their number.

    Raises:
        InputError: `output` cannot be written.
    """
    jobs = list(zip(plates, _targets(plates, output), strict=True))
    results: Results = _results(jobs, schema, cut, size, workers or os.cpu_count() or 1)
    if progress is not None:
        results = progress(results, len(jobs))
    report = CutReport()
    rows = []
    for (plate, target), reason in zip(jobs, results, strict=True):
        report.found[plate.subset] += 1
        if reason is None:
            report.written[plate.subset] += 1
            rows.append((plate, target))
        else:
            report.left_out[plate.subset][reason] += 1
    _write_label_files(rows, output, report)
    return report


def _results(
    jobs: Sequence[tuple[PhotographedPlate, Path]],
    schema: LabelSchema,
    cut: Cut,
    size: tuple[int, int] | None,
    workers: int,
) -> Iterator[str | None]:
    """Of every plate, in order, None where it was written, or why not."""

    def work(job: tuple[PhotographedPlate, Path]) -> str | None:
        return _why_not(job[0], schema) or _cut_one(*job, cut, size)

    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(jobs), _CHUNK):
            yield from pool.map(work, jobs[start : start + _CHUNK])


def _targets(plates: Iterable[PhotographedPlate], output: Path) -> Iterator[Path]:
    seen: Counter[tuple[str, str]] = Counter()
    for plate in plates:
        key = (plate.subset, plate.text)
        number = f"_{seen[key]}" if seen[key] else ""
        seen[key] += 1
        yield output / plate.subset / f"{plate.text}{number}.jpg"


def _why_not(plate: PhotographedPlate, schema: LabelSchema) -> str | None:
    try:
        encode(schema, plate.text)
    except InputError:
        return f"text not in the schema {schema.name}"
    # A missing character can leave a text that is spelt like a shorter kind's.
    return None if is_possible(plate.text, schema) else "text of no kind of plate"


def _cut_one(
    plate: PhotographedPlate, target: Path, cut: Cut, size: tuple[int, int] | None
) -> str | None:
    """Cuts and writes one plate; returns why that was not possible."""
    try:
        image = load_image(plate.path)
        if cut == "box":
            picture = cut_box(image, plate.box, size)
        else:
            picture = rectify(image, plate.corners, plate.text, size)
    except ImageError as error:
        return error.reason
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    with atomic_path(target) as temporary:
        temporary.write_bytes(data.tobytes())
    return None


def _write_label_files(
    rows: list[tuple[PhotographedPlate, Path]], output: Path, report: CutReport
) -> None:
    parts: dict[str, list[str]] = {"labels": []}
    for plate, target in rows:
        name = target.relative_to(output).as_posix()
        row = f"{name}\t{plate.text}\t{plate.colour or ''}\t{plate.rows or ''}"
        for part in dict.fromkeys(("labels", plate.split or "", plate.subset)):
            if part:
                parts.setdefault(part, []).append(row)
    for part, lines in parts.items():
        write_text(output / f"{part}.tsv", "\n".join(["file\ttext\tcolour\trows", *lines, ""]))
        report.files[f"{part}.tsv"] = len(lines)

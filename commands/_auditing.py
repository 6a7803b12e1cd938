"""What `audit` works on: labelled plates, their probabilities, and the suspicions these raise."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..dataset.ccpd_records import is_ccpd
from ..dataset.file_util import read_records
from ..dataset.records import PlateRecord
from ..errors import InputError
from ..files import write_text
from ..inference.pipeline import Pipeline
from ..plate.codec import DecodedPlate, decode, encode
from ..plate.schema import NO_PLATE, LabelSchema
from ..utils.label_lines import read_text
from ..utils.label_quality import Ranking, rank_plates
from ..utils.progress import progress

if TYPE_CHECKING:
    from ..inference.runtimes import Runtime

Probabilities = dict[str, npt.NDArray[np.float32]]
COLUMNS = ("file", "label", "suggestion", "score", "head")
BATCH = 64
_SCORE = ".4g"


@dataclass(frozen=True)
class LabelledPlates:
    """Records with their labels in the model's schema, int32 [n, heads]; what was left out."""

    schema: LabelSchema
    records: tuple[PlateRecord, ...]
    labels: npt.NDArray[np.int32]
    left_out: tuple[str, ...] = ()

    def only(self, keep: npt.NDArray[np.bool_]) -> LabelledPlates:
        """The plates for which `keep`, bool [n], is true."""
        kept = tuple(self.records[i] for i in np.flatnonzero(keep))
        return LabelledPlates(self.schema, kept, self.labels[keep], self.left_out)


@dataclass(frozen=True)
class Suspicion:
    """A label that the model contradicts; see `label_scores` for the score.

    `label` and `suggestion` are plate texts, with the colour or the rows behind where these are
    in doubt; an empty suggestion: the model sees no whole plate.
    """

    record: PlateRecord
    label: str
    suggestion: str
    score: float
    head: str
    reading: DecodedPlate


def load_plates(
    paths: Iterable[str], schema: LabelSchema, file_schema: LabelSchema | None = None
) -> LabelledPlates:
    """The labelled plates of label files or folders.

    Args:
        paths: of label files or folders.
        schema: the model's; plates that it cannot spell are left out.
        file_schema: whose class indices the files hold; None: the model's.

    Raises:
        InputError: a damaged file, or none of the plates can be spelt.
    """
    records: list[PlateRecord] = []
    labels: list[npt.NDArray[np.int32]] = []
    left_out: list[str] = []
    for path in paths:
        if is_ccpd(path):
            raise InputError(f"{path} is CCPD's photographs: cut its plates first, import-ccpd")
        found = read_records(path, file_schema or schema, skip_unencodable=True)
        left_out.extend(found.skipped)
        for record in found:
            try:
                labels.append(_labels_of(record, schema, file_schema))
            except InputError as error:
                left_out.append(f"{path}, line {record.line}: {error}")
            else:
                records.append(record)
    if not records:
        raise InputError(f"there is no plate in the data that the schema {schema.name} can spell")
    return LabelledPlates(schema, tuple(records), np.stack(labels), tuple(left_out))


def _labels_of(
    record: PlateRecord, schema: LabelSchema, file_schema: LabelSchema | None
) -> npt.NDArray[np.int32]:
    if file_schema is None or file_schema.fingerprint == schema.fingerprint:
        return record.labels
    rows = record.rows if schema.head_of("rows") is not None else None
    return encode(schema, record.text, record.colour, rows)


def read_probabilities(
    paths: Sequence[Path], runtime: Runtime, what: str = "plates"
) -> tuple[Probabilities, npt.NDArray[np.bool_]]:
    """A model's softmax outputs of every picture, and which pictures could be read.

    Returns:
        head name -> float32 [n, width], zeros for unreadable pictures; bool [n].
    """
    card = runtime.card
    heads = card.schema.heads
    outputs = {head.name: np.zeros((len(paths), head.width), np.float32) for head in heads}
    readable = np.zeros(len(paths), bool)
    start = 0
    watched = progress(paths, len(paths), what)
    pipeline = Pipeline(runtime.run, BATCH, card.height, card.width)
    for pictures, answers in pipeline.outputs(watched):
        rows = [start + i for i, picture in enumerate(pictures) if picture.pixels is not None]
        for name, values in outputs.items():
            if answers:
                values[rows] = answers[name]
        readable[rows] = True
        start += len(pictures)
    return outputs, readable


def rank(plates: LabelledPlates, probabilities: Probabilities, text_only: bool) -> Ranking:
    """Ranks the plates' labels; `text_only` leaves colours and rows of plates unjudged."""
    judged = [
        i
        for i, head in enumerate(plates.schema.heads)
        if not text_only or head.role in ("character", "length")
    ]
    names = [plates.schema.head_names[i] for i in judged]
    ranking = rank_plates(plates.labels[:, judged], [probabilities[name] for name in names])
    return Ranking(ranking.order, ranking.scores, np.array(judged)[ranking.heads])


def suspicions(
    plates: LabelledPlates, probabilities: Probabilities, ranking: Ranking, below: float
) -> list[Suspicion]:
    """The plates whose score is below `below`, the most suspicious first."""
    found = [int(i) for i in ranking.order if ranking.scores[i] < below]
    if not found:
        return []
    chosen = {name: values[found] for name, values in probabilities.items()}
    readings = decode(plates.schema, chosen)
    plain = decode(plates.schema, chosen, constrain=False)
    listed = []
    for row, i in enumerate(found):
        reading = plain[row] if readings[row].text == plates.records[i].text else readings[row]
        head = plates.schema.heads[ranking.heads[i]]
        best = head.classes[int(chosen[head.name][row].argmax())]
        record, score = plates.records[i], float(ranking.scores[i])
        label, suggestion = record.text, reading.text
        if head.role == "length" and best == NO_PLATE:
            suggestion = ""
        elif head.role in ("colour", "rows"):
            label = f"{record.text} {head.classes[plates.labels[i, ranking.heads[i]]]}"
            suggestion = f"{record.text} {best}"
        listed.append(Suspicion(record, label, suggestion, score, head.name, reading))
    return listed


def write_suspicions(found: Iterable[Suspicion], file: Path) -> None:
    """Writes the TSV that a person reviews and `--reviewed` takes."""
    rows = [
        (str(each.record.path), each.label, each.suggestion, f"{each.score:{_SCORE}}", each.head)
        for each in found
    ]
    write_text(file, "".join("\t".join(row) + "\n" for row in (COLUMNS, *rows)))


def read_reviewed(file: str | Path) -> set[tuple[Path, str]]:
    """(picture, plate text) of every row of a reviewed TSV; its order and other columns are free.

    Raises:
        InputError: it cannot be read or lacks the columns `file` and `label`.
    """
    lines = read_text(Path(file)).splitlines()
    table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    if not {"file", "label"} <= set(table.fieldnames or ()):
        raise InputError(f"{file}: a table with the columns file and label is wanted")
    return {picture_key(row["file"], row["label"] or "") for row in table}


def picture_key(path: str | Path, label: str) -> tuple[Path, str]:
    """What tells a labelled picture apart: where it lies, and its text without colour or rows."""
    return Path(path).resolve(), label.partition(" ")[0]


def merged(
    parts: Sequence[Mapping[str, np.ndarray]], places: Sequence[np.ndarray]
) -> Probabilities:
    """The outputs of several models as one, `places[k]` naming the plates of `parts[k]`."""
    count = sum(len(numbers) for numbers in places)
    outputs = {}
    for name, first in parts[0].items():
        values = np.zeros((count, first.shape[1]), np.float32)
        for part, numbers in zip(parts, places, strict=True):
            values[numbers] = part[name]
        outputs[name] = values
    return outputs

"""From readings and truths to the figures of `test`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from ..plate.grammar import kind_of
from ..plate.provinces import PROVINCES
from ..plate.schema import LabelSchema
from . import scores

PRECISIONS = (0.99, 0.995, 0.999)
OTHER = "other"  # plates that begin with no province, or are of no kind of the schema


class Truth(Protocol):
    """What is known of a picture; `PlateRecord` is one. An empty text: no plate to read."""

    @property
    def text(self) -> str: ...
    @property
    def colour(self) -> str | None: ...
    @property
    def rows(self) -> int | None: ...


class Read(Protocol):
    """What was read; `chepai.inference.reading.Reading` is one."""

    @property
    def text(self) -> str: ...
    @property
    def confidence(self) -> float: ...
    @property
    def colour(self) -> str | None: ...
    @property
    def rows(self) -> int | None: ...
    @property
    def error(self) -> str | None: ...


Pair = tuple[Truth, Read]


@dataclass(frozen=True)
class Accuracy:
    """`correct` of `plates`, their share and its 95 % Wilson interval; shares None of nothing."""

    plates: int
    correct: int
    accuracy: float | None
    interval: tuple[float, float]

    @classmethod
    def of(cls, results: Iterable[bool]) -> Accuracy:
        """Of single rights and wrongs.

        >>> Accuracy.of([True, True, False, True]).accuracy
        0.75
        """
        listed = list(results)
        total, right = len(listed), sum(listed)
        return cls(total, right, scores.share(right, total), scores.wilson_interval(right, total))


@dataclass(frozen=True)
class Evaluation:
    """How well a model reads labelled plates; shares from 0 to 1, None where there is nothing.

    Attributes:
        name: of the data set.
        model: which model read.
        seconds: of reading, pictures' decoding included.
        min_confidence: the threshold of `coverage`, `precision` and `reject_refused`.
        plates: plates that were read and counted; every share but `reject_refused` is of them.
        left_out: plates that the schema cannot spell or whose truth is uncertain.
        unreadable: plates whose picture could not be opened; they count as wrong.
        plate: every character right; `without_province` forgives the province.
        char_accuracy: of characters, aligned by the fewest edits.
        coverage, precision: the share accepted, and how many of these are right.
        coverage_at_precision: the largest share that some threshold accepts so precisely.
        curve: (threshold, coverage, precision) at every confidence, the highest first.
        per_province, per_length, per_kind: name to accuracy.
        macro_province_accuracy: the mean over provinces, rare ones counting like frequent ones.
        colour, rows: of the plates whose colour or rows are known.
        confusions: (truth, read, count), most frequent first; "" for none.
        reject: pictures without a plate to read; right where they were refused.
    """

    name: str
    model: str
    seconds: float
    min_confidence: float
    plates: int
    left_out: int
    unreadable: int
    plate: Accuracy
    without_province: Accuracy
    char_accuracy: float | None
    coverage: float | None
    precision: float | None
    coverage_at_precision: dict[str, float | None]
    per_province: dict[str, Accuracy]
    macro_province_accuracy: float | None
    per_length: dict[str, Accuracy]
    per_kind: dict[str, Accuracy]
    colour: Accuracy
    rows: Accuracy
    confusions: list[tuple[str, str, int]]
    reject: Accuracy
    curve: list[tuple[float, float, float]] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The values of `test --json`, under the names that users' programs depend on."""
        return {
            "name": self.name,
            "model": self.model,
            "plates": self.plates,
            "left_out": self.left_out,
            "unreadable": self.unreadable,
            "plate_accuracy": self.plate.accuracy,
            "plate_accuracy_interval": list(self.plate.interval),
            "char_accuracy": self.char_accuracy,
            "accuracy_without_province": self.without_province.accuracy,
            "accuracy_without_province_interval": list(self.without_province.interval),
            "min_confidence": self.min_confidence,
            "coverage": self.coverage,
            "precision": self.precision,
            "coverage_at_precision": self.coverage_at_precision,
            "per_province": _plain(self.per_province),
            "macro_province_accuracy": self.macro_province_accuracy,
            "per_length": _plain(self.per_length),
            "per_kind": _plain(self.per_kind),
            "colour_accuracy": self.colour.accuracy,
            "colour_known": self.colour.plates,
            "rows_accuracy": self.rows.accuracy,
            "rows_known": self.rows.plates,
            "confusions": [
                {"truth": truth, "read": read, "count": count}
                for truth, read, count in self.confusions
            ],
            "rejects": self.reject.plates,
            "reject_refused": self.reject.accuracy,
            "seconds": self.seconds,
        }


def evaluate_readings(
    truths: Sequence[Truth],
    readings: Sequence[Read],
    min_confidence: float,
    schema: LabelSchema,
    *,
    name: str = "",
    model: str = "",
    seconds: float = 0.0,
    left_out: int = 0,
) -> Evaluation:
    """The figures of `readings`, which answer `truths` one by one.

    Args:
        truths: texts as printed, normalised; an empty one stands for no readable plate.
        readings: as many, in the same order; unreadable pictures with `error` set.
        min_confidence: what a confidence must reach to be accepted, 0 to 1.
        schema: whose kinds `per_kind` tells apart.
        name, model, seconds, left_out: kept for the report.

    Raises:
        ValueError: the numbers of truths and readings differ.
    """
    pairs = list(zip(truths, readings, strict=True))
    plates = [(truth, read) for truth, read in pairs if truth.text]
    return Evaluation(
        name=name,
        model=model,
        seconds=seconds,
        min_confidence=min_confidence,
        left_out=left_out,
        **_texts(plates),
        **_threshold(plates, min_confidence),
        **_groups(plates, schema),
        reject=Accuracy.of(
            read.error is not None or read.confidence < min_confidence
            for truth, read in pairs
            if not truth.text
        ),
    )


def _texts(plates: Sequence[Pair]) -> dict[str, Any]:
    """What was read, whatever its confidence."""
    texts = [(truth.text, read.text) for truth, read in plates]
    readable = _readable(plates)
    return {
        "plates": len(plates),
        "unreadable": len(plates) - len(readable),
        "plate": Accuracy.of(truth == read for truth, read in texts),
        "without_province": Accuracy.of(scores.same_without_province(*pair) for pair in texts),
        "char_accuracy": scores.char_accuracy(texts),
        "colour": Accuracy.of(t.colour == r.colour for t, r in readable if t.colour is not None),
        "rows": Accuracy.of(t.rows == r.rows for t, r in readable if t.rows is not None),
        "confusions": scores.confusions((t.text, r.text) for t, r in readable),
    }


def _threshold(plates: Sequence[Pair], min_confidence: float) -> dict[str, Any]:
    """What confidences are worth: at `min_confidence`, at the wanted precisions, at all."""
    readable = _readable(plates)
    accepted = [(t, r) for t, r in readable if r.confidence >= min_confidence]
    curve = scores.precision_curve(
        [read.confidence for _, read in readable],
        [truth.text == read.text for truth, read in readable],
    )
    return {
        "coverage": scores.share(len(accepted), len(plates)),
        "precision": Accuracy.of(t.text == r.text for t, r in accepted).accuracy,
        "coverage_at_precision": {
            str(wanted): scores.share(scores.most_accepted(curve, wanted), len(plates))
            for wanted in PRECISIONS
        },
        "curve": [(threshold, count / len(plates), right) for threshold, count, right in curve],
    }


def _groups(plates: Sequence[Pair], schema: LabelSchema) -> dict[str, Any]:
    """Accuracies of plates that have something in common."""
    provinces = _grouped(plates, lambda truth: _province(truth.text))
    return {
        "per_province": provinces,
        "macro_province_accuracy": _macro(provinces),
        "per_length": _grouped(plates, lambda truth: str(len(truth.text))),
        "per_kind": _grouped(plates, lambda truth: _kind(truth, schema)),
    }


def _readable(plates: Sequence[Pair]) -> list[Pair]:
    return [(truth, read) for truth, read in plates if read.error is None]


def _grouped(plates: Iterable[Pair], name_of: Callable[[Truth], str]) -> dict[str, Accuracy]:
    groups: dict[str, list[bool]] = {}
    for truth, read in plates:
        groups.setdefault(name_of(truth), []).append(truth.text == read.text)
    return {name: Accuracy.of(groups[name]) for name in sorted(groups)}


def _province(text: str) -> str:
    return text[0] if text[0] in PROVINCES else OTHER


def _kind(truth: Truth, schema: LabelSchema) -> str:
    # A colour or number of rows that contradicts the text must not hide the text's kind.
    kind = kind_of(truth.text, schema, truth.colour, truth.rows) or kind_of(truth.text, schema)
    return kind.name if kind else OTHER


def _macro(provinces: dict[str, Accuracy]) -> float | None:
    """The mean of the provinces' accuracies, what begins with no province left aside."""
    shares = [group.accuracy for name, group in provinces.items() if name != OTHER]
    known = [value for value in shares if value is not None]
    return sum(known) / len(known) if known else None


def _plain(groups: dict[str, Accuracy]) -> dict[str, Any]:
    return {
        name: asdict(group) | {"interval": list(group.interval)} for name, group in groups.items()
    }

"""The figures of `test` as a page of Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .evaluation import PRECISIONS, Accuracy, Evaluation

MOST_CONFUSIONS = 20


def markdown_report(evaluations: Sequence[Evaluation], combined: Evaluation | None = None) -> str:
    """The whole page: one row a data set and a combined one, then the combined one's details.

    Args:
        evaluations: one a data set, at least one.
        combined: over all of them; None where there is only one.
    """
    whole = combined or evaluations[0]
    parts = [
        f"# Reading accuracy of {whole.model}",
        summary_table([*evaluations, *([combined] if combined else [])]),
        _notes(whole),
        group_table("kind", whole.per_kind),
        group_table("province", whole.per_province),
        group_table("length", whole.per_length),
        confusion_table(whole.confusions),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary_table(evaluations: Iterable[Evaluation]) -> str:
    """One row an evaluation: accuracies, and what the confidence can tell apart."""
    header = [
        "data set", "plates", "plate accuracy", "without province", "characters",
        "accepted", "of these right",
        *(f"acceptable at {wanted:.1%}" for wanted in PRECISIONS),
        "left out", "refused rejects",
    ]  # fmt: skip
    return _table(header, [_summary_row(evaluation) for evaluation in evaluations])


def group_table(title: str, groups: Mapping[str, Accuracy]) -> str:
    """One row a group, the worst first; empty where there are no groups."""
    ordered = sorted(groups.items(), key=lambda item: (item[1].accuracy or 0.0, item[0]))
    rows = [[name, str(group.plates), _interval(group)] for name, group in ordered]
    return _table([title, "plates", "plate accuracy"], rows) if rows else ""


def confusion_table(confusions: Sequence[tuple[str, str, int]]) -> str:
    """The most frequent misreadings of characters; empty where there are none."""
    rows = [
        [truth or "(none)", read or "(none)", str(count)]
        for truth, read, count in confusions[:MOST_CONFUSIONS]
    ]
    return _table(["printed", "read", "times"], rows) if rows else ""


def percent(value: float | None) -> str:
    """A share for people; a dash for None.

    >>> percent(0.98765), percent(None)
    ('98.77 %', '–')
    """
    return "–" if value is None else f"{100 * value:.2f} %"


def _summary_row(evaluation: Evaluation) -> list[str]:
    return [
        evaluation.name,
        str(evaluation.plates),
        _interval(evaluation.plate),
        percent(evaluation.without_province.accuracy),
        percent(evaluation.char_accuracy),
        percent(evaluation.coverage),
        percent(evaluation.precision),
        *(percent(evaluation.coverage_at_precision[str(wanted)]) for wanted in PRECISIONS),
        str(evaluation.left_out),
        percent(evaluation.reject.accuracy),
    ]


def _interval(group: Accuracy) -> str:
    low, high = group.interval
    if group.accuracy is None:
        return percent(None)
    return f"{percent(group.accuracy)} ({100 * low:.2f} to {100 * high:.2f})"


def _notes(whole: Evaluation) -> str:
    lines = [
        f"A reading is accepted from confidence {whole.min_confidence:g}. In brackets: 95 % Wilson "
        "intervals, %. Left out: plates that the model's schema cannot spell.",
        f"Mean over the provinces: {percent(whole.macro_province_accuracy)}. "
        f"Colour: {percent(whole.colour.accuracy)} of {whole.colour.plates} known; "
        f"rows: {percent(whole.rows.accuracy)} of {whole.rows.plates} known.",
    ]
    if whole.unreadable:
        lines.append(f"{whole.unreadable} pictures could not be opened; they count as wrong.")
    return "\n\n".join(lines)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

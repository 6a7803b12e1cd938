"""What `calibrate` says: a table of the heads, and sentences."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..training.calibration import expected_calibration_error
from ..training.precision_bound import plates_for

if TYPE_CHECKING:
    from ..training.calibrating import HeadFit, Promise, Verdict


def head_table(heads: tuple[HeadFit, ...]) -> str:
    """One row a head; the losses are of plates that the temperatures were not fitted to."""
    lines = [
        "| head | labels | temperature | loss before | after |",
        "| --- | --- | --- | --- | --- |",
    ]
    for head in heads:
        losses = " | ".join(
            "–" if loss is None else f"{loss:.4f}" for loss in (head.before, head.after)
        )
        lines.append(f"| {head.name} | {head.labels} | {head.temperature:.3f} | {losses} |")
    return "\n".join(lines)


def errors_sentence(verdict: Verdict) -> str:
    """How far confidences are from the truth, before and after the temperatures."""
    characters, readings = (
        [f"{expected_calibration_error(bins):.2%}" for bins in both]
        for both in (verdict.characters, verdict.readings)
    )
    return (
        f"expected calibration error, as trained and calibrated: of characters {characters[0]} "
        f"and {characters[1]}, of whole plates {readings[0]} and {readings[1]}"
    )


def outcome(verdict: Verdict, promise: Promise) -> str:
    """Which threshold keeps the promise, or what is missing."""
    wanted = f"{promise.precision:.1%} right at {promise.certainty:.0%} certainty"
    if verdict.found is not None:
        found = verdict.found
        return (
            f"{wanted}: confidence {found.threshold:.6f} accepts {verdict.coverage:.1%} of the "
            f"plates; {found.wrong} of {found.accepted} accepted readings are wrong, so at least "
            f"{found.precision_bound:.3%} are right"
        )
    return f"no threshold is proven: {_lack(verdict, promise, wanted)}; nothing was stored"


def _lack(verdict: Verdict, promise: Promise, wanted: str) -> str:
    least = plates_for(0, promise.precision, promise.certainty)
    if not verdict.tests:
        reason = (
            f"{wanted} takes {least:,} accepted plates without an error, and of this set "
            f"{verdict.tested:,} are there to be tested"
        )
    else:
        first = verdict.tests[0]
        reason = (
            f"of the {first.accepted:,} surest readings {first.wrong} are wrong, and {wanted} "
            f"allows {_allowed(first.accepted, promise)}"
        )
    if verdict.wanted is None:
        return f"{reason}; more plates will not help, but a lower --precision or a better model may"
    if verdict.wanted == 0:
        return f"{reason}; with more or other plates it may be"
    return f"{reason}; about {verdict.wanted:,} more plates are needed, read as well as these"


def _allowed(accepted: int, promise: Promise) -> str:
    wrong = 0
    while plates_for(wrong + 1, promise.precision, promise.certainty) <= accepted:
        wrong += 1
    return str(wrong) if wrong else "none"


def figures(verdict: Verdict, promise: Promise, model: str, seed: int) -> dict[str, Any]:
    """Everything that was found, as plain values for JSON."""
    errors = {
        name: [expected_calibration_error(bins) for bins in both]
        for name, both in (("characters", verdict.characters), ("plates", verdict.readings))
    }
    found = verdict.found
    return {
        "model": model,
        **asdict(promise),
        "seed": seed,
        "min_confidence": None if found is None else found.threshold,
        "coverage": verdict.coverage,
        "fitted": verdict.fitted,
        "tested": verdict.tested,
        "more_plates_wanted": verdict.wanted,
        "temperatures": {head.name: head.temperature for head in verdict.heads},
        "expected_calibration_error": errors,
        "heads": [asdict(head) for head in verdict.heads],
        "tests": [asdict(test) for test in verdict.tests],
    }

"""What slimming did to a network, as values for JSON and as a page for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

BEFORE, PRUNED, TUNED = "before", "pruned", "fine-tuned"


@dataclass(frozen=True)
class Pair:
    """A figure of the network before and after."""

    before: float
    after: float

    @property
    def removed(self) -> float:
        """The share that has gone."""
        return 1 - self.after / self.before if self.before else 0.0


@dataclass(frozen=True)
class SlimmingRecord:
    """What was removed.

    Attributes:
        model: the file that was slimmed.
        asked: `channels` or `macs`.
        share: of these, to be removed.
        threshold: no channel that only has gammas above it went.
        difference: of a probability, between the slimmed network and the one whose channels are
            silenced; the largest.
        channels, parameters, macs: in all. Channels are those of batch normalisations.
        layers: channels that each layer puts out.
    """

    model: str
    asked: str
    share: float
    threshold: float
    difference: float
    channels: Pair
    parameters: Pair
    macs: Pair
    layers: dict[str, Pair] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `from_dict` reads them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SlimmingRecord:
        """What `to_dict` gave; keys beside its own are left out."""
        own = {key: values[key] for key in cls.__dataclass_fields__}
        pairs = {key: Pair(**own[key]) for key in ("channels", "parameters", "macs")}
        layers = {name: Pair(**pair) for name, pair in own["layers"].items()}
        return cls(**own | pairs | {"layers": layers})


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one picture in ONNX Runtime, medians measured in turn."""

    milliseconds: Pair
    threads: int
    rounds: int


@dataclass(frozen=True)
class Accuracy:
    """How many plates of a set each network reads, and where the last one differs.

    Attributes:
        name: of the set.
        plates: how many.
        right: plates that were read without an error, by network.
        lost: plates that the first network reads and the last does not; `gained` the reverse.
    """

    name: str
    plates: int
    right: dict[str, int]
    lost: int
    gained: int


def markdown_report(
    record: SlimmingRecord, latency: Latency | None, accuracies: list[Accuracy]
) -> str:
    """The whole page."""
    parts = [
        f"# {record.model}, slimmed",
        f"{record.share:.0%} of the {_ASKED[record.asked]} were to go: channels whose gammas are "
        f"at most {record.threshold:.3g}. The slimmed network's probabilities differ by at most "
        f"{record.difference:.1e} from those of the network whose channels are silenced.",
        _totals(record, latency),
    ]
    if latency is not None:
        parts.append(
            f"Latency: median of {latency.rounds} runs in turn, one picture, {latency.threads} "
            "thread(s) of ONNX Runtime."
        )
    if accuracies:
        parts += ["## Plates read without an error", *map(_accuracy, accuracies)]
    parts += ["## Channels", _layers(record)]
    return "\n\n".join(parts) + "\n"


_ASKED = {"channels": "channels", "macs": "multiplications"}


def _totals(record: SlimmingRecord, latency: Latency | None) -> str:
    rows = [
        ("channels", record.channels, "{:,.0f}"),
        ("parameters", record.parameters, "{:,.0f}"),
        ("multiply-adds", record.macs, "{:,.0f}"),
    ]
    if latency is not None:
        rows.append(("latency, ms", latency.milliseconds, "{:.2f}"))
    lines = ["| | before | after | removed |", "|---|--:|--:|--:|"]
    for name, pair, form in rows:
        before, after = form.format(pair.before), form.format(pair.after)
        lines.append(f"| {name} | {before} | {after} | {pair.removed:.1%} |")
    return "\n".join(lines)


def _accuracy(accuracy: Accuracy) -> str:
    lines = [f"{accuracy.name}, {accuracy.plates:,} plates:", ""]
    lines += ["| network | right | accuracy |", "|---|--:|--:|"]
    for name, right in accuracy.right.items():
        lines.append(f"| {name} | {right:,} | {right / accuracy.plates:.2%} |")
    last = list(accuracy.right)[-1]
    lines += ["", f"{last}: {accuracy.lost} plates lost and {accuracy.gained} gained."]
    return "\n".join(lines)


def _layers(record: SlimmingRecord) -> str:
    lines = ["| layer | before | after |", "|---|--:|--:|"]
    lines += [f"| {name} | {p.before:g} | {p.after:g} |" for name, p in record.layers.items()]
    return "\n".join(lines)

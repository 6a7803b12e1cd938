"""How many planted wrong labels `audit` ranks first.

Run from the repository's root:
`python benchmarks/wrong_labels.py --data PATH [--data PATH …] [--model NAME] [--json FILE]`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from chepai.commands._auditing import LabelledPlates, load_plates, rank, read_probabilities
from chepai.dataset.wrong_labels import plant_wrong_labels
from chepai.inference.pretrained import model_path
from chepai.inference.runtimes import open_runtime
from chepai.utils.label_quality import SUSPICIOUS

TARGET = 0.9


@dataclass(frozen=True)
class Found:
    """What one planting gave; shares from 0 to 1.

    Attributes:
        own: labels that are suspicious before anything is planted: wrong ones, and misreadings.
        among_first: the share of the planted ones among the first plates of the ranking.
        suspicious, right: how many are suspicious in all, and the share of them that is planted.
    """

    data: str
    seed: int
    plates: int
    own: int
    planted: int
    among_first: float
    suspicious: int
    right: float


def main() -> int:
    """Prints one row a data set and seed; 1 where fewer than nine in ten come first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", required=True, metavar="PATH")
    parser.add_argument("--model", default="default", help="a shipped model's name or a file")
    parser.add_argument("--threads", type=int, metavar="N")
    parser.add_argument("--share", type=float, default=0.05, help="of the labels made wrong")
    parser.add_argument("--first", type=float, default=0.08, help="of the ranking looked at")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--heads", choices=("all", "text"), default="text")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    args = parser.parse_args()
    runtime = open_runtime(model_path(args.model), None, args.threads)
    rows = []
    for path in args.data:
        plates = load_plates([path], runtime.card.schema)
        outputs, readable = read_probabilities([each.path for each in plates.records], runtime)
        plates = plates.only(readable)
        outputs = {name: values[readable] for name, values in outputs.items()}
        rows += [measure(Path(path).name, plates, outputs, seed, args) for seed in args.seeds]
    print_table(rows, args.first)
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return int(any(row.among_first < TARGET for row in rows))


def measure(
    name: str,
    plates: LabelledPlates,
    outputs: dict[str, np.ndarray],
    seed: int,
    args: argparse.Namespace,
) -> Found:
    """Plants, ranks and counts."""
    text_only = args.heads == "text"
    own = int((rank(plates, outputs, text_only).scores < SUSPICIOUS).sum())
    wrong, planted = plant_wrong_labels(plates.labels, plates.schema, args.share, seed)
    changed = LabelledPlates(plates.schema, plates.records, wrong)
    ranking = rank(changed, outputs, text_only)
    first = ranking.order[: int(args.first * len(ranking.order))]
    suspicious = np.flatnonzero(ranking.scores < SUSPICIOUS)
    return Found(
        name,
        seed,
        len(wrong),
        own,
        len(planted),
        float(np.isin(planted, first).mean()),
        len(suspicious),
        float(np.isin(suspicious, planted).mean()),
    )


def print_table(rows: list[Found], first: float) -> None:
    """A Markdown table."""
    print(f"| data | seed | plates | planted | among the first {first:.0%} | suspicious | "
          "planted of these | suspicious before |\n" + "|---" * 8 + "|")  # fmt: skip
    for row in rows:
        print(f"| {row.data} | {row.seed} | {row.plates} | {row.planted} | {row.among_first:.1%} "
              f"| {row.suspicious} | {row.right:.1%} | {row.own} |")  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())

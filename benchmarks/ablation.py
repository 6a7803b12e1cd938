"""What each of the author's choices is worth: the same training, one thing changed a row.

Run from the repository's root, in the background; interrupt it as often as you like, the same
command goes on where it stopped:

    python benchmarks/ablation.py --check PATH/check --check PATH/check_ccpd
    python benchmarks/ablation.py --table          # docs/ablation.md from what has been run
    python benchmarks/ablation.py --estimate       # hours that all of it would take here
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from ablation_results import Budget, Results, page
from ablation_rows import ROWS, Row, row_names
from chepai.errors import InputError
from child_trainings import Child, one_at_a_time, run_children

ROOT = Path(__file__).resolve().parents[1]


def arguments() -> argparse.Namespace:
    """The command line."""
    usual = Budget()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=row_names(), help="none: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[800, 801])
    parser.add_argument("--plates", type=int, default=usual.plates, help="to train on")
    parser.add_argument("--wrong", type=float, default=usual.wrong, help="share of wrong labels")
    parser.add_argument("--epochs", type=int, default=usual.epochs)
    parser.add_argument("--glyphs", metavar="DIR", help="glyph pictures; none: open fonts")
    parser.add_argument("--parking", type=int, default=2000, help="plates of eval-v1/parking")
    parser.add_argument(
        "--check", action="append", default=[], metavar="PATH", help="labelled plates (repeatable)"
    )
    parser.add_argument("--work", type=Path, default=Path("runs/ablation"), metavar="DIR")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "ablation.jsonl")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "ablation.md")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="trainings at a time")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of each training")
    parser.add_argument(
        "--workers", type=int, default=0, help="processes that read for each training; 0: its own"
    )
    parser.add_argument("--table", action="store_true", help="only write the page")
    parser.add_argument("--estimate", action="store_true", help="only measure what it would cost")
    parser.add_argument("--one", nargs=2, metavar=("ROW", "SEED"), help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """0; 1 where a training failed; 2 for bad input; 130 after Ctrl-C."""
    try:
        return work(arguments())
    except InputError as error:
        print(f"ablation: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on")
        return 130


def work(args: argparse.Namespace) -> int:
    """Does what the command line asks for."""
    budget = Budget(args.plates, args.wrong, args.epochs, args.glyphs is not None)
    if args.table:
        args.page.write_text(page(Results(args.results, budget), budget, ROWS, args.seeds), "utf-8")
        print(args.page)
        return 0
    if args.estimate:
        from ablation_training import print_estimate

        print_estimate(budget, args)
        return 0
    if args.one:
        from ablation_training import train_and_measure

        row = next(row for row in ROWS if row.name == args.one[0])
        return train_and_measure(row, int(args.one[1]), budget, args)
    with one_at_a_time(args.work) as lock:
        return run_all(args, budget, lock)


def run_all(args: argparse.Namespace, budget: Budget, lock: int) -> int:
    """Every training that is missing, or whose figures are; the exit status."""
    from ablation_training import prepare

    sets = prepare(budget, args)
    results = Results(args.results, budget)
    missing = []
    for row, seed in planned(args):
        known = results.find(row.name, seed)
        if known is None or not set(sets) <= set(known["sets"]):
            name = f"{row.name}, seed {seed}: {row.title}"
            missing.append(Child(name, (row.name, str(seed))))
    return run_children(missing, args.jobs, lock)


def planned(args: argparse.Namespace) -> Iterator[tuple[Row, int]]:
    """All rows with the first seed, then with the next: an early table has every row."""
    for seed in args.seeds:
        for row in ROWS:
            if args.rows is None or row.name in args.rows:
                yield row, seed


if __name__ == "__main__":
    raise SystemExit(main())

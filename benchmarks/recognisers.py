"""All recognisers at one budget: the same number of rendered plates, then the same measurements.

Run from the repository's root, in the background; interrupt it as often as you like, the same
command goes on where it stopped:

    python benchmarks/recognisers.py --check PATH/check --check PATH/check_ccpd
    python benchmarks/recognisers.py --latency     # all of them in turn, trained or not
    python benchmarks/recognisers.py --table       # docs/recognisers.md from what has been run
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chepai.errors import InputError
from child_trainings import Child, one_at_a_time, run_children
from recogniser_configs import PRESETS
from recogniser_plates import drawing
from recogniser_results import Budget, Results, write_table
from recogniser_training import measure_latency, prepare, train_and_measure

ROOT = Path(__file__).resolve().parents[1]


def arguments() -> argparse.Namespace:
    """The command line."""
    usual = Budget()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--plates", type=int, default=usual.plates, help="in one epoch")
    parser.add_argument("--epochs", type=int, default=usual.epochs)
    parser.add_argument(
        "--drawn",
        type=int,
        default=usual.drawn,
        metavar="N",
        help="draw the plates of N epochs once, for all trainings, which see them again after N; "
        "0: each draws its own, all fresh",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="over every preset's configuration (repeatable)",
    )
    parser.add_argument("--glyphs", metavar="DIR", help="glyph pictures; none: open fonts")
    parser.add_argument("--backgrounds", metavar="DIR", help="scene pictures; none: drawn")
    parser.add_argument("--count", type=int, default=2000, help="plates of eval-v1/gate, parking")
    parser.add_argument(
        "--check", action="append", default=[], metavar="PATH", help="labelled plates (repeatable)"
    )
    parser.add_argument("--work", type=Path, default=Path("runs/recognisers"), metavar="DIR")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "recognisers.jsonl")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "recognisers.md")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="trainings at a time")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of each training")
    parser.add_argument("--workers", type=int, default=1, help="processes that render")
    parser.add_argument("--latency", action="store_true", help="only measure times")
    parser.add_argument("--rounds", type=int, default=200, help="of measuring times")
    parser.add_argument("--table", action="store_true", help="only write the table")
    parser.add_argument("--one", metavar="PRESET", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """0; 1 where a training failed; 2 for bad input; 130 after Ctrl-C."""
    try:
        return work(arguments())
    except InputError as error:
        print(f"recognisers: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on")
        return 130


def work(args: argparse.Namespace) -> int:
    """Does what the command line asks for."""
    drawn = args.drawn if args.drawn < args.epochs else 0
    glyphs = args.glyphs is not None
    budget = Budget(args.plates, args.epochs, glyphs, drawn, tuple(args.settings))
    results = Results(args.results, budget)
    if args.table:
        write_table(args.page, results, PRESETS)
        print(args.page)
        return 0
    if args.one:
        return train_and_measure(args.one, results, args)
    with one_at_a_time(args.work) as lock:
        if args.latency:
            measure_latency(results, args)
            return 0
        return run_all(results, args, lock)


def run_all(results: Results, args: argparse.Namespace, lock: int) -> int:
    """Every training that is missing, or whose figures are; the exit status."""
    sets = prepare(args)
    missing = []
    for preset in args.presets:
        known = results.find(preset)
        if known is None or not set(sets) <= set(known["sets"]):
            missing.append(Child(preset, (preset,)))
    with drawing(args):
        return run_children(missing, args.jobs, lock)


if __name__ == "__main__":
    raise SystemExit(main())

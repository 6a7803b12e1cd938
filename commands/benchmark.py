"""Mode `benchmark`: how fast models read on this machine, side by side."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._numbers import positive

if TYPE_CHECKING:
    from ..inference.timing_process import Contender, Worker
    from ._benchmarking import Measured

HELP = "measure the speed of models and runtimes here"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "--model",
        action="append",
        help="a shipped model's name, or the path of a model's file (repeatable; the others are "
        "compared with the first); none: default",
    )
    parser.add_argument(
        "--runtime",
        action="append",
        help="runs every model that it can (repeatable); none: the one of each file's suffix",
    )
    parser.add_argument(
        "--provider",
        action="append",
        help="what computes for ONNX Runtime, as of `predict` (repeatable); none: cpu",
    )
    parser.add_argument(
        "--threads",
        action="append",
        type=_threads,
        metavar="N|all",
        help="processor threads (repeatable); none: 1, and all",
    )
    parser.add_argument(
        "--data",
        metavar="PATH",
        action="append",
        default=[],
        help="labelled plates to read, as of `test` (repeatable): accuracy stands beside speed; "
        "none: the package's own sample plates, without accuracy",
    )
    parser.add_argument(
        "--seconds", type=positive, default=60.0, help="to measure for, in all, loading apart"
    )
    parser.add_argument(
        "--json", metavar="PATH", help="write every figure as JSON; - is standard output"
    )
    parser.add_argument(
        "--plot", metavar="FILE.png", help="draw accuracy against latency (with --data)"
    )


def run(args: argparse.Namespace) -> int:
    """Measures, prints the table, and writes what was asked for."""
    from ..errors import InputError
    from ..files import check_place
    from ..inference.machine import describe_machine
    from ._benchmarking import benchmark_table, to_json

    if args.plot and not args.data:
        raise InputError("--plot draws accuracy, which needs labelled plates: give --data")
    for path in (args.json, args.plot):
        if path and path != "-":
            check_place(path)
    if args.plot:
        if not args.plot.lower().endswith(".png"):
            raise InputError(f"--plot ends in .png; received {args.plot}")
        # It draws the plot: that it is missing is told before the work begins.
        import_module("matplotlib")
    machine = describe_machine()
    measured, pictures = _measure(args)
    if args.json != "-":
        print(benchmark_table(measured, machine, pictures))
    if args.json:
        values = to_json(measured) | {"machine": machine, "pictures": pictures}
        _write_json(args.json, values | {"seconds": args.seconds})
    if args.plot:
        _plot(measured, args.plot)
    return 0


def _measure(args: argparse.Namespace) -> tuple[list[Measured], int]:
    """The figures of every contender that can be run, and of how many pictures they are."""
    from ..inference.benchmarking import measure
    from ..utils.progress import progress
    from ._benchmarking import Measured, accuracy_of, labelled_sets, speed_pictures

    with ExitStack() as stack:
        workers = _open_workers(_contenders(args), stack)
        sets = labelled_sets(args.data, workers[0].schema)
        pictures = speed_pictures(sets)
        for worker in workers:
            worker.prepare(pictures)
        *_, figures = progress(measure(workers, args.seconds), None, "rounds")
        measured = [
            Measured(worker.contender, found, accuracy_of(worker, sets))
            for worker, found in zip(workers, figures, strict=True)
        ]
    return measured, len(pictures)


def _contenders(args: argparse.Namespace) -> list[Contender]:
    """Every model, runtime and provider on every number of threads; these stand together."""
    from ..inference.pipeline import processors
    from ..inference.timing_process import Contender

    threads = args.threads or (["all"] if processors() == 1 else [1, "all"])
    return [
        Contender(model, runtime, None if number == "all" else number, provider)
        for number in dict.fromkeys(threads)
        for model in dict.fromkeys(args.model or ["default"])
        for runtime in dict.fromkeys(args.runtime or [None])
        for provider in dict.fromkeys(args.provider or [None])
    ]


def _open_workers(contenders: Sequence[Contender], stack: ExitStack) -> list[Worker]:
    """Those contenders that can be loaded; the others are told.

    Raises:
        InputError: none can be.
    """
    from ..errors import InputError
    from ..inference.timing_process import Worker

    workers = []
    told: set[str] = set()
    for contender in contenders:
        try:
            workers.append(stack.enter_context(Worker(contender)))
        except InputError as error:
            if len(contenders) == 1:
                raise
            sentence = f"{contender.model} on {contender.engine or 'its own runtime'}: {error}"
            if sentence not in told:
                print(f"left out: {sentence}", file=sys.stderr)
            told.add(sentence)
    if not workers:
        raise InputError("none of these models can be run by any of these runtimes")
    return workers


def _write_json(path: str, values: dict[str, Any]) -> None:
    from ..files import write_text

    text = json.dumps(values, ensure_ascii=False, indent=2)
    if path == "-":
        print(text)
    else:
        write_text(path, text + "\n")


def _plot(measured: Sequence[Measured], path: str) -> None:
    from ..utils.benchmark_plot import Point, plot_accuracy_latency

    points = []
    for one in measured:
        assert one.accuracy is not None  # a plot was refused without labelled plates
        middle, slow = one.figures.latency("end_to_end")
        points.append(
            Point(
                one.label,
                1e3 * middle,
                1e3 * slow,
                one.accuracy.accuracy or 0.0,
                one.accuracy.interval,
            )
        )
    plot_accuracy_latency(points, path)


def _threads(text: str) -> int | str:
    if text == "all":
        return text
    if text.isdigit() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"a whole number of at least 1 or all, not {text!r}")

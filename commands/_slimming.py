"""What `prune` does between its options and its report: slimming, proving, measuring, reading."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..files import atomic_path, write_text
from ..inference.reader import Reader
from ..inference.runtimes import open_runtime
from ..plate.schema import LabelSchema
from ..training.run_folder import RunFolder
from ..training.slimming.report import (
    BEFORE,
    PRUNED,
    TUNED,
    Accuracy,
    Latency,
    Pair,
    SlimmingRecord,
    markdown_report,
)
from ._after_training import GENERATED
from ._evaluating import LabelledSet, load_set, read_set
from ._other_mode import run_mode

if TYPE_CHECKING:
    from ..training.slimming.channels import ChannelGraph, Kept

SET, SCENE = "eval-v1", "parking"
ROUNDS = 200
# Of a probability, between the slimmed network and the silenced one: sums in another order.
TOLERANCE = 1e-5


def slim(args: argparse.Namespace, model: Any, path: Path) -> tuple[Any, SlimmingRecord]:
    """The model without what the options ask to remove, proven, and what was removed.

    Raises:
        InputError: so much cannot be removed, or the result does not answer as it must.
    """
    from ..export.cost import layer_multiply_adds, multiply_adds
    from ..training.slimming.choice import Limits, choose
    from ..training.slimming.surgery import narrowed
    from ..training.slimming.trace import trace

    graph = trace(model)
    costs = layer_multiply_adds(model)
    by_macs = args.macs is not None
    share = args.macs if by_macs else args.channels
    limits = Limits(share=args.least, multiple=args.multiple)

    def count(kept: Kept) -> float:
        return graph.macs(kept, costs) if by_macs else graph.gamma_count(kept)

    choice = choose(graph, share, count, limits)
    slimmed = narrowed(model, graph, choice.kept)
    whole, left = (graph.widths(kept) for kept in (graph.everything(), choice.kept))
    record = SlimmingRecord(
        model=str(path),
        asked="macs" if by_macs else "channels",
        share=share,
        threshold=choice.threshold,
        difference=_proven(model, slimmed, graph, choice.kept),
        channels=Pair(graph.gamma_count(graph.everything()), graph.gamma_count(choice.kept)),
        parameters=Pair(model.count_params(), slimmed.count_params()),
        macs=Pair(multiply_adds(model), multiply_adds(slimmed)),
        layers={name: Pair(whole[name], left[name]) for name in whole},
    )
    return slimmed, record


def _proven(model: Any, slimmed: Any, graph: ChannelGraph, kept: Kept) -> float:
    """The largest difference from the network whose channels are silenced."""
    from ..export.pictures import sample_pictures
    from ..training.slimming.surgery import silenced

    pictures = sample_pictures(*model.input_shape[1:3])
    wanted = silenced(model, graph, kept)(pictures, training=False)
    received = slimmed(pictures, training=False)
    difference = max(float(np.abs(wanted[head] - received[head]).max()) for head in wanted)
    if not difference <= TOLERANCE:
        raise InputError(
            f"the slimmed network differs by {difference:.2g} in a probability from the one whose "
            f"channels are silenced, more than {TOLERANCE:g}; nothing was written"
        )
    return difference


def save_pruned(slimmed: Any, path: Path) -> None:
    """Writes the model, whole or not at all."""
    with atomic_path(path) as temporary:
        slimmed.save(temporary)


def report(
    args: argparse.Namespace, folder: RunFolder, pruned: Path, record: SlimmingRecord
) -> None:
    """Exports each network, measures and reads with them, and writes what came out."""
    tuned = folder.best if folder.best.is_file() else None
    files = _exported(folder, Path(record.model), pruned, tuned)
    last = files[TUNED] if tuned is not None else files[PRUNED]
    latency = _latency(files[BEFORE], last, args.threads)
    accuracies = _accuracies(args, folder, files)
    values = record.to_dict() | {
        "latency": asdict(latency),
        "accuracy": [asdict(each) for each in accuracies],
    }
    write_text(folder.report / "slimming.json", json.dumps(values, ensure_ascii=False, indent=2))
    page = folder.report / "slimming.md"
    write_text(page, markdown_report(record, latency, accuracies))
    print(page.read_text(encoding="utf-8").partition("## Channels")[0])
    print(f"channels of every layer: {page}\nto read with: {last}")


def _exported(folder: RunFolder, before: Path, pruned: Path, tuned: Path | None) -> dict[str, Path]:
    """ONNX files by the networks' names, in order; the last one is the run's `model.onnx`."""
    from ..export.onnx_export import export_onnx
    from ..inference.runtimes.keras_model import load_keras_model

    models = {BEFORE: before, PRUNED: pruned} | ({TUNED: tuned} if tuned is not None else {})
    last = list(models)[-1]
    files = {name: folder.report / f"{name}.onnx" for name in models} | {last: folder.onnx}
    for name, path in files.items():
        export_onnx(load_keras_model(models[name]), path)
    return files


def _latency(before: Path, after: Path, threads: int) -> Latency:
    """Of one picture, both networks in turn."""
    from ..training.slimming.latency import interleaved

    first, last = (open_runtime(path, None, threads) for path in (before, after))
    size = (1, first.card.height, first.card.width, 3)
    picture = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    runs = {"before": lambda: first.run(picture), "after": lambda: last.run(picture)}
    return Latency(Pair(**interleaved(runs, ROUNDS)), threads, ROUNDS)


def _accuracies(
    args: argparse.Namespace, folder: RunFolder, files: dict[str, Path]
) -> list[Accuracy]:
    readers = {name: Reader(path) for name, path in files.items()}
    schema = readers[BEFORE].schema
    return [_accuracy(readers, each) for each in _sets(args, folder, schema)]


def _sets(args: argparse.Namespace, folder: RunFolder, schema: LabelSchema) -> list[LabelledSet]:
    paths: Sequence[str] = args.test or folder.load_config().data.validation
    sets = [load_set(path, schema) for path in paths or [_parking(folder, args.plates)]]
    return [replace(each, records=each.records[: args.plates]) for each in sets]


def _parking(folder: RunFolder, plates: int) -> str:
    """The first plates of a scene that neither training nor fine-tuning has seen."""
    config = folder.load_config()
    place = GENERATED if config.render.glyphs is None else GENERATED / "with-glyphs"
    whole = place / SET / SCENE
    if (whole / "labels.tsv").is_file():
        return str(whole)
    from . import render

    place = place / f"first-{plates}"
    if not (place / SET / SCENE / "labels.tsv").is_file():
        options = ["--set", SET, "--scene", SCENE, "--count", str(plates), "--output", str(place)]
        options += ["--schema", config.model.label_schema, "--workers", str(config.data.workers)]
        if config.render.glyphs is not None:
            options += ["--glyphs", config.render.glyphs]
        run_mode(render, *options)
    return str(place / SET / SCENE)


def _accuracy(readers: dict[str, Reader], labelled: LabelledSet) -> Accuracy:
    right = {
        name: np.array(
            [
                reading.error is None and reading.text == record.text
                for record, reading in zip(
                    labelled.records, read_set(reader, labelled).readings, strict=True
                )
            ]
        )
        for name, reader in readers.items()
    }
    first, last = right[BEFORE], list(right.values())[-1]
    return Accuracy(
        labelled.name,
        len(labelled.records),
        {name: int(each.sum()) for name, each in right.items()},
        lost=int((first & ~last).sum()),
        gained=int((last & ~first).sum()),
    )

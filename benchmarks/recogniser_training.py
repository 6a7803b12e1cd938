"""One recogniser's training and its figures, and all of them timed in turn."""

from __future__ import annotations

import argparse
import datetime
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from ablation_training import TimedSource, machine, runtime, seconds_of
from chepai.commands._evaluating import evaluate_sets, load_set, read_set
from chepai.commands._families import build_model, train_family
from chepai.dataset.sources import validation_source
from chepai.dataset.synthetic.renderer import PlateRenderer
from chepai.dataset.synthetic.sets import render_set
from chepai.errors import InputError
from chepai.frameworks import import_keras
from chepai.inference.reader import Reader
from chepai.inference.runtimes import open_runtime
from chepai.plate.schema import load_schema
from chepai.training.run_folder import RunFolder
from chepai.training.slimming.latency import interleaved
from recogniser_configs import configuration
from recogniser_plates import source
from recogniser_results import Results

_SCENES = ("gate", "parking")


def prepare(args: argparse.Namespace) -> dict[str, str]:
    """Renders the sets that are not there yet; the sets to be measured on, name -> path."""
    for path in args.check:
        if not Path(path).exists():
            raise InputError(f"--check: there is no {path}")
    place = Path(args.work) / ("eval-glyphs" if args.glyphs else "eval") / str(args.count)
    sets = {f"eval-v1/{scene}": str(place / "eval-v1" / scene) for scene in _SCENES}
    for scene in _SCENES:
        if not (place / "eval-v1" / scene / "labels.tsv").is_file():
            renderer = PlateRenderer(args.glyphs, None, load_schema("cn"))
            render_set("eval-v1", place, renderer, args.count, args.workers, scene)
    return sets | {Path(path).name: path for path in args.check}


def run_folder(preset: str, args: argparse.Namespace) -> RunFolder:
    """Where one training lies."""
    glyphs = "-glyphs" if args.glyphs else ""
    drawn = f"-{args.drawn}" if args.drawn else ""
    settings = "".join(f"-{each}" for each in args.settings)
    budget = f"{args.plates}-{args.epochs}{drawn}{glyphs}{settings}"
    return RunFolder(Path(args.work) / budget / f"{preset}-001")


def train_and_measure(preset: str, results: Results, args: argparse.Namespace) -> int:
    """Trains or goes on, measures what is not measured yet, appends a line; the exit status."""
    import_keras(args.threads)
    sets = prepare(args)
    run = run_folder(preset, args)
    clock = run.path / "seconds.json"
    if not run.final.is_file() and not _train(run, clock, preset, args):
        return 130
    import keras
    from chepai.inference.runtimes.keras_model import load_keras_model

    model = load_keras_model(run.best)
    if keras.backend.backend() == "tensorflow":
        _exported(model, run.onnx)
    # Only TensorFlow exports; what was trained elsewhere is read by Keras.
    readable = run.onnx if run.onnx.is_file() else run.best
    known = (results.find(preset) or {}).get("sets", {})
    results.append(
        {
            "preset": preset,
            **_size(model),
            "seconds": seconds_of(clock),
            "machine": machine(),
            "runtime": runtime(args),
            "date": datetime.date.today().isoformat(),
            "sets": {
                name: figures(path, readable) for name, path in sets.items() if name not in known
            },
        }
    )
    keras.backend.clear_session()
    return 0


def _train(run: RunFolder, clock: Path, preset: str, args: argparse.Namespace) -> bool:
    """Whether the training came to its end."""
    config = configuration(preset, args)
    schema = load_schema(config.model.label_schema)
    resume = run.last.is_file()
    if not resume and run.path.is_dir():
        shutil.rmtree(run.path)  # it was killed in its first epoch
    folder = run if resume else RunFolder.create(run.path.parent, config)
    validation = TimedSource(validation_source(config, schema), clock)
    training = source(config, schema, args)
    result = train_family(config, folder, training, validation, resume=resume)
    validation.note()
    return not result.interrupted


def figures(path: str, model: Path) -> dict[str, Any]:
    """What a model reads of a labelled set."""
    reader = Reader(model)
    read = read_set(reader, load_set(path, reader.schema))
    whole = evaluate_sets([read], 0.83, reader.schema, path, str(model))
    return {
        "plates": whole.plates,
        "plate_accuracy": whole.plate.accuracy,
        "coverage_99": whole.coverage_at_precision["0.99"],
    }


def measure_latency(results: Results, args: argparse.Namespace) -> None:
    """Times every model's network in ONNX Runtime on one thread, all in turn.

    Weights do not change the time: what is not trained is exported as it begins.
    """
    import_keras(args.threads)
    facts = {preset: _fresh_model(preset, args) for preset in args.presets}
    runtimes = {preset: open_runtime(_fresh_file(preset, args), threads=1) for preset in facts}
    rng = np.random.default_rng(0)
    for batch, rounds in ((1, args.rounds), (64, max(5, args.rounds // 20))):
        runs = {}
        for preset, one in runtimes.items():
            images = rng.integers(0, 256, (batch, one.card.height, one.card.width, 3), np.uint8)
            runs[preset] = lambda one=one, images=images: one.run(images)
        for preset, milliseconds in interleaved(runs, rounds).items():
            facts[preset][f"ms_{batch}"] = milliseconds / batch
    for preset, found in facts.items():
        results.append({"preset": preset, **found})
        print(f"{preset:32}{found['ms_1']:8.2f} ms{found['ms_64']:8.2f} ms a plate of 64")


def _fresh_model(preset: str, args: argparse.Namespace) -> dict[str, Any]:
    """The size of an untrained model, whose file is left at `_fresh_file`."""
    config, file = configuration(preset, args), _fresh_file(preset, args)
    model = build_model(config, load_schema(config.model.label_schema))
    _exported(model, file)
    return {**_size(model), "bytes": file.stat().st_size}


def _fresh_file(preset: str, args: argparse.Namespace) -> Path:
    return Path(args.work) / "fresh" / f"{preset}.onnx"


def _size(model: Any) -> dict[str, Any]:
    from chepai.export.cost import multiply_adds

    return {
        "input": list(model.input_shape[1:3]),
        "parameters": model.count_params(),
        "macs": multiply_adds(model),
    }


def _exported(model: Any, file: Path) -> None:
    from chepai.export.onnx_export import export_onnx

    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        export_onnx(model, file)

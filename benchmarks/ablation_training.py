"""One training of the ablation: the plates that all share, the run, and its figures."""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import os
import shutil
import time
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from ablation_results import THRESHOLDS, Budget, Results
from ablation_rows import BASELINE, PRESET, ROWS, Row
from chepai.configs import Config, load_config
from chepai.dataset.array_source import ArraySource
from chepai.dataset.array_writer import LABELS, write_rendered
from chepai.dataset.source import Batch, Source
from chepai.dataset.sources import validation_source
from chepai.dataset.synthetic.renderer import PlateRenderer
from chepai.dataset.synthetic.sets import render_set
from chepai.dataset.wrong_labels import plant_wrong_labels
from chepai.errors import InputError
from chepai.files import atomic_path, write_text
from chepai.frameworks import import_keras
from chepai.plate.schema import LabelSchema, load_schema
from chepai.training.run_folder import RunFolder

PLANTING_SEED = 3
RENDERING_SEED = 800
PARKING = "eval-v1/parking"
PLANTED = "planted.json"
_STEPS, _WARM_UP = 6, 2


def configuration(row: Row, seed: int, args: argparse.Namespace) -> Config:
    """The row's resolved configuration."""
    own = [
        f"train.seed={seed}",
        f"train.epochs={max(1, args.epochs - row.fine_tuning)}",
        f"data.workers={args.workers}",
        f"data.validation_plates={min(500, args.plates)}",
    ]
    if args.glyphs:
        own.append(f"render.glyphs='{args.glyphs}'")
    config = load_config(PRESET, overrides=[*BASELINE, *row.overrides, *own])
    return config.model_copy(update={"preset": row.name})


def train_folder(budget: Budget, args: argparse.Namespace) -> Path:
    """Where the plates of a budget lie; trainings of more epochs share them."""
    glyphs = "-glyphs" if budget.glyphs else ""
    return Path(args.work) / f"plates-{budget.plates}-{budget.wrong:g}{glyphs}"


def run_folder(row: Row, seed: int, budget: Budget, args: argparse.Namespace) -> RunFolder:
    """Where one training lies."""
    budget_folder = f"{train_folder(budget, args).name}-{budget.epochs}"
    return RunFolder(Path(args.work) / budget_folder / str(seed) / f"{row.name}-001")


def prepare(budget: Budget, args: argparse.Namespace) -> dict[str, str]:
    """Renders what is not there yet; the sets to be measured on, name -> path."""
    for path in args.check:
        if not Path(path).exists():
            raise InputError(f"--check: there is no {path}")
    config = configuration(ROWS[0], RENDERING_SEED, args)
    schema = load_schema(config.model.label_schema)
    folder = train_folder(budget, args)
    if not (folder / PLANTED).is_file():
        print(f"rendering {budget.plates} plates into {folder}", flush=True)
        write_rendered(folder, config, schema, budget.plates)
        plant(folder, budget, schema)
    parking = Path(args.work) / ("eval-glyphs" if budget.glyphs else "eval")
    name = f"{PARKING}, the first {args.parking}"
    if not _has_lines(parking / PARKING / "labels.tsv", args.parking):
        renderer = PlateRenderer(args.glyphs, None, schema)
        render_set("eval-v1", parking, renderer, args.parking, args.workers, "parking")
    return {name: str(parking / PARKING)} | {Path(path).name: path for path in args.check}


def _has_lines(file: Path, count: int) -> bool:
    return file.is_file() and len(file.read_text(encoding="utf-8").splitlines()) == count + 1


def plant(folder: Path, budget: Budget, schema: LabelSchema) -> None:
    """Makes a share of the array's labels wrong, always the same ones."""
    labels, planted = plant_wrong_labels(
        np.load(folder / LABELS), schema, budget.wrong, PLANTING_SEED
    )
    with atomic_path(folder / LABELS) as temporary:
        np.save(temporary, labels)
    write_text(folder / PLANTED, json.dumps({"seed": PLANTING_SEED, "wrong": planted.tolist()}))


def train_and_measure(row: Row, seed: int, budget: Budget, args: argparse.Namespace) -> int:
    """Trains or goes on, measures what is not measured yet, appends a line; the exit status."""
    sets = prepare(budget, args)
    results = Results(args.results, budget)
    known = results.find(row.name, seed)
    missing = {n: p for n, p in sets.items() if known is None or n not in known["sets"]}
    import_keras(args.threads)
    run, seconds = train(row, seed, budget, args)
    if run is None:
        return 130
    import keras

    model = keras.models.load_model(run.final, compile=False)
    results.append(
        {
            "row": row.name,
            "seed": seed,
            "overrides": row.overrides,
            "parameters": model.count_params(),
            "seconds": known["seconds"] if known else seconds,
            "machine": machine(),
            "runtime": runtime(args),
            "date": datetime.date.today().isoformat(),
            "sets": {name: figures(path, run.final) for name, path in missing.items()},
        }
    )
    for name in ("last.keras", "best.keras"):
        for unneeded in run_folder(row, seed, budget, args).path.rglob(name):
            unneeded.unlink()
    return 0


def train(row: Row, seed: int, budget: Budget, args: argparse.Namespace) -> tuple[Any, float]:
    """The finished run and the seconds that its training took over all its parts; None: Ctrl-C."""
    from chepai.multi_label.train import train_classifier

    config = configuration(row, seed, args)
    schema = load_schema(config.model.label_schema)
    begun = run_folder(row, seed, budget, args)
    clock = begun.path / "seconds.json"
    if begun.final.is_file():
        return _slimmed(row, begun, clock, budget, args), seconds_of(clock)
    resume = begun.last.is_file()
    if not resume and begun.path.is_dir():
        shutil.rmtree(begun.path)  # it was killed in its first epoch
    run = begun if resume else RunFolder.create(begun.path.parent, config)
    training = ArraySource([train_folder(budget, args)], config, schema)
    validation = TimedSource(validation_source(config, schema), clock)
    result = train_classifier(config, run, training, validation, resume=resume)
    validation.note()
    if result.interrupted:
        return None, seconds_of(clock)
    return _slimmed(row, run, clock, budget, args), seconds_of(clock)


def _slimmed(row: Row, run: Any, clock: Path, budget: Budget, args: argparse.Namespace) -> Any:
    """The run itself, or what `prune` made of it where the row wants that; None: Ctrl-C."""
    if not row.slim:
        return run
    from ablation_slimming import slim

    before, began = seconds_of(clock), time.perf_counter()
    slimmed = slim(row, run, train_folder(budget, args), args)
    write_text(clock, json.dumps(before + time.perf_counter() - began))
    return slimmed


class TimedSource:
    """A validation source that notes at every epoch's end how long the training has taken.

    Also over interruptions, so that a killed training loses the time of its last epoch only, which
    is done again.
    """

    def __init__(self, source: Source, clock: Path) -> None:
        self._source = source
        self._clock = clock
        self._before, self._began = seconds_of(clock), time.perf_counter()

    def evaluation(self) -> Iterable[Batch]:
        """The source's, after a note."""
        self.note()
        return self._source.evaluation()

    def note(self) -> None:
        """Writes the seconds so far."""
        write_text(self._clock, json.dumps(self._before + time.perf_counter() - self._began))


def seconds_of(clock: Path) -> float:
    """What a `TimedSource` has noted; 0 where it has not."""
    return float(json.loads(clock.read_text(encoding="utf-8"))) if clock.is_file() else 0.0


def figures(path: str, model: Path) -> dict[str, Any]:
    """What a model reads of a labelled set: its accuracy, and what each threshold accepts."""
    from chepai.commands._evaluating import evaluate_sets, load_set, read_set
    from chepai.inference.reader import Reader

    reader = Reader(model)
    read = read_set(reader, load_set(path, reader.schema))
    at = {
        threshold: evaluate_sets([read], float(threshold), reader.schema, path, str(model))
        for threshold in THRESHOLDS
    }
    whole = next(iter(at.values()))
    accepted = {
        threshold: {"coverage": each.coverage, "precision": each.precision}
        for threshold, each in at.items()
    }
    return {
        "plates": whole.plates,
        "left_out": whole.left_out,
        "plate_accuracy": whole.plate.accuracy,
        "plate_accuracy_interval": list(whole.plate.interval),
        "char_accuracy": whole.char_accuracy,
        **accepted,
    }


def machine() -> str:
    """The processor and how many cores of it there are."""
    model = "a processor"
    if Path("/proc/cpuinfo").is_file():
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{os.cpu_count()} cores of {model}"


def runtime(args: argparse.Namespace) -> str:
    """The framework with its version, and what it shared the processor with."""
    import keras

    backend = import_module(keras.backend.backend())
    versions = f"{backend.__name__} {backend.__version__}, Keras {keras.__version__}"
    return f"{versions}, {args.jobs} at a time of {args.threads} threads"


def print_estimate(budget: Budget, args: argparse.Namespace) -> None:
    """Measures some training steps of each row and prints what all of its trainings would take."""
    import_keras(args.threads)
    rows = [row for row in ROWS if args.rows is None or row.name in args.rows]
    total = 0.0
    print("| row | ms a step | CPU ms a step | minutes a training |\n|---|---|---|---|")
    for row in rows:
        config = configuration(row, args.seeds[0], args)
        wall, cpu = step_seconds(config)
        steps = budget.epochs * -(-budget.plates // config.train.batch_size)
        total += wall * steps * len(args.seeds)
        print(f"| `{row.name}` | {1e3 * wall:.0f} | {1e3 * cpu:.0f} | {wall * steps / 60:.1f} |",
              flush=True)  # fmt: skip
    print(f"{len(rows)} rows with {len(args.seeds)} seeds: {total / 3600:.1f} hours of training")


def step_seconds(config: Config) -> tuple[float, float]:
    """Seconds by the clock and of all processors for one training step of a configuration."""
    import keras
    import tensorflow as tf
    from chepai.multi_label.train import compiled_classifier

    schema = load_schema(config.model.label_schema)
    keras.backend.clear_session()
    model = compiled_classifier(config, schema, 100)
    rng = np.random.default_rng(1)
    shape = (config.train.batch_size, config.model.height, config.model.width, 3)
    images = tf.constant(rng.integers(0, 256, shape, dtype=np.uint8))
    labels = tf.constant(
        np.stack([rng.integers(0, width, shape[0]) for width in schema.widths], 1), tf.int32
    )
    for _ in itertools.repeat(None, _WARM_UP):
        model.train_on_batch(images, labels)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in itertools.repeat(None, _STEPS):
        model.train_on_batch(images, labels)
    return (time.perf_counter() - wall) / _STEPS, (time.process_time() - cpu) / _STEPS

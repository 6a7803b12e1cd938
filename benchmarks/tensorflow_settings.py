"""What TensorFlow's settings (`frameworks.TENSORFLOW_SETTINGS`) save a training on processors.

Run from the repository's root:

    python benchmarks/tensorflow_settings.py --setting onednn --preset student --rounds 3

Each round trains some steps in a process with the setting and in one without, in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from chepai.commands._families import compiled_model
from chepai.configs import load_config
from chepai.frameworks import ONEDNN, POOLED_MEMORY, import_keras
from chepai.plate.schema import load_schema
from chepai.training.loop import prepare_framework

_WARM_UP, _STEPS = 3, 8
_SETTINGS = {"memory": (POOLED_MEMORY, "true", "false"), "onednn": (ONEDNN, "1", "0")}
_COLUMNS = ("wall", "user", "system", "faults")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--setting", choices=_SETTINGS, required=True)
    parser.add_argument("--preset", default="student")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--batch", type=int, default=64, metavar="N", help="plates of a step")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Prints milliseconds a plate and page faults a plate, and the ratios."""
    args = arguments()
    if args.one:
        print(json.dumps(measure(args.preset, args.batch, args.precision)))
        return 0
    variable, *values = _SETTINGS[args.setting]
    found: dict[str, list[list[float]]] = {value: [] for value in values}
    for _ in range(args.rounds):
        for value, rows in found.items():
            rows.append(_in_a_process({variable: value}))
    medians = [
        [statistics.median(column) for column in zip(*rows, strict=True)] for rows in found.values()
    ]
    print(f"{'':12}" + "".join(f"{name:>10}" for name in _COLUMNS) + "   (ms, and faults, a plate)")
    for name, row in zip(("with", "without"), medians, strict=True):
        print(f"{name:12}" + "".join(f"{value:10.2f}" for value in row))
    ratios = [without / used for used, without in zip(*medians, strict=True)]
    print(f"{'ratio':12}" + "".join(f"{value:10.2f}" for value in ratios))
    return 0


def _in_a_process(setting: dict[str, str]) -> list[float]:
    command = [sys.executable, *sys.argv, "--one"]
    environment = {**os.environ, **setting}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(preset: str, batch: int, precision: str) -> list[float]:
    """Seconds by the clock, user's and system's, in ms a plate, and page faults a plate."""
    keras = import_keras()
    config = load_config(preset, overrides=[f"train.precision={precision}"])
    schema = load_schema(config.model.label_schema)
    prepare_framework(config)
    model = compiled_model(config, schema, 100)
    usage: list[tuple[float, ...]] = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, step: int, logs: Any = None) -> None:
            if step in (_WARM_UP - 1, _WARM_UP + _STEPS - 1):
                now = resource.getrusage(resource.RUSAGE_SELF)
                usage.append((time.perf_counter(), now.ru_utime, now.ru_stime, now.ru_minflt))

    steps = _WARM_UP + _STEPS
    size = (config.model.height, config.model.width)
    batches = _random_batches(batch, size, schema.widths)
    model.fit(batches, steps_per_epoch=steps, epochs=1, verbose=0, callbacks=[Watch()])
    spent = [(after - before) / _STEPS / batch for before, after in zip(*usage, strict=True)]
    return [1e3 * value for value in spent[:3]] + spent[3:]


def _random_batches(batch: int, size: tuple[int, int], widths: Any) -> Iterator[Any]:
    """The same noise again and again, as a generator: what rendered plates come from."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, *size, 3), dtype=np.uint8)
    labels = np.stack([rng.integers(0, width, batch) for width in widths], axis=1)
    while True:
        yield images, labels.astype(np.int32)


if __name__ == "__main__":
    raise SystemExit(main())

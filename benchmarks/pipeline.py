"""What reading and augmenting a plate costs, as a share of training on it.

CPU seconds of all threads, so that other work on the machine hardly counts. Run from the
repository's root: `python benchmarks/pipeline.py [--json FILE]`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import numpy as np
from chepai.configs import Config, load_config
from chepai.dataset.array_source import ArraySource
from chepai.dataset.array_writer import write_records
from chepai.dataset.mixed_source import as_arrays
from chepai.dataset.records import PlateRecord
from chepai.dataset.rendered_source import RenderedSource
from chepai.dataset.source import Source
from chepai.dataset.synthetic.renderer import PlateRenderer
from chepai.plate.schema import LabelSchema, load_schema

TARGET = 0.1
PLATES = 512
STEPS = 24
"""Batches that each source is measured over, after as many as it prefetches."""
TRAINING_STEPS = 6


def main() -> int:
    """Measures, prints the table, and returns 1 where a stored source misses the target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    args = parser.parse_args()
    config = load_config("resnet18", overrides=["data.workers=0"])
    schema = load_schema(config.model.label_schema)
    with tempfile.TemporaryDirectory() as folder:
        sources = make_sources(Path(folder), config, schema)
        costs = {name: source_cost(source) for name, source in sources.items()}
        costs["training step"] = training_cost(config, schema, sources["array"])
    print_table(costs)
    if args.json:
        args.json.write_text(json.dumps({"microseconds_per_image": costs}, indent=1) + "\n")
    stored = [cost for name, cost in costs.items() if name not in ("training step", "rendered")]
    return int(max(stored) > TARGET * costs["training step"])


def make_sources(folder: Path, config: Config, schema: LabelSchema) -> dict[str, Source]:
    """The same rendered plates stored in every way; and rendering itself for comparison."""
    from chepai.dataset.dataset_util import RecordSource
    from chepai.dataset.tfrecord_util import TFRecordSource, write_tfrecords

    records = write_pictures(folder, schema)
    write_tfrecords(records, folder / "shards" / "all", schema, shards=4, workers=0)
    write_records(folder / "array", records, schema, config.model.height, config.model.width, 0)
    return {
        "pictures": RecordSource(records, config, schema),
        "TFRecords": TFRecordSource([folder / "shards"], config, schema),
        "array": ArraySource([folder / "array"], config, schema),
        "rendered": RenderedSource(config, schema),
    }


def write_pictures(folder: Path, schema: LabelSchema) -> list[PlateRecord]:
    """JPEG files as a camera's crops are, and their records."""
    renderer, records = PlateRenderer(schema=schema), []
    for number in range(PLATES):
        plate = renderer.render(np.random.default_rng([1, number]), "parking")
        path = folder / f"{number}.jpg"
        cv2.imwrite(str(path), plate.image[..., ::-1])
        records.append(
            PlateRecord(path, plate.labels, plate.text, plate.colour, plate.rows, number + 1)
        )
    return records


def source_cost(source: Source) -> float:
    """CPU microseconds that one image of an endless stream of batches costs."""
    batches = as_arrays(source.batches(0))
    return cost_per_image(lambda: next(batches)[0], STEPS, warm_up=8)


def training_cost(config: Config, schema: LabelSchema, source: Source) -> float:
    """CPU microseconds of one image in a training step, the batches being at hand."""
    import tensorflow as tf
    from chepai.multi_label.train import compiled_classifier

    model = compiled_classifier(config, schema, source.steps_per_epoch)
    full = [pair for pair in source.evaluation() if len(pair[0]) == config.train.batch_size]
    ready = itertools.cycle([tuple(map(tf.constant, pair)) for pair in full])

    def step() -> Any:
        images, labels = next(ready)
        model.train_on_batch(images, labels)
        return images

    return cost_per_image(step, TRAINING_STEPS, warm_up=2)


def cost_per_image(step: Callable[[], Any], steps: int, warm_up: int) -> float:
    """CPU microseconds an image, of all threads of this process."""
    for _ in range(warm_up):
        step()
    begin, images = time.process_time(), 0
    for _ in range(steps):
        images += len(step())
    return (time.process_time() - begin) / images * 1e6


def print_table(costs: dict[str, float]) -> None:
    """A Markdown table: microseconds and the share of a training step."""
    step = costs["training step"]
    print("| source | µs of CPU an image | share of a training step |\n|---|---|---|")
    for name, cost in costs.items():
        print(f"| {name} | {cost:,.0f} | {cost / step:.3f} |")


if __name__ == "__main__":
    raise SystemExit(main())

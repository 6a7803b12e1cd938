"""The plates that all recognisers are trained on, when they are drawn once for all of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from chepai.configs import Config
from chepai.dataset.source import Source
from chepai.dataset.sources import training_source
from chepai.plate.schema import LabelSchema, load_schema
from recogniser_configs import PRESETS, configuration
from shared_plates import Order, SharedPlates, SharedSource


def plates_folder(args: argparse.Namespace) -> Path:
    """Where the shared plates of a budget lie; longer and shorter trainings share them."""
    glyphs = "-glyphs" if args.glyphs else ""
    return Path(args.work) / f"plates-{args.plates}-{args.drawn}{glyphs}"


def source(config: Config, schema: LabelSchema, args: argparse.Namespace) -> Source:
    """The batches of one training: shared with the others, or its own."""
    if not args.drawn:
        return training_source(config, schema)
    return SharedSource(SharedPlates(plates_folder(args)), config, schema)


@contextmanager
def drawing(args: argparse.Namespace) -> Iterator[None]:
    """Draws the shared plates, if any, in a process beside what is done inside."""
    if not args.drawn:
        yield
        return
    _begin(args)
    process = get_context("spawn").Process(target=_draw, args=(args,))
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _begin(args: argparse.Namespace) -> SharedPlates:
    inputs = [configuration(preset, args).model for preset in PRESETS]
    sizes = tuple(sorted({(model.height, model.width) for model in inputs}))
    schema = load_schema(inputs[0].label_schema)
    return SharedPlates.begin(plates_folder(args), Order(args.drawn, args.plates, sizes), schema)


def _draw(args: argparse.Namespace) -> None:
    config = configuration(PRESETS[0], args)
    _begin(args).draw(config, load_schema(config.model.label_schema), args.workers)

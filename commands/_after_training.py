"""What a training shows when it has ended: an ONNX file, figures on plates, and readings."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from pathlib import Path

from ..configs import Config
from ..dataset.file_util import read_plates
from ..dataset.records import PlateRecord
from ..errors import InputError
from ..plate.schema import LabelSchema, load_schema
from ..training.run_folder import RunFolder
from ._other_mode import run_mode

SET, SCENE = "eval-v1", "gate"
GENERATED = Path("generated")
EXAMPLES = 12


def show_result(config: Config, folder: RunFolder) -> None:
    """Exports the best weights, evaluates them, reads some plates, says where all is.

    A model trained on rendered plates alone is evaluated on `eval-v1/gate`, drawn with the
    glyphs that it was trained with; another one on its validation plates.
    """
    from . import export, predict, test

    run_mode(export, "--model", str(folder.best), "--output", str(folder.onnx))
    reader = ("--model", str(folder.onnx))
    figures = str(folder.report / "figures.json")
    data = _evaluation_data(config)
    if data:
        named = [part for path in data for part in ("--data", path)]
        run_mode(test, *reader, *named, "--json", figures, "--output", str(folder.report))
    run_mode(predict, *reader, *_examples(data, config, folder))
    print(_where(folder))


def _examples(data: list[str], config: Config, folder: RunFolder) -> list[str]:
    """The first plates of what the model was evaluated on, copied under their texts as names.

    None where there are none: then `predict` reads its own samples.
    """
    records = _first_records(data, load_schema(config.model.label_schema))
    place = folder.report / "plates"
    if records:
        place.mkdir(parents=True, exist_ok=True)
    for record in records:
        shutil.copyfile(record.path, place / f"{record.text}{record.path.suffix}")
    return [str(place)] if records else []


def _first_records(data: list[str], schema: LabelSchema) -> list[PlateRecord]:
    for path in data:
        with contextlib.suppress(InputError):  # TFRecords and arrays hold no files
            records = read_plates(path, schema, skip_unencodable=True)
            plates = (r for r in records if r.text and r.box is None and r.path.is_file())
            return list(itertools.islice(plates, EXAMPLES))
    return []


def _evaluation_data(config: Config) -> list[str]:
    if config.data.train:
        return list(config.data.validation)
    from . import render

    output = GENERATED if config.render.glyphs is None else GENERATED / "with-glyphs"
    place = output / SET / SCENE
    if not (place / "labels.tsv").is_file():
        options = ["--set", SET, "--scene", SCENE, "--output", str(output)]
        options += ["--schema", config.model.label_schema, "--workers", str(config.data.workers)]
        if config.render.glyphs is not None:
            options += ["--glyphs", config.render.glyphs]
        run_mode(render, *options)
    return [str(place)]


def _where(folder: RunFolder) -> str:
    places = {
        "configuration": folder.config,
        "figures by epoch": folder.metrics,
        "curves": f"tensorboard --logdir {folder.tensorboard}",
        "report": folder.report / "report.md",
        "to fine-tune": folder.best,
        "to read with": folder.onnx,
    }
    lines = [f"  {name + ':':<18}{place}" for name, place in places.items()]
    yours = f"read your own: python run.py --mode predict --model {folder.onnx} PICTURE …"
    return "\n".join([f"everything of this run is in {folder.path}:", *lines, yours])

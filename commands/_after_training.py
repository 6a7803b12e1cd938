"""What a training shows when it has ended: an ONNX file, figures on plates, and readings."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import ModuleType

from ..configs import Config
from ..training.run_folder import RunFolder

SET, SCENE = "eval-v1", "gate"
GENERATED = Path("generated")


def show_result(config: Config, folder: RunFolder) -> None:
    """Exports the best weights, evaluates them, reads the sample plates, says where all is.

    A model trained on rendered plates alone is evaluated on `eval-v1/gate`, drawn with the
    glyphs that it was trained with; another one on its validation plates.
    """
    from . import export, predict, test

    run_mode(export, "--model", str(folder.best), "--output", str(folder.onnx))
    reader = ("--model", str(folder.onnx))
    figures = str(folder.report / "figures.json")
    data = [part for path in _evaluation_data(config) for part in ("--data", path)]
    if data:
        run_mode(test, *reader, *data, "--json", figures, "--output", str(folder.report))
    run_mode(predict, *reader)
    print(_where(folder))


def run_mode(mode: ModuleType, *arguments: str) -> int:
    """Runs another mode with command-line arguments, in this process."""
    parser = argparse.ArgumentParser()
    mode.add_arguments(parser)
    return int(mode.run(parser.parse_args(arguments)))


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

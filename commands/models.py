"""Mode `models`: the presets and the shipped weights, with what they cost."""

from __future__ import annotations

import argparse
import functools
import json
from typing import Any

HELP = "list the presets and the shipped models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "--backbones", action="store_true", help="the backbones alone, without heads, instead"
    )
    parser.add_argument(
        "--json", nargs="?", const="-", metavar="PATH", help="as JSON, to PATH or standard output"
    )


def run(args: argparse.Namespace) -> int:
    """Prints every preset and every shipped model, or every backbone."""
    entries = _backbones() if args.backbones else [*_presets(), *_shipped()]
    if args.json is None:
        (_print_backbones if args.backbones else _print_table)(entries)
        return 0
    text = json.dumps(entries, ensure_ascii=False, indent=2)
    if args.json == "-":
        print(text)
    else:
        from ..files import write_text

        write_text(args.json, text + "\n")
    return 0


def _presets() -> list[dict[str, Any]]:
    from ..configs import load_config, preset_names

    entries = []
    for name in preset_names():
        config = load_config(name)
        size = [config.model.height, config.model.width, 3]
        entries.append(_entry(name, config.family, size, **_cost(name)))
    return entries


def _backbones() -> list[dict[str, Any]]:
    """What each backbone puts out and costs at the default input, with default options."""
    from ..frameworks import import_keras

    keras = import_keras()
    from ..backbone import registry
    from ..configs import ModelConfig
    from ..export.cost import multiply_adds

    size = [ModelConfig().height, ModelConfig().width, 3]
    entries = []
    for name in registry.names():
        inputs = keras.Input(size)
        model = keras.Model(inputs, registry.build(name, inputs))
        costs = {"parameters": model.count_params(), "macs": multiply_adds(model)}
        features = list(model.output_shape[1:])
        entries.append({"name": name, "input": size, "features": features} | costs)
    return entries


def _shipped() -> list[dict[str, Any]]:
    from ..inference.pretrained import shipped_models
    from ..inference.runtimes import open_runtime

    entries = []
    for name, model in shipped_models().items():
        card = open_runtime(model.file.path).card
        size = [card.height, card.width, 3]
        costs = {"parameters": model.parameters, "macs": model.macs}
        shipped = {"file": str(model.file.path), "checksum": model.file.sha256}
        entries.append(_entry(name, card.family, size, **costs, **shipped))
    return entries


def _entry(name: str, family: str, size: list[int], **values: Any) -> dict[str, Any]:
    empty = {"parameters": None, "macs": None, "file": None, "checksum": None}
    return {"name": name, "family": family, "input": size} | empty | values


@functools.cache
def _cost(preset: str) -> dict[str, int | None]:
    """Parameters and multiply-adds; unknown where Keras, which builds the model, is missing."""
    from ..configs import load_config
    from ..errors import InputError
    from ..frameworks import import_keras
    from ..plate.schema import load_schema

    try:
        import_keras()
    except InputError:
        return {}
    from ..export.cost import multiply_adds
    from ._families import build_model

    config = load_config(preset)
    model = build_model(config, load_schema(config.model.label_schema))
    return {"parameters": model.count_params(), "macs": multiply_adds(model)}


def _print_table(entries: list[dict[str, Any]]) -> None:
    wide = max(len(entry["name"]) for entry in entries) + 2
    print(f"{'name':{wide}}{'family':14}{'input':12}{'parameters':>12}{'MMAC':>8}  file")
    for entry in entries:
        parameters, macs = entry["parameters"], entry["macs"]
        print(
            f"{entry['name']:{wide}}{entry['family']:14}{'x'.join(map(str, entry['input'])):12}"
            f"{'-' if parameters is None else f'{parameters:,}':>12}"
            f"{'-' if macs is None else f'{macs / 1e6:.0f}':>8}  {entry['file'] or '(preset)'}"
        )


def _print_backbones(entries: list[dict[str, Any]]) -> None:
    wide = max(len(entry["name"]) for entry in entries) + 2
    print(f"{'name':{wide}}{'input':12}{'features':12}{'parameters':>12}{'MMAC':>8}")
    for entry in entries:
        sizes = "".join(f"{'x'.join(map(str, entry[key])):12}" for key in ("input", "features"))
        print(f"{entry['name']:{wide}}{sizes}{entry['parameters']:>12,}{entry['macs'] / 1e6:>8.1f}")

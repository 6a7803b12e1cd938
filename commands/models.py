"""Mode `models`: the presets and the shipped weights, with what they cost."""

from __future__ import annotations

import argparse
import json
from typing import Any

HELP = "list the presets and the shipped models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument(
        "--json", nargs="?", const="-", metavar="PATH", help="as JSON, to PATH or standard output"
    )


def run(args: argparse.Namespace) -> int:
    """Prints every preset and every shipped model."""
    entries = [*_presets(), *_shipped()]
    if args.json is None:
        _print_table(entries)
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
        entries.append(_entry(name, config.family, size, **_cost(config)))
    return entries


def _shipped() -> list[dict[str, Any]]:
    from ..inference.pretrained import shipped_models
    from ..inference.runtimes import open_runtime

    entries = []
    for name, model in shipped_models().items():
        card = open_runtime(model.path).card
        size = [card.height, card.width, 3]
        costs = {"parameters": model.parameters, "macs": model.macs}
        shipped = {"file": str(model.path), "checksum": model.sha256}
        entries.append(_entry(name, card.family, size, **costs, **shipped))
    return entries


def _entry(name: str, family: str, size: list[int], **values: Any) -> dict[str, Any]:
    empty = {"parameters": None, "macs": None, "file": None, "checksum": None}
    return {"name": name, "family": family, "input": size} | empty | values


def _cost(config: Any) -> dict[str, int | None]:
    """Parameters and multiply-adds; unknown where Keras, which builds the model, is missing."""
    from ..errors import InputError
    from ..inference.runtimes.keras_model import import_keras
    from ..plate.schema import load_schema

    try:
        import_keras()
    except InputError:
        return {}
    from ..export.cost import multiply_adds
    from ..multi_label.classifier_model import build_classifier

    model = build_classifier(config, load_schema(config.model.label_schema))
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

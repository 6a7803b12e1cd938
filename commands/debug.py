"""Mode `debug`: one training step looked at from inside, non-finite values named."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from ..configs import (
    Config,
    DistillConfig,
    load_config,
    override_config,
    parse_config,
)
from ..errors import InputError
from ._configuring import add_configuration_options
from .train import existing, list_override

if TYPE_CHECKING:
    from ..dataset.source import Batch
    from ..plate.schema import LabelSchema
    from ..training.inspection import Fault

HELP = "layer outputs and gradients of one batch; non-finite values are named"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    add_configuration_options(parser)
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="a shipped model's name or a .keras file, with its configuration; none: fresh weights",
    )
    parser.add_argument(
        "--data",
        metavar="PATH",
        action="append",
        default=[],
        help="label file, folder, TFRecords or array; none: rendered plates (repeatable)",
    )
    parser.add_argument("--plates", type=int, default=16, help="in the batch")
    parser.add_argument("--seed", type=int, help="of weights, order, augmentation and rendering")
    parser.add_argument(
        "--json", metavar="PATH", help="write every figure as JSON; - is standard output"
    )


def run(args: argparse.Namespace) -> int:
    """Looks at one step; exit status 1 where something in it is not finite."""
    from ..frameworks import import_keras

    import_keras()
    from ..plate.schema import LabelSchema, load_schema
    from ..training.inspection import find_faults, layer_figures, weight_figures
    from ..training.inspection_report import inspection_json, inspection_tables
    from ..training.observation import observe

    model, config = _model_and_config(args)
    if model is None:
        schema = load_schema(config.model.label_schema)
    else:
        schema = LabelSchema.from_dict(model.label_schema_config)
    model = _compiled(model, config, schema)
    seen = observe(model, *_first_batch(config, schema))
    faults, layers, weights = find_faults(seen), layer_figures(seen), weight_figures(seen)
    if args.json != "-":
        print(_verdict(faults, seen.loss, config.train.batch_size))
        print("\n" + inspection_tables(layers, weights))
    if args.json:
        others = {"plates": config.train.batch_size, "loss": seen.loss}
        _write_json(args.json, inspection_json(layers, weights, faults, **others))
    return 1 if faults else 0


def _model_and_config(args: argparse.Namespace) -> tuple[Any, Config]:
    """A trained model, or None where fresh weights are wanted, and what is to be tried."""
    if args.plates < 1:
        raise InputError(f"--plates is at least 1; received {args.plates}")
    overrides = list(args.overrides)
    if args.data:
        overrides.append(list_override("data.train", map(existing, args.data)))
    if args.seed is not None:
        overrides.append(f"train.seed={args.seed}")
    if args.model is None:
        return None, _for_one_batch(load_config(args.preset, args.config, overrides), args.plates)
    from ..inference.pretrained import weights_path
    from ..inference.runtimes.keras_model import load_as_trained

    model = load_as_trained(weights_path(args.model))
    if not args.data:
        overrides.append("data.train=[]")
    config = override_config(parse_config(model.chepai_config), overrides)
    return model, _for_one_batch(config, args.plates)


def _for_one_batch(config: Config, plates: int) -> Config:
    """One update at the peak of the learning rate, in this process, from labels alone."""
    values = config.model_dump(mode="json")
    values["data"] |= {"workers": 0}
    values["render"] |= {"plates_per_epoch": plates}
    values["optimizer"] |= {"schedule": "constant", "accumulate": 1, "ema": 0.0}
    values["train"] |= {"batch_size": plates, "devices": 1}
    values["distill"] = DistillConfig().model_dump(mode="json")
    return parse_config(values)


def _compiled(model: Any, config: Config, schema: LabelSchema) -> Any:
    from ..training.averaging import reading_copy
    from ..training.loop import prepare_framework
    from ._families import compile_model, compiled_model

    prepare_framework(config)
    if model is None:
        return compiled_model(config, schema, steps_per_epoch=1)
    # A student, too, is looked at with its labels' loss: its teachers may not be at hand.
    model = reading_copy(model)
    compile_model(model, config, schema, steps_per_epoch=1)
    return model


def _first_batch(config: Config, schema: LabelSchema) -> Batch:
    """The first batch of epoch 0, as training sees it."""
    from ..dataset.mixed_source import as_arrays
    from ..dataset.source import bad_input_named
    from ..dataset.sources import training_source

    source = training_source(config, schema)
    try:
        with bad_input_named():
            return next(as_arrays(source.batches(0)))
    finally:
        source.close()


def _verdict(faults: list[Fault], loss: float, plates: int) -> str:
    if not faults:
        return f"all finite: weights, outputs and gradients of {plates} plates; loss {loss:.4g}"
    return "\n".join(fault.sentence for fault in faults)


def _write_json(path: str, values: dict[str, Any]) -> None:
    text = json.dumps(values, ensure_ascii=False, indent=2)
    if path == "-":
        print(text)
        return
    from ..files import write_text

    write_text(path, text + "\n")

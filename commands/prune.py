"""Mode `prune`: takes needless channels out of a trained network, fine-tunes it, and reports."""

from __future__ import annotations

import argparse
import json
import logging
from typing import TYPE_CHECKING, Any

from ..configs import DEFAULT_PRESET, Config, load_config, override_config, parse_config
from ..errors import InputError
from . import train
from ._numbers import at_least_one

if TYPE_CHECKING:
    from ..training.loop import TrainingResult
    from ..training.run_folder import RunFolder
    from ..training.slimming.report import SlimmingRecord

HELP = "remove needless channels of a trained network, fine-tune it, report what it costs"
# Of the model's section, what concerns training and not the network.
_OF_TRAINING = ("conv_decay", "gamma_decay", "dropout")
# What stays in the run's folder besides a training's files.
_PRUNED, _RECORD = "pruned.keras", "slimming.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `train`, which are the fine-tuning's, and those of slimming."""
    train.add_arguments(parser)
    # Fine-tuning goes on as the model was trained, where no other preset is named.
    parser.set_defaults(preset=None)
    parser.add_argument("--model", metavar="PATH", help="the trained .keras file to slim")
    _add_amount(parser)
    parser.add_argument("--no-finetune", action="store_true", help="only remove channels")
    _add_measuring(parser)


def _add_amount(parser: argparse.ArgumentParser) -> None:
    """How much goes, and what stays whatever its gammas are."""
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--channels",
        type=_share,
        metavar="SHARE",
        help="share of all channels to REMOVE: 0.6 leaves 40 %%",
    )
    amount.add_argument(
        "--macs",
        type=_share,
        metavar="SHARE",
        help="share of the multiplications to REMOVE: 0.6 leaves 40 %%",
    )
    parser.add_argument(
        "--least",
        type=_share,
        default=0.1,
        metavar="SHARE",
        help="share of its channels that every layer keeps",
    )
    parser.add_argument(
        "--multiple",
        type=at_least_one,
        default=8,
        metavar="N",
        help="layers keep multiples of N channels, as processors compute them",
    )


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    """What the report reads, and how it takes the time."""
    parser.add_argument(
        "--test",
        metavar="PATH",
        action="append",
        default=[],
        help="labelled plates to read before and after (repeatable); none: those of "
        "--validation, and without these the first of eval-v1/parking",
    )
    parser.add_argument(
        "--plates", type=at_least_one, default=1000, metavar="N", help="at most so many of each"
    )
    parser.add_argument(
        "--threads",
        type=at_least_one,
        default=1,
        metavar="N",
        help="of ONNX Runtime, for the latency",
    )


def run(args: argparse.Namespace) -> int:
    """Slims, fine-tunes, and writes the report into the run's folder."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    _check(args)
    folder, record = _resumed(args.resume) if args.resume else _slim(args)
    if not args.no_finetune:
        result = _fine_tune(args, folder)
        if result.interrupted:
            print(f"interrupted; continue with: --mode prune --resume {folder.path}")
            return 130
    if not args.no_report:
        from ._slimming import report

        report(args, folder, folder.path / _PRUNED, record)
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.init:
        raise InputError("prune begins with the weights of --model; leave --init away")
    if args.resume:
        if args.model or args.channels is not None or args.macs is not None:
            raise InputError("--resume goes on with what was slimmed; leave --model, --channels "
                             "and --macs away")  # fmt: skip
        return
    if not args.model:
        raise InputError("prune wants --model: a trained .keras file")
    if args.channels is None and args.macs is None:
        raise InputError("say how much to remove: --macs 0.5 or --channels 0.5")


def _slim(args: argparse.Namespace) -> tuple[RunFolder, SlimmingRecord]:
    """Removes the channels; the folder is made when it is known that they can go."""
    from ..inference.pretrained import weights_path
    from ..inference.runtimes.keras_model import load_keras_model
    from ..training.run_folder import RunFolder
    from ._slimming import save_pruned, slim

    path = weights_path(args.model)
    if path.suffix.lower() != ".keras" or not path.is_file():
        raise InputError(f"prune starts from a trained .keras file; {path} is none")
    model = load_keras_model(path)
    config = _fine_tuning(args, model.chepai_config)
    slimmed, record = slim(args, model, path)
    folder = RunFolder.create(args.output, config, f"{config.preset}-slim")
    save_pruned(slimmed, folder.path / _PRUNED)
    _write(folder, record.to_dict())
    macs, channels = record.macs, record.channels
    print(
        f"slimmed {path} into {folder.path}: {channels.removed:.1%} of the channels and "
        f"{macs.removed:.1%} of the multiplications are gone",
        flush=True,
    )
    return folder, record


def _fine_tuning(args: argparse.Namespace, own: dict[str, Any]) -> Config:
    """The configuration of the model, or the named one for the same network.

    Gammas are no longer drawn to zero, unless `--set model.gamma_l1` says so. Nor is a student's
    map any longer as wide as its teacher's.

    Raises:
        InputError: an option asks for another network.
    """
    values = parse_config(own).model_dump(mode="json")
    network = values["model"]
    if args.preset is not None or args.config is not None:
        named = load_config(args.preset or DEFAULT_PRESET, args.config).model_dump(mode="json")
        taken = {key: named["model"][key] for key in _OF_TRAINING}
        values = named | {"model": network | taken, "family": own["family"]}
    values["model"] |= {"gamma_l1": 0.0}
    values["distill"] |= {"map_weight": 0.0}
    # A rectifier that has been trained with its recogniser has its lessons behind it.
    values["train"] |= {"straighten_steps": 0}
    config = override_config(parse_config(values), train.overrides_of(args))
    for key, value in config.model_dump(mode="json")["model"].items():
        if key not in (*_OF_TRAINING, "gamma_l1") and value != network[key]:
            raise InputError(
                f"model.{key} is {network[key]!r} in {args.model} and cannot be changed by prune; "
                f"received {value!r}"
            )
    return config


def _fine_tune(args: argparse.Namespace, folder: RunFolder) -> TrainingResult:
    """The ordinary training, from the slimmed weights or from where it was interrupted."""
    config = (
        folder.config_to_resume(train.overrides_of(args)) if args.resume else folder.load_config()
    )
    return train.train_into(lambda: folder, config, folder.path / _PRUNED, bool(args.resume))


def _resumed(path: str) -> tuple[RunFolder, SlimmingRecord]:
    from ..frameworks import import_keras
    from ..training.run_folder import RunFolder
    from ..training.slimming.report import SlimmingRecord

    import_keras()
    folder = RunFolder.open(path)
    file = folder.path / _RECORD
    try:
        return folder, SlimmingRecord.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no run of prune: {file.name} cannot be read") from error


def _write(folder: RunFolder, values: dict[str, Any]) -> None:
    from ..files import write_text

    write_text(folder.path / _RECORD, json.dumps(values, ensure_ascii=False, indent=2) + "\n")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"a share from 0 to below 1, not {text!r}")
    return value

"""Mode `train`: trains a preset or a configuration; with no data given, on rendered plates."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..configs import Config, load_config
from ..errors import InputError
from ._configuring import add_configuration_options

if TYPE_CHECKING:
    from ..dataset.source import Source
    from ..plate.schema import LabelSchema
    from ..training.distillation import Teachers
    from ..training.loop import TrainingResult
    from ..training.run_folder import RunFolder

HELP = "train a preset or a configuration; with no data given, on rendered plates"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    add_configuration_options(parser)
    parser.add_argument(
        "--data",
        metavar="PATH",
        action="append",
        default=[],
        help="label file, folder, TFRecords, array or CCPD tree (CCPD2019:train) to train on "
        "(repeatable)",
    )
    parser.add_argument(
        "--validation",
        metavar="PATH",
        action="append",
        default=[],
        help="the same, for choosing the best epoch (repeatable)",
    )
    parser.add_argument("--glyphs", metavar="DIR", help="glyph pictures for rendered plates")
    parser.add_argument("--backgrounds", metavar="DIR", help="scenes for rendered plates")
    parser.add_argument(
        "--init",
        metavar="MODEL",
        help="begin with the weights of a shipped model's name or of a .keras file",
    )
    parser.add_argument("--resume", metavar="RUN", help="continue this run folder")
    parser.add_argument(
        "--cache", action="store_true", help="keep decoded pictures of --data in memory"
    )
    parser.add_argument("--output", metavar="DIR", default="runs", help="parent of run folders")
    parser.add_argument("--seed", type=int, help="of weights, order, augmentation and rendering")
    parser.add_argument("--workers", type=int, help="processes that render or read")
    parser.add_argument("--devices", type=int, help="graphics cards that divide every batch")
    parser.add_argument(
        "--no-report",
        action="store_true",
        help="only train: no evaluation, export and sample readings afterwards",
    )


def run(args: argparse.Namespace) -> int:
    """Trains, then shows what the model reads."""
    return run_training(args, overrides_of(args))


def run_training(args: argparse.Namespace, overrides: list[str]) -> int:
    """As `run`, with these values over the preset and the file, or over the resumed run's."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    resumed = _open_run(args.resume) if args.resume else None
    if resumed is None:
        config = load_config(args.preset, args.config, overrides)
    else:
        if args.init or args.config:
            raise InputError("a resumed run goes on as it was begun: leave --init and --config")
        config = resumed.config_to_resume(overrides)
    result = _train(config, resumed, args)
    if result.interrupted:
        print(f"interrupted; continue with: --mode train --resume {result.run.path}")
        return 130
    print(
        f"trained {result.epochs} epochs in {result.seconds:.0f} s; best validation plate "
        f"accuracy {result.best:.4f}",
        flush=True,
    )
    if not args.no_report:
        from ._after_training import show_result

        show_result(config, result.run)
    return 0


def _open_run(path: str) -> RunFolder:
    from ..training.run_folder import RunFolder

    return RunFolder.open(path)


def _train(config: Config, resumed: RunFolder | None, args: argparse.Namespace) -> TrainingResult:
    from ..inference.pretrained import weights_path
    from ..training.run_folder import RunFolder

    init = None if args.init is None else weights_path(args.init)
    if resumed is not None:
        return train_into(lambda: resumed, config, init, resume=True)
    return train_into(lambda: RunFolder.create(args.output, config), config, init, resume=False)


def train_into(
    make_folder: Callable[[], RunFolder], config: Config, init: Path | None, resume: bool
) -> TrainingResult:
    """Trains with the teachers, if any, and the plates of the configuration.

    Args:
        make_folder: called when frameworks and data have been found to be there.
        config: the resolved configuration.
        init: a `.keras` file to begin with.
        resume: whether the folder holds what is to be continued.
    """
    from ..frameworks import import_keras

    import_keras()
    from ..dataset.sources import validation_source
    from ..plate.schema import load_schema
    from ._families import check_teachable, train_family
    from ._stopping import terminated_as_by_ctrl_c
    from ._teachers import load_teachers, remember_teachers

    check_teachable(config)
    schema = load_schema(config.model.label_schema)
    teachers = load_teachers(config, schema) if config.distill.teachers else None
    training = _training_source(config, schema, teachers)
    validation = validation_source(config, schema)
    folder = make_folder()
    remember_teachers(folder, config)
    print(f"training {config.preset} into {folder.path}", flush=True)
    with terminated_as_by_ctrl_c():
        return train_family(config, folder, training, validation, init, resume, teachers)


def _training_source(config: Config, schema: LabelSchema, teachers: Teachers | None) -> Source:
    if teachers is None:
        from ..dataset.sources import training_source

        return training_source(config, schema)
    from ..training.echo import EchoedSource
    from ..training.taught_source import taught_source

    source = taught_source(config, schema, teachers.sizes)
    if config.distill.echo == 1:
        return source
    size = (config.model.height, config.model.width)
    return EchoedSource(source, size, teachers, config.distill.echo, config.train.seed)


def overrides_of(args: argparse.Namespace) -> list[str]:
    """Options that are values of the configuration, as `--set` writes them."""
    overrides = list(args.overrides)
    for key, paths in (("data.train", args.data), ("data.validation", args.validation)):
        if paths:
            overrides.append(list_override(key, map(existing, paths)))
    for key, folder in (("render.glyphs", args.glyphs), ("render.backgrounds", args.backgrounds)):
        if folder:
            overrides.append(f"{key}={_quoted(existing(folder))}")
    numbers = {
        "train.seed": args.seed,
        "data.workers": args.workers,
        "train.devices": args.devices,
    }
    for key, value in numbers.items():
        if value is not None:
            overrides.append(f"{key}={value}")
    return [*overrides, "data.cache=true"] if args.cache else overrides


def list_override(key: str, texts: Iterable[str]) -> str:
    """A list of texts as `--set` writes it."""
    return f"{key}=[{', '.join(map(_quoted, texts))}]"


def existing(path: str) -> str:
    """A path that is there, perhaps with a split of CCPD behind it; InputError where it is not."""
    from ..dataset.ccpd_records import without_split

    if not without_split(path)[0].exists():
        raise InputError(f"{path} does not exist; give a label file, a folder or TFRecords")
    return path


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

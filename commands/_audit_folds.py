"""Out-of-fold probabilities: every plate is read by a model that did not train on it."""

from __future__ import annotations

import gc
import hashlib
import json
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from ..configs import Config, dump_config
from ..dataset.dataset_util import RecordSource
from ..dataset.records import PlateRecord
from ..dataset.sources import training_source_of
from ..errors import InputError
from ..files import atomic_path, write_text
from ..frameworks import import_keras
from ..inference.runtimes import open_runtime
from ..training.run_folder import RunFolder
from ..utils.generate_txt import split_by_text
from ._auditing import LabelledPlates, Probabilities, merged, read_probabilities
from ._families import train_family

PROBABILITIES = "probabilities.npz"
SETTINGS = "settings.json"


class _Numbered(NamedTuple):
    """A plate to be put into a fold; pictures without a plate each count by themselves."""

    text: str
    number: int


def plate_folds(
    records: tuple[PlateRecord, ...], folds: int, seed: int
) -> list[npt.NDArray[np.int64]]:
    """The numbers of the plates in each fold; all pictures of one text are in one.

    Raises:
        InputError: there are fewer different plates than folds.
    """
    numbered = [_Numbered(each.text or str(each.path), i) for i, each in enumerate(records)]
    texts = len({each.text for each in numbered})
    if texts < folds:
        raise InputError(f"--folds {folds}: the data has only {texts} different plates")
    parts = split_by_text(numbered, [1] * folds, seed)
    return [np.array([each.number for each in part], np.int64) for part in parts]


def out_of_fold(
    plates: LabelledPlates, config: Config, folds: int, folder: Path, init: Path | None
) -> Probabilities | None:
    """Trains `folds` models, each without one fold, and lets it read that fold.

    What is there already is not done again: finished folds keep their probabilities in
    `folder`, and one that was interrupted goes on with its epoch.

    Returns:
        head name -> float32 [n, width]; None when Ctrl-C interrupted a training.

    Raises:
        InputError: `folder` holds the folds of other plates or another configuration.
    """
    _check_settings(plates, config, folds, folder, init)
    places = plate_folds(plates.records, folds, config.train.seed)
    parts = []
    for number, held_out in enumerate(places, start=1):
        place = folder / f"fold-{number}"
        file = place / PROBABILITIES
        if not file.is_file():
            print(f"fold {number} of {folds}: {len(held_out)} plates are held out", flush=True)
            final = _train(plates, held_out, config, place, init)
            if final is None:
                return None
            _read_fold(plates, held_out, final, file)
        parts.append(_stored(file))
    return merged(parts, places)


def _stored(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, AttributeError, BadZipFile) as error:
        raise InputError(f"{file} is damaged; remove it, and its fold is read again") from error


def _check_settings(
    plates: LabelledPlates, config: Config, folds: int, folder: Path, init: Path | None
) -> None:
    digest = hashlib.sha256(plates.labels.tobytes())
    digest.update("\n".join(str(record.path) for record in plates.records).encode())
    settings = {
        "plates": digest.hexdigest(),
        "folds": folds,
        "init": None if init is None else str(init),
        "configuration": dump_config(config),
    }
    text = json.dumps(settings, ensure_ascii=False, indent=1) + "\n"
    file = folder / SETTINGS
    if file.is_file() and file.read_text(encoding="utf-8") != text:
        raise InputError(
            f"{folder} holds the folds of other plates or settings; give another --output, or "
            "remove it"
        )
    write_text(file, text)


def _train(
    plates: LabelledPlates,
    held_out: npt.NDArray[np.int64],
    config: Config,
    place: Path,
    init: Path | None,
) -> Path | None:
    """The last epoch's model: the best one would be chosen by the plates that it is to judge."""
    inside = np.ones(len(plates.records), bool)
    inside[held_out] = False
    training = training_source_of(_relabelled(plates.only(inside)), config, plates.schema)
    validation = RecordSource(_relabelled(plates.only(~inside)), config, plates.schema)
    run, resume = _run_folder(place, config)
    result = train_family(config, run, training, validation, init=init, resume=resume)
    import_keras().backend.clear_session()
    gc.collect()
    return None if result.interrupted else run.final


def _relabelled(plates: LabelledPlates) -> list[PlateRecord]:
    """The records with labels of the model's schema."""
    return [
        PlateRecord(each.path, labels, each.text, each.colour, each.rows, each.line)
        for each, labels in zip(plates.records, plates.labels, strict=True)
    ]


def _run_folder(place: Path, config: Config) -> tuple[RunFolder, bool]:
    """The run that was begun there and can go on, or a new one; whether it is to be resumed."""
    for begun in sorted(place.glob("*-[0-9][0-9][0-9]"), reverse=True):
        if (begun / "last.keras").is_file():
            return RunFolder.open(begun), True
    return RunFolder.create(place, config), False


def _read_fold(
    plates: LabelledPlates, held_out: npt.NDArray[np.int64], model: Path, file: Path
) -> None:
    """Writes the model's probabilities of the plates that it did not train on."""
    runtime = open_runtime(model)
    paths = [plates.records[i].path for i in held_out]
    probabilities, _ = read_probabilities(paths, runtime, "plates held out")
    with atomic_path(file) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **probabilities)  # type: ignore[arg-type]

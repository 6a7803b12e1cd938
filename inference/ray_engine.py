"""Reading on all machines of a Ray cluster: one reader a worker, the same readings out."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from .reader import Reader
from .reading import Reading
from .remote import is_remote, remote_picture
from .sources import Source, name_of

# So many pictures are handed to the cluster together; their names are in memory meanwhile.
WINDOW = 100_000
# A worker's task: small enough that little is done again when a worker dies.
TASK = 256


class RayEngine:
    """Reads files that every machine of the cluster sees: on a common disk, or at addresses.

    It joins the cluster that `RAY_ADDRESS` or `ray start` names, or starts one on this machine.
    Ray does again what a worker that died had begun; readings come once each and in order.

    Args:
        model: as of `Reader`; a path must be the same on every machine.
        runtime, threads: as of `Reader`; None is 1 thread a worker.
        min_confidence: what a reading's confidence must reach, 0 to 1.
        constrain: as of `Reader.read`.
        workers: readers at the same time; None: as many as the cluster has processors for.
        window: pictures that are handed over together.
        second_look, second_model, provinces: as of `Reader`.

    Raises:
        InputError: Ray is missing, or less than one worker.
    """

    def __init__(
        self,
        model: str,
        runtime: str | None,
        threads: int | None,
        min_confidence: float,
        constrain: bool,
        workers: int | None = None,
        window: int = WINDOW,
        second_look: bool | None = None,
        second_model: str | None = None,
        provinces: Mapping[str, float] | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError("--workers is a whole number of at least 1")
        self._reader = (model, runtime, threads or 1, second_look, second_model, provinces)
        self._reading = (min_confidence, constrain)
        self._workers = workers
        self._window = window
        self._ray = _start_ray()

    def read(self, sources: Iterable[Source]) -> Iterator[Reading]:
        """Readings in the order of their sources, which are paths and addresses.

        Raises:
            InputError: the cluster fails, or does not answer for every picture.
        """
        names = (name_of(source) or "" for source in sources)
        while window := list(islice(names, self._window)):
            try:
                yield from self._read_window(window)
            except self._ray.exceptions.RayError as error:
                reason = str(error).strip().splitlines()[-1]
                raise InputError(f"the Ray cluster cannot read: {reason}") from error

    def _read_window(self, names: list[str]) -> Iterator[Reading]:
        data = self._ray.data
        items = [{"place": place, "path": _path(name)} for place, name in enumerate(names)]
        dataset = data.from_items(items, override_num_blocks=-(-len(items) // TASK)).map_batches(
            _Worker,
            fn_constructor_args=(*self._reader, *self._reading),
            batch_size=TASK,
            batch_format="numpy",
            compute=data.ActorPoolStrategy(size=self._pool_size(len(items))),
            num_cpus=self._reader[2],
        )
        found: dict[int, Reading] = {}
        place = 0
        for batch in dataset.iter_batches(batch_size=None, batch_format="numpy"):
            readings = map(pickle.loads, batch["reading"])
            found.update(zip(batch["place"].tolist(), readings, strict=True))
            # Batches of several workers come as they are finished.
            while place in found:
                yield replace(found.pop(place), file=names[place])
                place += 1
        if place != len(items):
            raise InputError(f"the Ray cluster read {place} of {len(items)} pictures, then ended")

    def _pool_size(self, pictures: int) -> int:
        """As many workers as were wanted, have a processor, and have something to do."""
        processors = int(self._ray.cluster_resources().get("CPU", 1))
        room = processors // self._reader[2]
        if not room:
            raise InputError(
                f"a worker of {self._reader[2]} threads wants as many processors; the cluster has "
                f"{processors}"
            )
        return max(1, min(self._workers or room, room, -(-pictures // TASK)))


class _Worker:
    """A reader on some machine of the cluster."""

    def __init__(
        self,
        model: str,
        runtime: str | None,
        threads: int,
        second_look: bool | None,
        second_model: str | None,
        provinces: Mapping[str, float] | None,
        min_confidence: float,
        constrain: bool,
    ) -> None:
        self._reader = Reader(
            model,
            runtime,
            threads,
            second_look=second_look,
            second_model=second_model,
            provinces=provinces,
        )
        self._min_confidence, self._constrain = min_confidence, constrain

    def __call__(self, batch: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """The readings, pickled, of a batch of paths."""
        sources = [_source(path) for path in batch["path"]]
        readings = self._reader.read(sources, self._min_confidence, self._constrain)
        pickled = np.empty(len(readings), object)
        pickled[:] = [pickle.dumps(reading) for reading in readings]
        return {"place": batch["place"], "reading": pickled}


def _path(name: str) -> bytes:
    """A picture's name as every machine finds it, whatever its working folder and encoding."""
    return os.fsencode(name if is_remote(name) else os.path.abspath(name))


def _source(path: bytes) -> Source:
    name = os.fsdecode(path)
    return remote_picture(name) if is_remote(name) else Path(name)


def _start_ray() -> Any:
    # Ray tells its makers of every start unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray = import_module("ray")
        import_module("ray.data")
    except ModuleNotFoundError as error:
        raise InputError('--engine ray needs Ray: pip install "chepai[ray]"') from error
    if not ray.is_initialized():
        ray.init(logging_level=logging.WARNING, log_to_driver=False)
    # It remarks on every setting; what fails is raised.
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    return ray

"""The interface of a runtime, and what each of them has to make sure of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ..model_card import ModelCard


class Runtime(Protocol):
    """A loaded model; several threads may run it."""

    card: ModelCard

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Runs one batch.

        Args:
            images: uint8 RGB [n, height, width, 3] of the card's size; n of at least 1.

        Returns:
            For every head its probabilities, float32 [n, width].
        """


@runtime_checkable
class SingleThreaded(Protocol):
    """A runtime that can also run many batches at once, each on the thread that asks for it.

    Where there are enough pictures, this is more work done than one batch at a time on all
    processors: no thread waits for another.
    """

    def on_one_thread(self) -> Runtime | None:
        """The same model; several threads may call its `run` at the same time.

        None where whole batches are better: on an accelerator, or for a file of a fixed batch.
        """


def one_thread_of(runtime: Runtime) -> Runtime | None:
    """What `on_one_thread` gives; None also where a runtime has no such way."""
    return runtime.on_one_thread() if isinstance(runtime, SingleThreaded) else None


def check_interface(
    path: Path, card: ModelCard, image: Sequence[Any] | None, widths: Mapping[str, Any]
) -> None:
    """Refuses a file whose input and outputs are not those that its card names.

    Args:
        image: the shape of its input `image`, batch first; None where there is no such input.
        widths: the last size of each output, by name.

    Raises:
        InputError: they differ.
    """
    size = (card.height, card.width, 3)
    if image is None or tuple(image)[1:] != size or dict(widths) != card.output_sizes:
        raise InputError(f"{path}: its inputs and outputs are not what its metadata says")


def cannot_load(runtime: str, path: Path, error: Exception) -> InputError:
    """The one sentence of a library's exception; they share no base class."""
    lines = str(error).strip().splitlines()
    return InputError(f"{runtime} cannot load {path}: {lines[0] if lines else repr(error)}")

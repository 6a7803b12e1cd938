"""From whatever a user has to pixels: paths, bytes and arrays, decoded ahead in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from ..plate.image import ImageError, load_image, resize

# One picture: the path of a file, the bytes of a file, or RGB or grey pixels.
Source: TypeAlias = str | os.PathLike[str] | bytes | npt.NDArray[Any]


@dataclass(frozen=True)
class Picture:
    """A decoded source: the model's pixels uint8 RGB [height, width, 3], or why there are none."""

    file: str | None
    pixels: npt.NDArray[np.uint8] | None
    error: str | None = None


def each_source(sources: Source | Iterable[Source]) -> Iterable[Source]:
    """One source, or several: an array [n, h, w, 3] counts as n pictures."""
    one_array = isinstance(sources, np.ndarray) and sources.ndim < 4
    if one_array or isinstance(sources, str | os.PathLike | bytes | bytearray | memoryview):
        return (sources,)  # type: ignore[return-value]
    return sources


def decode(source: Source, height: int, width: int) -> Picture:
    """Loads and resizes one source; what is wrong with it is told, not raised."""
    file = os.fspath(source) if isinstance(source, str | os.PathLike) else None
    try:
        image = load_image(_plain(source))
        return Picture(file, resize(image, height, width))
    except ImageError as error:
        return Picture(file, None, error.reason)
    # A path may hold what no file system takes; a picture may be larger than memory.
    except (OSError, ValueError, MemoryError, cv2.error) as error:
        return Picture(file, None, str(error) or type(error).__name__)


def decoded_batches(
    sources: Iterable[Source], size: int, height: int, width: int, workers: int
) -> Iterator[list[Picture]]:
    """Pictures in the order of their sources, `size` at a time, decoded while others are read.

    At most two batches of sources are taken ahead, so an endless or lazy iterable is fine and
    memory does not grow with the number of pictures.
    """
    remaining = iter(sources)
    pending: deque[Future[Picture]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="chepai-decode") as pool:
        try:
            while True:
                for source in islice(remaining, 2 * size - len(pending)):
                    # Who yields frames may fill the same array again before it is decoded.
                    kept = source.copy() if isinstance(source, np.ndarray) else source
                    pending.append(pool.submit(decode, kept, height, width))
                if not pending:
                    return
                yield [pending.popleft().result() for _ in range(min(size, len(pending)))]
        finally:
            pool.shutdown(cancel_futures=True)


def _plain(source: Source) -> Path | bytes | npt.NDArray[Any]:
    if isinstance(source, str | os.PathLike):
        return Path(source)
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, bytes | np.ndarray):
        return source
    raise ImageError(f"a path, bytes or an array was expected, not {type(source).__name__}")

"""Running a model of fixed or of limited batch size on any number of pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Images: TypeAlias = npt.NDArray[np.uint8]
Probabilities: TypeAlias = dict[str, npt.NDArray[np.float32]]


def in_batches(
    run: Callable[[Images], Probabilities], images: Images, size: int | None, fixed: bool = True
) -> Probabilities:
    """`run`'s answers for all images, in order.

    Args:
        run: takes uint8 [batch, height, width, 3], gives float32 [batch, width] for each head.
        size: pictures in one run; None: any number.
        fixed: whether every run has exactly `size`, the last being filled up; otherwise at most.
    """
    if size is None or (len(images) <= size and not fixed):
        return run(images)
    parts = [images[start : start + size] for start in range(0, len(images), size)]
    answers = [run(_filled(part, size) if fixed else part) for part in parts]
    return {
        head: np.concatenate([answer[head] for answer in answers])[: len(images)]
        for head in answers[0]
    }


def _filled(images: Images, count: int) -> Images:
    missing = count - len(images)
    return images if missing == 0 else np.concatenate([images, np.repeat(images[-1:], missing, 0)])

"""Whether an exported model reads as its source does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..inference.model_card import ModelCard
from ..inference.reading import DEFAULT_MIN_CONFIDENCE
from ..inference.runtimes import Runtime
from ..plate.decoding import decode_outputs

Images = npt.NDArray[np.uint8]
Probabilities = dict[str, npt.NDArray[np.float32]]
_BATCH = 64


@dataclass(frozen=True)
class Agreement:
    """How two models answered the same pictures.

    Attributes:
        pictures: how many.
        difference: the largest of a probability; infinite where one is no number.
        loss: the mean over pictures and heads of half the sum of the probabilities'
            differences, 0 to 1: what share of the probability moved to other classes.
        changed: readings that are another text.
        sure: pictures that the source reads with at least `DEFAULT_MIN_CONFIDENCE`.
        changed_sure: those of them whose text changed.
    """

    pictures: int
    difference: float
    loss: float
    changed: int
    sure: int
    changed_sure: int


@dataclass(frozen=True)
class Bar:
    """The most that an export may have of an agreement's `difference` and `loss`, and the share of
    the sure readings that may change.
    """

    difference: float
    loss: float
    changed_sure: float


BARS = {
    # float32 in another order of summing gives 1e-6 in convolutional models and up to 3e-4 behind
    # attention; a wrongly translated operator gives far more.
    "fp32": Bar(difference=1e-3, loss=1e-3, changed_sure=0.0),
    # On 2,700 plates `default` has 0.002 in float16.
    "fp16": Bar(difference=0.05, loss=0.005, changed_sure=0.0),
    # And in int8, on single plates, up to 0.5; a loss of 0.004 on the hardest.
    "int8": Bar(difference=1.0, loss=0.03, changed_sure=0.01),
}


def answers_of(runtime: Runtime, pictures: Images, size: int = _BATCH) -> Probabilities:
    """A model's probabilities of all pictures, float32 [n, width] by head."""
    parts = [runtime.run(pictures[i : i + size]) for i in range(0, len(pictures), size)]
    return {head: np.concatenate([part[head] for part in parts]) for head in parts[0]}


def surely_read(card: ModelCard, answers: Probabilities) -> npt.NDArray[np.bool_]:
    """Which pictures a model reads with at least `DEFAULT_MIN_CONFIDENCE`, bool [n]."""
    plates = decode_outputs(card.schema, card.family, answers)
    return np.array([plate.confidence >= DEFAULT_MIN_CONFIDENCE for plate in plates], np.bool_)


def agreement(card: ModelCard, wanted: Probabilities, received: Probabilities) -> Agreement:
    """Compares the answers of two models of one card to the same pictures."""
    moved, largest = [], 0.0
    for head in card.output_sizes:
        distance = np.abs(wanted[head].astype(np.float64) - received[head])
        # A NaN must not pass as small.
        largest = max(largest, float(np.nan_to_num(distance, nan=np.inf).max()))
        moved.append(distance.sum(axis=-1).mean() / 2)
    first, second = (
        decode_outputs(card.schema, card.family, answers) for answers in (wanted, received)
    )
    changed = np.array([one.text != other.text for one, other in zip(first, second, strict=True)])
    sure = surely_read(card, wanted)
    counts = (int(each.sum()) for each in (changed, sure, changed & sure))
    return Agreement(len(first), largest, float(np.mean(moved)), *counts)


def check_agreement(found: Agreement, precision: str, name: str) -> None:
    """Refuses an export that reads otherwise than its source.

    Raises:
        InputError: it says by how much.
    """
    bar = BARS[precision]
    if not found.difference <= bar.difference:
        what = f"differs from its source by {found.difference:.2g} in a probability, more than"
        limit = f"{bar.difference:g}"
    elif not found.loss <= bar.loss:
        what = f"gives {found.loss:.1%} of the probability to other classes than its source, more"
        limit = f"than {bar.loss:.1%}"
    elif found.changed_sure > bar.changed_sure * found.sure:
        what = f"reads {found.changed_sure} of {found.sure} plates otherwise than its source, which"
        limit = f"was sure of them, more than {bar.changed_sure:.1%}"
    else:
        return
    raise InputError(f"the exported {name} {what} {limit}; it was not kept")

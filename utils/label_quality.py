"""How far a model's probabilities contradict labels: confident learning for each head.

Reference: Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset
Labels, 2021, https://arxiv.org/abs/1911.00068; `cleanlab` is its authors' implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SUSPICIOUS = 0.5
"""Scores below it: another class is confidently there, and more so than the label's."""
PRIOR = 10.0
"""So many made-up labels of average confidence join those of every class. Provinces and kinds are
rare: a class with one label, a wrong one, would otherwise ask for no confidence at all."""
_TINY = 1e-12


@dataclass(frozen=True)
class Ranking:
    """Plates from the most suspicious label to the least.

    Attributes:
        order: int64 [n], numbers of plates.
        scores: float64 [n] by plate, 0 (surely wrong) to 1, in the plates' own order.
        heads: int64 [n] by plate, the head that its score is of.
    """

    order: npt.NDArray[np.int64]
    scores: Floats
    heads: npt.NDArray[np.int64]


def class_thresholds(
    labels: npt.NDArray[np.int32], probabilities: npt.NDArray[np.floating], prior: float = PRIOR
) -> Floats:
    """The average probability that plates labelled with a class give it: float64 [width].

    Args:
        labels: int [n], negative where unknown.
        probabilities: [n, width], of a model that did not learn these labels.
        prior: how many labels of the head's average join each class; 0: the paper's thresholds,
            with the average for classes that no plate has.
    """
    known = labels >= 0
    own = probabilities[known, labels[known]].astype(np.float64)
    width = probabilities.shape[1]
    if not len(own):
        return np.ones(width)
    counts = np.bincount(labels[known], minlength=width)
    sums = np.bincount(labels[known], weights=own, minlength=width)
    average = own.mean()
    filled = np.where(counts + prior > 0, counts + prior, 1.0)
    return np.where(counts + prior > 0, (sums + prior * average) / filled, average)


def label_scores(
    labels: npt.NDArray[np.int32], probabilities: npt.NDArray[np.floating], prior: float = PRIOR
) -> Floats:
    """How much a head believes each label: float64 [n], 0 to 1, and 1 where it is unknown.

    With r_j = p_j / threshold_j, the label y and the class c of the largest other r, the share
    s = r_y / (r_y + r_c) says which of the two is more at home here. Confident learning counts
    the label as wrong where r_c is at least 1 and above r_y: then the score is s, below 0.5.
    Otherwise it is 0.5 + s / 2.
    """
    known = labels >= 0
    scores = np.ones(len(labels))
    if not known.any():
        return scores
    thresholds = np.maximum(class_thresholds(labels, probabilities, prior), _TINY)
    ratios = probabilities[known].astype(np.float64) / thresholds
    rows, own = np.arange(len(ratios)), labels[known]
    mine = ratios[rows, own].copy()
    ratios[rows, own] = -1.0
    other = ratios.max(axis=1)
    share = mine / np.maximum(mine + other, _TINY)
    contradicted = (other >= 1) & (other > mine)
    scores[known] = np.where(contradicted, share, 0.5 + share / 2)
    return scores


def rank_plates(
    labels: npt.NDArray[np.int32], probabilities: Sequence[npt.NDArray[np.floating]]
) -> Ranking:
    """Ranks plates by their least believed head; of equal ones the less believed as a whole first.

    Args:
        labels: int32 [n, heads], negative where unknown.
        probabilities: of each head, [n, width].
    """
    scores = np.stack(
        [label_scores(labels[:, head], values) for head, values in enumerate(probabilities)],
        axis=1,
    )
    least = scores.min(axis=1)
    order = np.lexsort((scores.mean(axis=1), least))
    return Ranking(order, least, scores.argmin(axis=1))

"""All ways to write something into columns, one by one: slow, and obviously right."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    """A path without repetitions and blanks."""
    return tuple(number for number, _ in itertools.groupby(path) if number)


def by_text(probabilities: np.ndarray) -> dict[tuple[int, ...], list[float]]:
    """Of one plate [columns, classes] the probabilities of all paths, by the text they write."""
    found = defaultdict(list)
    columns, classes = probabilities.shape
    for path in itertools.product(range(classes), repeat=columns):
        found[collapsed(path)].append(float(np.prod(probabilities[range(columns), path])))
    return found


def text_probability(probabilities: np.ndarray, text: tuple[int, ...]) -> float:
    """Of one plate [columns, classes] the sum over all paths that write a text (Graves 2006)."""
    states = [0]
    for number in text:
        states += [number, 0]
    forward = np.zeros(len(states))
    forward[0] = 1.0
    for t, column in enumerate(probabilities):
        new = forward.copy() if t else np.where(np.arange(len(states)) < 1, forward, 0.0)
        for i in range(1, len(states)):
            new[i] += forward[i - 1]
            if i > 1 and states[i] and states[i] != states[i - 2]:
                new[i] += forward[i - 2]
        forward = new * column[states]
    return float(forward[-2:].sum())


def softmaxes(shape: tuple[int, ...], seed: int, sharpness: float = 2.0) -> np.ndarray:
    """Random float64 probabilities over the last axis."""
    values = np.exp(sharpness * np.random.default_rng(seed).normal(size=shape))
    return values / values.sum(-1, keepdims=True)

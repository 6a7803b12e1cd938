"""Planted errors are as many as asked for, possible, repeatable, and found by the ranking."""

from __future__ import annotations

import numpy as np
import pytest
from chepai.dataset.synthetic.texts import TextSampler
from chepai.dataset.wrong_labels import plant_wrong_labels
from chepai.errors import InputError
from chepai.plate.codec import describe, encode
from chepai.plate.grammar import is_possible
from chepai.plate.schema import load_schema
from chepai.utils.label_quality import rank_plates

CN = load_schema("cn")
TEXT_HEADS = [i for i, head in enumerate(CN.heads) if head.role in ("character", "length")]


def labels_of(count: int, seed: int = 1) -> np.ndarray:
    sampler, rng = TextSampler(CN), np.random.default_rng(seed)
    plates = [sampler.draw(rng) for _ in range(count)]
    return np.stack([encode(CN, each.text, each.colour, each.rows) for each in plates])


def test_exactly_the_share_becomes_wrong_and_the_rest_stays():
    labels = labels_of(400)
    wrong, planted = plant_wrong_labels(labels, CN, 0.05, seed=3)
    assert len(planted) == 20
    assert np.array_equal(np.flatnonzero((wrong != labels).any(axis=1)), planted)
    texts = [(describe(CN, wrong[i]).text, describe(CN, labels[i]).text) for i in planted]
    assert all(made != was and is_possible(made, CN) for made, was in texts)
    one_character = [
        len(made) == len(was) and sum(a != b for a, b in zip(made, was, strict=True)) == 1
        for made, was in texts
    ]
    assert 5 <= sum(one_character) <= 15


def test_the_same_seed_errs_in_the_same_way():
    labels = labels_of(200)
    first, second = (plant_wrong_labels(labels, CN, 0.1, seed=8) for _ in range(2))
    assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])
    assert not np.array_equal(plant_wrong_labels(labels, CN, 0.1, seed=9)[1], first[1])


def test_pictures_without_a_plate_keep_their_labels():
    labels = np.concatenate([labels_of(50), np.stack([encode(CN, "")] * 50)])
    _, planted = plant_wrong_labels(labels, CN, 0.4, seed=1)
    assert planted.max() < 50
    with pytest.raises(InputError, match="only 50 of 100 labels are of plates"):
        plant_wrong_labels(labels, CN, 0.6, seed=1)


def test_one_plate_many_times_cannot_be_made_wrong():
    with pytest.raises(InputError, match="too few different plates"):
        plant_wrong_labels(np.stack([encode(CN, "京AAAAAA")] * 9), CN, 0.5, seed=1)


def reader_outputs(labels: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Softmaxes of a reader that is sure of most plates, unsure of some, and misreads 2 % of them.

    A misreading takes one character for another with a confidence of 0.6 to 0.95.
    """
    sureness = np.where(rng.random(len(labels)) < 0.15, rng.uniform(0.4, 0.8, len(labels)), 0.97)
    misread = rng.random(len(labels)) < 0.02
    place = rng.integers(0, 6, len(labels))
    outputs = []
    for number, head in enumerate(TEXT_HEADS):
        width = CN.heads[head].width
        rows = np.arange(len(labels))
        shown = np.maximum(labels[:, head], 0)
        share = np.clip(sureness + rng.normal(0, 0.02, len(labels)), 0.2, 0.999)
        wrong = misread & (place == number)
        shown = np.where(
            wrong, (shown + 1 + rng.integers(0, width - 1, len(labels))) % width, shown
        )
        share = np.where(wrong, rng.uniform(0.6, 0.95, len(labels)), share)
        values = rng.dirichlet(np.full(width, 0.2), len(labels)) * (1 - share)[:, None]
        values[rows, shown] += share
        outputs.append(values)
    return outputs


@pytest.mark.parametrize("seed", range(3))
def test_nine_of_ten_planted_errors_are_among_the_first_eight_in_a_hundred(seed: int):
    labels = labels_of(1500, seed)
    outputs = reader_outputs(labels, np.random.default_rng([seed, 7]))
    wrong, planted = plant_wrong_labels(labels, CN, 0.05, seed)
    ranking = rank_plates(wrong[:, TEXT_HEADS], outputs)
    first = ranking.order[: int(0.08 * len(labels))]
    assert np.isin(planted, first).mean() >= 0.9

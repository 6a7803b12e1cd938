"""Temperatures are found again, parts share no plate, errors of confidences are as by hand."""

from __future__ import annotations

import numpy as np
import pytest
from chepai.plate.schema import Head, LabelSchema, load_schema
from chepai.plate.temperature import soften
from chepai.training.calibration import (
    Bin,
    expected_calibration_error,
    fit_temperatures,
    fitting_plates,
    head_results,
    mean_loss,
    plates_in_all,
    reliability,
    split_plates,
)

SCHEMA = LabelSchema(
    "three",
    (
        Head("char_1", "character", tuple("ABCDE")),
        Head("char_2", "character", tuple("0123456789")),
        Head("rows", "rows", ("1", "2")),
    ),
)


def world(plates: int, temperature: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Labels drawn by the true probabilities, and what a model that is off by a temperature says.

    Its logits are the true ones times the temperature, so that dividing by it mends them.
    """
    rng = np.random.default_rng(11)
    given, labels = {}, []
    for head in SCHEMA.heads:
        logits = rng.normal(0, 2.5, (plates, head.width))
        drawn = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
        powers = np.exp(logits * temperature)
        given[head.name] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        labels.append(drawn)
    return given, np.stack(labels, axis=1).astype(np.int32)


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_a_planted_temperature_is_found_and_mends_the_confidences(temperature: float):
    given, labels = world(4000, temperature)
    found = fit_temperatures(given, labels, SCHEMA)
    assert list(found.values()) == pytest.approx([temperature] * 3, rel=0.08)
    after = reliability(*head_results(soften(given, found), labels, SCHEMA))
    assert expected_calibration_error(after) < 0.03
    if temperature != 1.0:
        before = reliability(*head_results(given, labels, SCHEMA))
        assert expected_calibration_error(before) > 0.05


def test_no_temperature_near_the_one_found_is_likelier():
    given, labels = world(3000, 1.8)
    found = fit_temperatures(given, labels, SCHEMA)["char_2"]
    losses = [mean_loss(given["char_2"], labels[:, 1], found * by) for by in (0.9, 1.0, 1.1)]
    assert min(losses) == losses[1]
    clear = np.array([[0.9, 0.1], [0.2, 0.8]])
    loss = -(np.log(0.9) + np.log(0.2)) / 2
    assert mean_loss(clear, np.array([0, 0])) == pytest.approx(loss)


def test_a_head_without_a_mistake_is_not_made_infallible():
    given, labels = world(60, 1.0)
    labels[:] = np.stack([values.argmax(axis=1) for values in given.values()], axis=1)
    given["rows"][:] = [0.97, 0.03]
    labels[:, 2] = 0
    found = fit_temperatures(given, labels, SCHEMA)
    assert 0.1 < found["char_1"] < 1
    alone = np.full_like(labels, -1)
    alone[:, 2] = 0
    assert 0.6 < fit_temperatures(given, alone, SCHEMA)["rows"] <= 1


def test_a_head_without_labels_takes_what_the_characters_have_in_common():
    given, labels = world(3000, 2.0)
    labels[:, 2] = -1
    assert fit_temperatures(given, labels, SCHEMA)["rows"] == pytest.approx(2.0, rel=0.1)
    labels[:] = -1
    found = fit_temperatures(given, labels, SCHEMA)
    assert list(found.values()) == pytest.approx([1.0] * 3, abs=1e-3)


def test_no_plate_is_in_both_parts_and_each_tests_once():
    texts = [f"京A{number // 3:05}" for number in range(900)] + [""] * 40
    fitting, testing = split_plates(texts, seed=5)
    assert len({texts[i] for i in fitting} - {""}) + len({texts[i] for i in testing} - {""}) == 300
    assert not ({texts[i] for i in fitting} & {texts[i] for i in testing}) - {""}
    tested = [texts[i] for i in testing if texts[i]]
    assert len(tested) == len(set(tested))
    # All pictures of a fitting plate are used, and pictures without a plate are no one plate.
    assert sum(1 for i in fitting if texts[i]) == 3 * len({texts[i] for i in fitting} - {""})
    assert 20 < sum(1 for i in testing if not texts[i]) < 40
    again = split_plates(texts, seed=5)
    assert np.array_equal(fitting, again[0]) and np.array_equal(testing, again[1])
    assert not np.array_equal(testing, split_plates(texts, seed=6)[1])


def test_enough_plates_in_all_leave_enough_to_test():
    for wanted in (1, 299, 2995, 6000, 50_000):
        plates = plates_in_all(wanted)
        assert plates - fitting_plates(plates) >= wanted
        assert (plates - 1) - fitting_plates(plates - 1) < wanted


def test_bins_and_their_error_by_hand():
    bins = reliability([0.95, 1.0, 0.93, 0.2, 0.3], [True, True, False, False, True], bins=10)
    assert [each.count for each in bins] == [1, 1, 3]
    assert bins[-1] == Bin(pytest.approx(0.96), pytest.approx(2 / 3), 3)
    # 1/5 |0.2 - 0| + 1/5 |0.3 - 1| + 3/5 |0.96 - 2/3|
    assert expected_calibration_error(bins) == pytest.approx(0.04 + 0.14 + 0.176)
    assert expected_calibration_error([]) == 0


def test_only_what_a_plates_confidence_is_made_of_counts():
    given, labels = world(10, 1.0)
    labels[3, 0] = -1
    assert len(head_results(given, labels, SCHEMA)[0]) == 19
    cn = load_schema("cn")
    uniform = {head.name: np.full((2, head.width), 1 / head.width) for head in cn.heads}
    assert len(head_results(uniform, np.zeros((2, 11), np.int32), cn)[0]) == 2 * 9

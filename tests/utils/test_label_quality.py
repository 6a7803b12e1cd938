"""Scores of labels: by hand, against cleanlab's figures, and on planted errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from chepai.utils.label_quality import (
    SUSPICIOUS,
    class_thresholds,
    label_scores,
    rank_plates,
)

# What cleanlab 2.9.0 says of 60 labels of 4 classes, class 3 without any, and how to make it again.
GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "confident_learning.json").read_text("utf-8")
)
LABELS = np.array(GOLDEN["labels"], np.int32)
PROBABILITIES = np.array(GOLDEN["probabilities"])


def test_thresholds_are_each_class_s_average_confidence():
    labels = np.array([0, 0, 1, -1], np.int32)
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5], [0.4, 0.6], [0.0, 1.0]])
    assert class_thresholds(labels, probabilities, prior=0) == pytest.approx([0.7, 0.6])


def test_thresholds_are_cleanlab_s_without_a_prior():
    thresholds = class_thresholds(LABELS, PROBABILITIES, prior=0)
    present = sorted(set(LABELS.tolist()))
    assert thresholds[present] == pytest.approx(np.array(GOLDEN["thresholds"])[present], abs=1e-12)


def test_what_cleanlab_counts_as_wrong_is_below_the_threshold():
    """Save where two classes are confident at once: there cleanlab compares p itself."""
    below = label_scores(LABELS, PROBABILITIES, prior=0) < SUSPICIOUS
    wrong = np.zeros(len(LABELS), bool)
    wrong[GOLDEN["label_issues"]] = True
    confident = (np.array(GOLDEN["thresholds"])[:3] <= PROBABILITIES[:, :3]).sum(axis=1)
    assert wrong.sum() >= 8
    assert np.array_equal(below[confident < 2], wrong[confident < 2])


def test_a_score_is_the_label_s_share_against_the_strongest_other_class():
    labels = np.array([0] * 4 + [1] * 4, np.int32)
    probabilities = np.array([[0.8, 0.2]] * 3 + [[0.2, 0.8]] + [[0.2, 0.8]] * 4)
    scores = label_scores(labels, probabilities, prior=0)
    # Thresholds: (3 x 0.8 + 0.2) / 4 = 0.65 and 0.8, so r = 0.2 / 0.65 and 0.8 / 0.8.
    mine, other = 0.2 / 0.65, 1.0
    assert scores[3] == pytest.approx(mine / (mine + other))
    mine, other = 0.8 / 0.65, 0.2 / 0.8
    assert scores[0] == pytest.approx(0.5 + mine / (mine + other) / 2)


def test_an_uncertain_model_contradicts_nothing():
    """No class reaches its threshold, though the label's is not the most probable one."""
    labels = np.array([0, 1, 0], np.int32)
    probabilities = np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.3, 0.4, 0.3]])
    assert label_scores(labels, probabilities, prior=0)[2] > SUSPICIOUS


def test_unknown_labels_are_not_judged():
    labels = np.array([-1, 0], np.int32)
    scores = label_scores(labels, np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert scores[0] == 1.0
    assert np.array_equal(label_scores(np.full(3, -1, np.int32), np.eye(3)), np.ones(3))


def test_the_only_label_of_a_class_is_found_when_it_is_wrong():
    labels = np.array([0] * 50 + [1], np.int32)
    probabilities = np.array([[0.97, 0.03]] * 50 + [[0.98, 0.02]])
    assert label_scores(labels, probabilities)[50] < 0.1
    # By the paper's own thresholds its class, seen only here, would be as good as the other.
    assert label_scores(labels, probabilities, prior=0)[50] > 0.49


def test_a_plate_is_as_doubtful_as_its_least_believed_head():
    labels = np.array([[0, 0], [0, 1], [0, 0], [0, 0]], np.int32)
    sure, unsure = [0.98, 0.02], [0.6, 0.4]
    heads = [np.array([sure, sure, sure, unsure]), np.array([sure, sure, sure, sure])]
    ranking = rank_plates(labels, heads)
    assert ranking.order[0] == 1 and ranking.heads[1] == 1
    assert ranking.order[1] == 3 and ranking.heads[3] == 0
    assert ranking.scores[1] < SUSPICIOUS < ranking.scores[3]

"""The masked cross entropy against numbers worked by hand; losses by name."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.configs import LossConfig, load_config
from chepai.errors import InputError
from chepai.multi_label.classifier_loss import (
    HarmonizedCrossEntropy,
    MaskedCrossEntropy,
    MaskedFocal,
    MaskedSigmoidFocal,
    build_loss,
    head_weights,
    loss_names,
)
from chepai.plate.schema import LabelSchema

PROBABILITIES = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]], "float32")


def loss_of(labels: list[int], smoothing: float = 0.0) -> float:
    loss = MaskedCrossEntropy(label_smoothing=smoothing)
    return float(loss(np.array(labels, "int32"), PROBABILITIES))


def test_the_average_is_over_valid_rows_only() -> None:
    assert loss_of([0, 1, 2]) == pytest.approx(-np.log(0.5 * 0.8 * 0.6) / 3, rel=1e-6)
    assert loss_of([0, -1, 2]) == pytest.approx(-np.log(0.5 * 0.6) / 2, rel=1e-6)
    assert loss_of([-1, -1, 1]) == pytest.approx(-np.log(0.2), rel=1e-6)


def test_a_batch_without_a_valid_label_costs_nothing() -> None:
    assert loss_of([-1, -1, -1]) == 0.0


def test_smoothing_is_the_originals() -> None:
    # y = (1 - 0.3) y + 0.3 / 3: of the second row (label 1) 0.1, 0.8, 0.1.
    expected = -(0.1 * np.log(0.1) + 0.8 * np.log(0.8) + 0.1 * np.log(0.1))
    assert loss_of([-1, 1, -1], smoothing=0.3) == pytest.approx(expected, rel=1e-6)


def test_it_is_kerass_sparse_cross_entropy_with_ignored_class() -> None:
    labels = np.array([2, -1, 1], "int32")
    theirs = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)(labels, PROBABILITIES)
    assert loss_of([2, -1, 1]) == pytest.approx(float(theirs), rel=1e-5)


def test_the_configured_loss_survives_a_round_trip() -> None:
    loss = build_loss(LossConfig(label_smoothing=0.005))
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(copy, MaskedCrossEntropy)
    assert copy.label_smoothing == 0.005


@pytest.mark.parametrize("name", loss_names())
def test_every_loss_leaves_masked_rows_out(name: str) -> None:
    loss = build_loss(LossConfig(name=name, label_smoothing=0.1))
    valid = float(loss(np.array([0, 2], "int32"), PROBABILITIES[[0, 2]]))
    assert float(loss(np.array([0, -1, 2], "int32"), PROBABILITIES)) == pytest.approx(valid)
    assert float(loss(np.array([-1, -1, -1], "int32"), PROBABILITIES)) == 0.0


@pytest.mark.parametrize("name", loss_names())
def test_every_loss_survives_a_round_trip(name: str) -> None:
    loss = build_loss(LossConfig(name=name, label_smoothing=0.1, class_balance=0.9), plates=7)
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(copy) is type(loss)
    assert copy.get_config() == loss.get_config()
    assert copy.plates == 7


def test_names_and_options_reach_the_losses() -> None:
    focal = build_loss(LossConfig(name="focal", focal_gamma=3.0))
    assert isinstance(focal, MaskedFocal)
    assert (focal.gamma, focal.alpha) == (3.0, 1.0)
    sigmoid = build_loss(LossConfig(name="focal-sigmoid"))
    assert isinstance(sigmoid, MaskedSigmoidFocal)
    assert sigmoid.alpha == 0.25
    ghm = build_loss(LossConfig(name="ghm", ghm_bins=10, ghm_momentum=0.5))
    assert isinstance(ghm, HarmonizedCrossEntropy)
    assert (ghm.bins, ghm.momentum, ghm.label_wise) == (10, 0.5, False)
    assert build_loss(LossConfig(name="ghm-label-wise")).label_wise


def test_an_unknown_loss_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(InputError, match=r"loss\.name: .*'ghm-label-wise'; received 'hinge'"):
        load_config("quick", overrides=["loss.name=hinge"])


def test_heads_weigh_by_their_role(schema: LabelSchema) -> None:
    config = LossConfig(first_weight=3.0, length_weight=0.7, colour_weight=0.2)
    weights = head_weights(config, schema)
    assert weights == {"char_1": 3.0, "char_2": 1.0, "length": 0.7, "colour": 0.2}


def test_a_class_that_is_held_for_impossible_teaches_all_the_same() -> None:
    """Keras's clips at 1e-7, where it does not know the logits: as on JAX and PyTorch."""
    probabilities = np.array([[1e-20, 1.0]], np.float32)
    loss = MaskedCrossEntropy()(np.array([0]), probabilities)
    assert float(loss) == pytest.approx(20 * np.log(10), rel=1e-5)

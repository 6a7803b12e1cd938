"""`--init` takes over what fits, by name and shape, and refuses what does not."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.errors import InputError
from chepai.multi_label.character_softmax import CharacterSoftmax
from chepai.training.initialise import load_initial_weights


def network(classes: int, hidden: int = 3) -> keras.Model:
    inputs = keras.Input((4,))
    x = keras.layers.Dense(hidden, name="body")(inputs)
    return keras.Model(inputs, keras.layers.Dense(classes, name="head")(x))


def test_a_head_with_other_classes_keeps_its_fresh_weights(tmp_path: Path) -> None:
    source, target = network(5), network(6)
    source.save(tmp_path / "source.keras")
    head = target.get_layer("head").get_weights()
    transfer = load_initial_weights(target, tmp_path / "source.keras")
    assert (transfer.taken, transfer.missing) == (1, ("head",))
    taken = target.get_layer("body").get_weights()[0]
    assert np.array_equal(taken, source.get_layer("body").get_weights()[0])
    assert np.array_equal(target.get_layer("head").get_weights()[0], head[0])


def test_a_model_of_which_nothing_fits_is_refused(tmp_path: Path) -> None:
    network(5, hidden=7).save(tmp_path / "source.keras")
    with pytest.raises(InputError, match=r"no layer of .* fits this model"):
        load_initial_weights(network(6), tmp_path / "source.keras")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source.keras").write_text("not a model", encoding="utf-8")
    with pytest.raises(InputError, match="cannot load"):
        load_initial_weights(network(6), tmp_path / "source.keras")


def test_a_layer_that_knows_better_decides_what_it_takes(tmp_path: Path) -> None:
    def reader(*classes: str) -> keras.Model:
        view = keras.Input((4,))
        return keras.Model(view, CharacterSoftmax([classes], name="characters")([view]))

    source, target = reader("A", "B"), reader("B", "C", "A")
    source.save(tmp_path / "source.keras")
    assert load_initial_weights(target, tmp_path / "source.keras").taken == 1
    known, taken = (np.array(model.get_layer("characters").shared) for model in (source, target))
    np.testing.assert_array_equal(taken[:, [2, 0]], known)

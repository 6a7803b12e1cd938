"""Averaged models: the mean of the weights by hand, and nothing that cannot be averaged."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from chepai.configs import override_config, parse_config
from chepai.errors import InputError
from chepai.multi_label.classifier_model import build_classifier
from chepai.plate.schema import load_schema
from chepai.training.model_soup import Ingredient, soup
from made_calibration import CALIBRATION
from tiny_classifier import TINY, tiny_classifier


def with_weights(value: float) -> keras.Model:
    model = tiny_classifier()
    model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])
    return model


def test_weights_are_the_mean_by_shares():
    models = [Ingredient("a", with_weights(1.0), 3.0), Ingredient("b", with_weights(5.0), 1.0)]
    for weight in soup(models).get_weights():
        np.testing.assert_allclose(weight, 2.0, rtol=1e-6)
    for weight in models[0].model.get_weights():
        np.testing.assert_array_equal(weight, 1.0)


def test_a_model_averaged_with_itself_answers_the_same():
    model = tiny_classifier()
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 96, 3)).astype(np.uint8)
    wanted = model.predict(images, verbose=0)
    mixed = soup([Ingredient("a", model, 0.3), Ingredient("a", model, 0.4)])
    found = mixed.predict(images, verbose=0)
    for head in wanted:
        np.testing.assert_allclose(found[head], wanted[head], atol=1e-6)


def test_the_average_is_not_calibrated():
    model = tiny_classifier()
    config = model.get_config() | {"calibration": CALIBRATION.to_dict()}
    calibrated = type(model).from_config(config)
    assert calibrated.calibration is not None
    assert soup([Ingredient("a", calibrated), Ingredient("b", model)]).calibration is None


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ("model.backbone_options={widths: [8, 8, 8, 24], blocks: [1, 1, 1, 1]}", "layers"),
        ("model.width=64", "input size"),
        ("model.label_schema=original", "schema"),
    ],
)
def test_another_network_is_refused_by_name(changed: str, what: str):
    config = override_config(parse_config(TINY), [changed])
    other = build_classifier(config, load_schema(config.model.label_schema))
    with pytest.raises(InputError, match=f"^b.keras has another {what} than a.keras: only models"):
        soup([Ingredient("a.keras", with_weights(0.0)), Ingredient("b.keras", other)])

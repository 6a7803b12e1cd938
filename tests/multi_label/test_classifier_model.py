"""The classifier: sizes of the original, learning, masking, and what a file keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.configs import Config, load_config, parse_config
from chepai.errors import InputError
from chepai.multi_label.classifier_model import PlateClassifier, build_classifier
from chepai.multi_label.head_attention import HeadAttention
from chepai.plate.schema import LabelSchema, load_schema

Batch = tuple[np.ndarray, np.ndarray]
HEADS = ["pooled", "attention", "flatten"]


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, 11_182_784 + 151_848),
        ({"stem_stride": 1, "widths": [64, 128, 256, 384]}, 7_755_968 + 113_960),
    ],
    ids=["head", "first commit"],
)
def test_the_original_has_its_parameters(options: dict, parameters: int) -> None:
    config = load_config("original").model_dump(mode="json")
    config["model"]["backbone_options"] = options
    model = build_classifier(parse_config(config), load_schema("original"))
    assert model.count_params() == parameters
    assert sum(output.shape[1] for output in model.outputs) == 296


@pytest.mark.parametrize("head", HEADS)
def test_each_head_gives_probabilities(
    head: str, schema: LabelSchema, make_config: Callable[..., Config], batch: Batch
) -> None:
    model = build_classifier(make_config(head=head, dropout=0.5), schema)
    outputs = model(batch[0], training=False)
    assert tuple(outputs) == schema.head_names
    for name, width in zip(schema.head_names, schema.widths, strict=True):
        values = keras.ops.convert_to_numpy(outputs[name])
        assert values.dtype == np.float32
        assert values.shape == (16, width)
        np.testing.assert_allclose(values.sum(axis=1), 1.0, rtol=1e-5)


def test_the_heads_attend_where_their_bias_says() -> None:
    features = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    layer = HeadAttention(2)
    layer.build(features.shape)
    layer.kernel.assign(np.zeros((5, 2)))
    bias = np.zeros((12, 2))
    bias[7, 1] = 100.0
    layer.position_bias.assign(bias)
    everywhere, one_place = layer(features)
    np.testing.assert_allclose(everywhere, features.mean(axis=(1, 2)), atol=1e-6)
    np.testing.assert_allclose(one_place, features[:, 1, 3], atol=1e-6)


def test_one_batch_can_be_learned_by_heart(
    compiled: PlateClassifier, schema: LabelSchema, batch: Batch
) -> None:
    images, labels = batch
    compiled.run_eagerly = False
    steps = 150
    compiled.fit(
        np.tile(images, (steps, 1, 1, 1)),
        np.tile(labels, (steps, 1)),
        batch_size=16,
        shuffle=False,
        verbose=0,
    )
    # Batch statistics as in training: sixteen noise pictures say little of a running mean.
    outputs = compiled(images, training=True)
    for index, name in enumerate(schema.head_names):
        valid = labels[:, index] >= 0
        read = keras.ops.convert_to_numpy(outputs[name]).argmax(axis=1)
        assert (read == labels[:, index])[valid].all()


def test_the_loss_is_the_weighted_sum_and_the_penalties(
    compiled: PlateClassifier, schema: LabelSchema, batch: Batch
) -> None:
    images, labels = batch
    outputs = {k: keras.ops.convert_to_numpy(v) for k, v in compiled(images).items()}
    expected = float(sum(compiled.losses))
    for index, head in enumerate(schema.heads):
        valid = labels[:, index] >= 0
        chosen = outputs[head.name][valid, labels[valid, index]]
        weight = {"character": 1.0, "length": 0.5, "colour": 0.25}[head.role]
        expected += weight * -np.log(chosen).mean()
    assert float(sum(compiled.losses)) > 0
    result = compiled.evaluate(images, labels, batch_size=16, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(expected, rel=1e-5)


def test_a_masked_head_learns_nothing(compiled: PlateClassifier, batch: Batch) -> None:
    images, labels = batch
    labels = labels.copy()
    labels[:, 1] = -1
    characters = compiled.get_layer("characters")
    of_head = (characters.own[1], characters.biases[1])
    before = [np.array(weight) for weight in of_head]
    compiled.fit(images, labels, batch_size=16, verbose=0)
    for old, new in zip(before, of_head, strict=True):
        np.testing.assert_array_equal(old, np.array(new))


def test_a_file_keeps_answers_schema_configuration_and_optimizer(
    compiled: PlateClassifier, schema: LabelSchema, batch: Batch, tmp_path: Path
) -> None:
    images, labels = batch
    compiled.fit(images, labels, batch_size=16, epochs=2, verbose=0)
    compiled.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, PlateClassifier)
    assert LabelSchema.from_dict(loaded.label_schema_config) == schema
    assert parse_config(loaded.chepai_config).model.height == 16
    for name, values in compiled.predict(images, verbose=0).items():
        np.testing.assert_array_equal(values, loaded.predict(images, verbose=0)[name])

    # One more step is the same only if the optimizer's moments came along.
    for model in (compiled, loaded):
        model.fit(images, labels, batch_size=16, shuffle=False, verbose=0)
    for old, new in zip(compiled.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(old, new, atol=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_mixed_precision_ends_in_float32(
    head: str, schema: LabelSchema, make_config: Callable[..., Config], batch: Batch
) -> None:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_classifier(make_config(head=head), schema)
    finally:
        keras.config.set_dtype_policy(policy)
    assert model.get_layer("stage1_block1_1_conv").compute_dtype == "bfloat16"
    for values in model(batch[0]).values():
        assert values.dtype == "float32"


def test_weights_for_unknown_heads_are_refused(compiled: PlateClassifier) -> None:
    with pytest.raises(ValueError, match=r"char_1, char_2.*Received: class_1"):
        compiled.compile("sgd", loss_weights={"class_1": 1.0})


def test_training_without_a_loss_says_so(
    schema: LabelSchema, make_config: Callable[..., Config], batch: Batch
) -> None:
    model = build_classifier(make_config(), schema)
    model.compile("sgd", run_eagerly=True)
    with pytest.raises(ValueError, match="HeadLoss"):
        model.fit(*batch, verbose=0)


def test_an_unknown_backbone_is_a_users_mistake(
    schema: LabelSchema, make_config: Callable[..., Config]
) -> None:
    with pytest.raises(InputError, match="Received: 'vgg'"):
        build_classifier(make_config(backbone="vgg"), schema)

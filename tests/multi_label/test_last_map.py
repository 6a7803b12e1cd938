"""The map that heads look at: found under each head, compared by hand, learned by a student."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from chepai.configs import Config, parse_config
from chepai.errors import InputError
from chepai.multi_label import beginning
from chepai.multi_label.beginning import begin_like
from chepai.multi_label.classifier_model import PlateClassifier, build_classifier
from chepai.multi_label.distilled_classifier import DistilledClassifier
from chepai.multi_label.last_map import (
    LAST_MAP,
    check_maps_fit,
    last_map,
    map_loss,
    with_last_map,
)
from chepai.multi_label.train import compile_classifier
from chepai.plate.schema import LabelSchema
from chepai.training.distillation import Teachers
from chepai.training.initialise import take_over


def test_the_distance_is_relative_to_the_teachers_map_picture_by_picture() -> None:
    """|taught|^2 is 4 x 1 and 4 x 9; the differences are 1 in one of four values, and 3 in all."""
    taught = np.ones((2, 1, 2, 2), "float32")
    taught[1] = 3
    answered = taught.copy()
    answered[0, 0, 0, 0] = 0
    answered[1] = 0
    assert float(map_loss(taught, answered)) == pytest.approx((0.25 + 1) / 2)
    assert float(map_loss(taught, taught)) == 0
    assert float(map_loss(100 * taught, 100 * answered)) == pytest.approx((0.25 + 1) / 2)


@pytest.mark.parametrize("head", ["attention", "flatten", "pooled"])
def test_every_head_looks_at_a_map(
    head: str, schema: LabelSchema, make_config: Callable[..., Config]
) -> None:
    model = build_classifier(make_config(head=head, neck=12), schema)
    assert last_map(model).shape == (None, 4, 8, 12)
    images = np.random.default_rng(3).integers(0, 256, (2, 16, 32, 3), dtype=np.uint8)
    shown = with_last_map(model)(images)
    assert shown[LAST_MAP].shape == (2, 4, 8, 12)
    for name, answer in model(images).items():
        np.testing.assert_array_equal(answer, shown[name])


def test_a_model_without_heads_on_a_map_is_named() -> None:
    inputs = keras.Input((4,))
    with pytest.raises(ValueError, match="plain has no heads on a map"):
        last_map(keras.Model(inputs, keras.layers.Dense(2)(inputs), name="plain"))


def test_maps_of_other_shapes_are_refused(
    schema: LabelSchema, make_config: Callable[..., Config]
) -> None:
    teacher = with_last_map(build_classifier(make_config(neck=12), schema))
    check_maps_fit(teacher, build_classifier(make_config(neck=12), schema))
    with pytest.raises(
        InputError, match=r"4 x 8 x 12, the student's 4 x 8 x 16: set model.neck=12"
    ):
        check_maps_fit(teacher, build_classifier(make_config(), schema))


def taught_student(
    schema: LabelSchema, make_config: Callable[..., Config]
) -> tuple[PlateClassifier, DistilledClassifier]:
    """A teacher, and half as wide a student that is to learn its map alone."""
    keras.utils.set_random_seed(4)
    teacher = build_classifier(make_config(), schema)
    values = make_config(neck=16).model_dump(mode="json")
    values["model"]["backbone_options"]["widths"] = [8, 8, 8, 8]
    values["model"] |= {"conv_decay": 0.0, "gamma_decay": 0.0}
    values["distill"] |= {"map_weight": 1.0, "soft_share": 0.0}
    values["optimizer"] |= {"name": "adam", "learning_rate": 1e-2, "schedule": "constant"}
    config = parse_config(values)
    student = DistilledClassifier.of(build_classifier(config, schema))
    compile_classifier(student, config, schema, steps_per_epoch=10)
    student.run_eagerly = True
    take_over(student, teacher)
    student.learn_from(Teachers([with_last_map(teacher)]))
    return teacher, student


def test_a_student_comes_to_look_at_its_teachers_map(
    schema: LabelSchema,
    make_config: Callable[..., Config],
    batch: tuple[np.ndarray, np.ndarray],
) -> None:
    """Without labels or answers to learn from, only by the map."""
    teacher, student = taught_student(schema, make_config)
    for mine, theirs in zip(
        student.get_layer("head_attention").weights,
        teacher.get_layer("head_attention").weights,
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)
    images, nothing = batch[0], np.full_like(batch[1], -1)
    taught = with_last_map(teacher)(images)[LAST_MAP]

    def distance() -> float:
        return float(map_loss(taught, student(images, training=True)[LAST_MAP]))

    before = distance()
    for _ in range(40):
        student.train_on_batch(images, {"labels": nothing})
    assert distance() < 0.7 * before


def test_a_student_in_factors_begins_with_its_teachers_answers(
    schema: LabelSchema,
    make_config: Callable[..., Config],
    batch: tuple[np.ndarray, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of full rank, and behind statistics that are those of the pictures that it is shown."""
    images = batch[0]
    monkeypatch.setattr(beginning, "example_pictures", lambda *_: images)
    keras.utils.set_random_seed(4)
    teacher = build_classifier(make_config(), schema)
    for _ in range(80):
        teacher(images, training=True)
    values = make_config().model_dump(mode="json")
    values["model"]["backbone_options"]["ranks"] = [8, 8, 16, 16]
    config = parse_config(values)
    student = build_classifier(config, schema)
    begin_like(student, with_last_map(teacher), config)
    wanted, received = teacher(images), student(images)
    for head in schema.head_names:
        np.testing.assert_allclose(received[head], wanted[head], atol=1e-4)


def test_factors_are_not_looked_for_where_other_weights_follow(
    schema: LabelSchema, make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "example_pictures", lambda *_: pytest.fail("it looked"))
    teacher = build_classifier(make_config(), schema)
    values = make_config().model_dump(mode="json")
    values["model"]["backbone_options"]["ranks"] = [8, 8, 16, 16]
    config = parse_config(values)
    student = build_classifier(config, schema)
    begin_like(student, with_last_map(teacher), config, factors=False)
    stem = [model.get_layer("stem_conv").get_weights()[0] for model in (student, teacher)]
    np.testing.assert_array_equal(*stem)


def test_what_reads_puts_out_no_map(
    schema: LabelSchema,
    make_config: Callable[..., Config],
    batch: tuple[np.ndarray, np.ndarray],
) -> None:
    _, student = taught_student(schema, make_config)
    assert LAST_MAP in student(batch[0], training=True)
    assert set(student(batch[0])) == set(schema.head_names)
    assert set(student.predict_on_batch(batch[0])) == set(schema.head_names)


def test_the_map_adds_nothing_to_the_student(
    schema: LabelSchema, make_config: Callable[..., Config]
) -> None:
    _, student = taught_student(schema, make_config)
    plain = PlateClassifier.from_config(student.get_config())
    assert [one.name for one in student.layers] == [one.name for one in plain.layers]
    assert student.count_params() == plain.count_params()

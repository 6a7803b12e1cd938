"""A student's loss worked by hand, and its training interrupted, resumed and saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.configs import Config, parse_config
from chepai.multi_label.classifier_loss import MaskedCrossEntropy
from chepai.multi_label.classifier_model import PlateClassifier, build_classifier
from chepai.multi_label.distilled_classifier import DistilledClassifier
from chepai.multi_label.last_map import with_last_map
from chepai.multi_label.train import train_classifier
from chepai.plate.schema import LabelSchema, load_schema
from chepai.training.distillation import Teachers
from chepai.training.echo import EchoedSource
from chepai.training.run_folder import RunFolder
from chepai.training.taught_source import TaughtSource
from chepai.utils.logger_callback import NBatchLogger


def student(
    schema: LabelSchema, config: Config, temperature: float, share: float
) -> DistilledClassifier:
    values = config.model_dump(mode="json")
    values["distill"] |= {"temperature": temperature, "soft_share": share}
    model = DistilledClassifier.of(build_classifier(parse_config(values), schema))
    model.compile("sgd", loss=MaskedCrossEntropy(), loss_weights={"colour": 0.5}, run_eagerly=True)
    return model


class Answers:
    """Stands in for teachers that always answer the same."""

    sizes = ((16, 32),)

    def __init__(self, answers: dict[str, np.ndarray]) -> None:
        self.answers = answers

    def __call__(self, _pictures: object) -> dict[str, np.ndarray]:
        return self.answers


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, "float32")


def test_the_loss_is_that_worked_by_hand(
    schema: LabelSchema, make_config: Callable[..., Config]
) -> None:
    """Of two pictures the second has no label, and the teacher half believes in one character."""
    model = student(schema, make_config(conv_decay=0.0, gamma_decay=0.0), 2.0, 0.75)
    uniform = {
        name: np.full((2, width), 1 / width, "float32")
        for name, width in zip(schema.head_names, schema.widths, strict=True)
    }
    taught = {
        **uniform,
        "char_2": rows([0.2] * 5, [0.64, 0.36, 0, 0, 0]),
        "length": rows([0, 0, 1], [0, 0.5, 0.5]),
        "colour": rows([0.64, 0.36], [0.5, 0.5]),
    }
    answered = {
        **uniform,
        "length": taught["length"],
        "char_2": rows([0.2] * 5, [0.5, 0.5, 0, 0, 0]),
    }
    model.learn_from(Answers(taught))
    labels = np.array([[0, -1, 2, 1], [-1, -1, -1, -1]], "int32")
    # At T = 2: 0.64, 0.36 -> 4/7, 3/7.
    divergence = 4 * (4 / 7 * np.log(8 / 7) + 3 / 7 * np.log(6 / 7))
    # The second character: half of the second picture, over a weight of 1.5. The colour: the
    # first of two pictures, counted half.
    soft = 0.5 * divergence / 1.5 + 0.5 * divergence / 2
    hard = np.log(3) + 0.5 * np.log(2)
    x = np.zeros((2, 16, 32, 3), "uint8")
    found = model.compute_loss(x=x, y={"labels": labels}, y_pred=answered)
    assert float(found) == pytest.approx(0.75 * soft + 0.25 * hard, abs=2e-6)
    # What is validated is the labels' loss alone, also of a training batch, as JAX tries it first.
    for batch in (labels, {"labels": labels}):
        found = model.compute_loss(x=x, y=batch, y_pred=answered, training=False)
        assert float(found) == pytest.approx(hard, abs=2e-6)


def test_the_penalties_stay_whole(schema: LabelSchema, make_config: Callable[..., Config]) -> None:
    model = student(schema, make_config(), 2.0, 1.0)
    x = np.zeros((2, 16, 32, 3), "uint8")
    answers = {name: np.asarray(p) for name, p in model(x).items()}
    model.learn_from(Answers(answers))
    labels = np.zeros((2, len(schema.heads)), "int32")
    penalties = sum(float(loss) for loss in model.losses)
    assert penalties > 0
    found = model.compute_loss(x=x, y={"labels": labels}, y_pred=answers)
    assert float(found) == pytest.approx(penalties, rel=1e-5)


def test_a_student_without_teachers_is_not_trained(
    schema: LabelSchema, make_config: Callable[..., Config], batch: tuple[np.ndarray, np.ndarray]
) -> None:
    model = student(schema, make_config(), 2.0, 0.5)
    with pytest.raises(ValueError, match="learn_from"):
        model.train_on_batch(batch[0], {"labels": batch[1]})


SCHEMA = """
name: two
heads:
  - {name: char_1, role: character, classes: A B C}
  - {name: colour, role: colour, classes: blue green}
kinds: []
"""


class Noise:
    """Noise with random labels, a function of epoch and step."""

    steps_per_epoch = 3
    plates_per_epoch = 12

    def batch(self, epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([epoch, step])
        labels = np.stack([rng.integers(-1, width, 4) for width in (3, 2)], axis=1)
        return rng.integers(0, 256, (4, 24, 64, 3), dtype=np.uint8), labels.astype(np.int32)

    def batches(self, first_epoch: int = 0):
        epoch = first_epoch
        while True:
            yield from (self.batch(epoch, step) for step in range(3))
            epoch += 1

    def evaluation(self):
        return iter([self.batch(1000, 0)])

    def close(self) -> None:
        """Nothing works in the background."""


def tiny(schema: Path, height: int, width: int, **sections: object) -> Config:
    options = {"widths": [4, 4, 4, 4], "blocks": [1, 1, 1, 1]}
    size = {"label_schema": str(schema), "height": height, "width": width}
    model = {**size, "head": "pooled", "backbone_options": options}
    return parse_config({"model": model, **sections})


@pytest.mark.parametrize(("map_weight", "echo"), [(0.0, 1), (2.0, 2)])
def test_an_interrupted_student_ends_like_one_that_was_not(
    map_weight: float, echo: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = tmp_path / "two.yaml"
    schema.write_text(SCHEMA, encoding="utf-8")
    teacher = build_classifier(tiny(schema, 24, 64), load_schema(str(schema)))
    teachers = Teachers([with_last_map(teacher) if map_weight else teacher])
    config = tiny(
        schema,
        16,
        48,
        distill={"teachers": ["teacher.keras"], "soft_share": 0.5, "map_weight": map_weight},
        loss={"name": "ghm-label-wise"},
        optimizer={"ema": 0.9, "accumulate": 2, "warmup_epochs": 0.5},
        train={"epochs": 2, "batch_size": 4, "precision": "mixed_bfloat16"},
    )

    def train(run: RunFolder, resume: bool = False) -> None:
        source = TaughtSource(Noise(), (16, 48), teachers.sizes)
        if echo > 1:
            source = EchoedSource(source, (16, 48), teachers, echo, seed=1)
        train_classifier(config, run, source, source, resume=resume, teachers=teachers)

    before = [np.array(weight) for weight in teachers.weights]
    whole, stopped = (RunFolder.create(tmp_path, config) for _ in range(2))
    try:
        train(whole)
        with monkeypatch.context() as patch:
            _interrupt_at(patch, 4 * echo)
            train(stopped)
        assert not stopped.final.exists()
        train(RunFolder.open(stopped.path), resume=True)
    finally:
        keras.config.set_dtype_policy("float32")

    last = keras.models.load_model(whole.last)
    assert type(last) is DistilledClassifier and last.loss_memories
    for one, other in zip(_state(last), _state(keras.models.load_model(stopped.last)), strict=True):
        np.testing.assert_array_equal(one, other)
    final = keras.models.load_model(whole.final, compile=False)
    assert type(final) is PlateClassifier
    for one, other in zip(teachers.weights, before, strict=True):
        np.testing.assert_array_equal(one, other)


def _state(model: keras.Model) -> list[np.ndarray]:
    return [*model.get_weights(), *(np.asarray(v.numpy()) for v in model.optimizer.variables)]


def _interrupt_at(patch: pytest.MonkeyPatch, batches: int) -> None:
    seen, plain = [0], NBatchLogger.on_train_batch_end

    def pressing(self: NBatchLogger, batch: int, logs: object = None) -> None:
        plain(self, batch, logs)
        seen[0] += 1
        if seen[0] == batches:
            raise KeyboardInterrupt

    patch.setattr(NBatchLogger, "on_train_batch_end", pressing)

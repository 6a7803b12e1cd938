"""What a model owns of its loss: counted in a graph, saved, restored, left out of other files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.multi_label.classifier_loss import HarmonizedCrossEntropy, HeadLoss, MaskedCrossEntropy
from chepai.multi_label.classifier_model import PlateClassifier
from chepai.plate.schema import Head, LabelSchema
from chepai.training.averaging import save_for_reading

ROWS = 8
WEIGHTS = 4  # a kernel and a bias for each head


@pytest.fixture(scope="session")
def schema() -> LabelSchema:
    """Two heads, for graphs that are traced at once."""
    heads = (
        Head("char_1", "character", ("A", "B", "C")),
        Head("colour", "colour", ("blue", "green")),
    )
    return LabelSchema("two", heads)


def classifier(schema: LabelSchema, loss: HeadLoss, seed: int = 3, **options: object):
    """One softmax layer a head, on 4 x 4 pixels: a graph that is traced at once."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((4, 4, 3), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
    outputs = {
        head.name: keras.layers.Dense(
            head.width, activation="softmax", dtype="float32", name=head.name
        )(x)
        for head in schema.heads
    }
    model = PlateClassifier(
        image, outputs, label_schema_config=schema.to_dict(), chepai_config={"family": "test"}
    )
    optimizer = keras.optimizers.SGD(0.3, **options)
    model.compile(optimizer, loss=loss, loss_weights={"colour": 0.5}, jit_compile=False)
    return model


@pytest.fixture
def data(schema: LabelSchema) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    images = rng.integers(0, 256, (4 * ROWS, 4, 4, 3), dtype=np.uint8)
    labels = np.stack([rng.integers(0, width, 4 * ROWS) for width in schema.widths], axis=1)
    labels[rng.random(labels.shape) < 0.2] = -1
    return images, labels.astype("int32")


def fit(model: PlateClassifier, data: tuple, rows: slice = slice(None)) -> list[float]:
    history = model.fit(
        data[0][rows], data[1][rows], batch_size=ROWS, shuffle=False, epochs=1, verbose=0
    )
    return history.history["loss"]


def counts(model: PlateClassifier) -> np.ndarray:
    return keras.ops.convert_to_numpy(model.loss_memories[0].counts)


def loss(**options: object) -> HarmonizedCrossEntropy:
    return HarmonizedCrossEntropy(bins=6, class_balance=0.99, plates=32, **options)


@pytest.mark.parametrize("label_wise", [True, False])
def test_a_graph_counts_as_single_calls_do(
    schema: LabelSchema, data: tuple, label_wise: bool
) -> None:
    plain = HarmonizedCrossEntropy(bins=6, label_wise=label_wise)
    model = classifier(schema, plain)
    expected = np.zeros((2 if label_wise else 1, 6))
    for start in range(0, 4 * ROWS, ROWS):
        rows = slice(start, start + ROWS)
        probabilities = model(data[0][rows])
        fit(model, data, rows)
        new = [
            keras.ops.convert_to_numpy(plain.histogram(data[1][rows, i], probabilities[name]))
            for i, name in enumerate(schema.head_names)
        ]
        expected = 0.75 * expected + 0.25 * (np.array(new) if label_wise else sum(new))
    np.testing.assert_allclose(counts(model), expected, rtol=1e-5)
    model.evaluate(*data, verbose=0)
    np.testing.assert_allclose(counts(model), expected, rtol=1e-5)


def test_the_gradient_is_that_of_the_weighed_cross_entropy(
    schema: LabelSchema, data: tuple
) -> None:
    """One step of descent, with the weights of the rows taken as constants."""
    rows = slice(0, ROWS)
    model = classifier(schema, HarmonizedCrossEntropy(bins=6))
    before = {n: model.get_layer(n).get_weights()[1] for n in schema.head_names}
    p = {n: keras.ops.convert_to_numpy(v) for n, v in model(data[0][rows]).items()}
    alone = HarmonizedCrossEntropy(bins=6).memories(dict.fromkeys(schema.head_names, 0))[0]
    weights = keras.ops.convert_to_numpy(alone.row_weights(data[1][rows], list(p.values()), True))
    fit(model, data, rows)
    for i, (name, shares) in enumerate(p.items()):
        labels = data[1][rows, i]
        valid = labels >= 0
        errors = shares[valid] - np.eye(shares.shape[1])[labels[valid]]
        slope = (weights[valid, i, None] * errors).sum(axis=0) / valid.sum()
        slope *= 0.5 if name == "colour" else 1.0
        after = model.get_layer(name).get_weights()[1]
        np.testing.assert_allclose(after, before[name] - 0.3 * slope, atol=1e-6)


def test_a_file_restores_the_averages_and_training_goes_on_exactly(
    schema: LabelSchema, data: tuple, tmp_path: Path
) -> None:
    whole = classifier(schema, loss(), momentum=0.9)
    fit(whole, data)
    parts = classifier(schema, loss(), momentum=0.9)
    fit(parts, data, slice(0, 2 * ROWS))
    parts.save(tmp_path / "last.keras")
    resumed = keras.models.load_model(tmp_path / "last.keras")
    fit(resumed, data, slice(2 * ROWS, None))
    for mine, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert counts(resumed).sum() > 0
    np.testing.assert_array_equal(counts(resumed), counts(whole))
    np.testing.assert_array_equal(resumed.loss_memories[1].rows, 4 * ROWS)


def test_what_is_kept_for_reading_has_no_memory(
    schema: LabelSchema, data: tuple, tmp_path: Path
) -> None:
    model = classifier(schema, loss())
    fit(model, data)
    save_for_reading(model, str(tmp_path / "final.keras"))
    plain = keras.models.load_model(tmp_path / "final.keras", compile=False)
    assert len(plain.get_weights()) == WEIGHTS
    np.testing.assert_array_equal(plain(data[0])["char_1"], model(data[0])["char_1"])


def test_a_training_file_can_be_read_without_its_memory(
    schema: LabelSchema, data: tuple, tmp_path: Path
) -> None:
    model = classifier(schema, loss())
    fit(model, data)
    model.save(tmp_path / "last.keras")
    assert (
        len(keras.models.load_model(tmp_path / "last.keras", compile=False).get_weights())
        == WEIGHTS
    )


def test_compiling_anew_begins_anew(schema: LabelSchema, data: tuple) -> None:
    model = classifier(schema, loss())
    fit(model, data)
    model.compile("sgd", loss=loss(), jit_compile=False)
    assert counts(model).sum() == 0
    assert len(model.get_weights()) == WEIGHTS + 1 + 3
    model.compile("sgd", loss=MaskedCrossEntropy(), jit_compile=False)
    assert len(model.get_weights()) == WEIGHTS


def test_gathered_gradients_slow_the_average(schema: LabelSchema, data: tuple) -> None:
    """The same batch four times moves it as once without gathering, up to the counts' scale."""
    images, labels = (np.tile(x[:ROWS], (4,) + (1,) * (x.ndim - 1)) for x in data)
    gathered = classifier(schema, loss(momentum=0.5), gradient_accumulation_steps=4)
    assert gathered.loss_memories[0].momentum == pytest.approx(0.5**0.25)
    once = classifier(schema, loss(momentum=0.5))
    fit(gathered, (images, labels))
    fit(once, data, slice(0, ROWS))
    np.testing.assert_allclose(counts(gathered), counts(once), rtol=1e-5)
    for mine, theirs in zip(gathered.layers[-2:], once.layers[-2:], strict=True):
        np.testing.assert_allclose(mine.get_weights()[0], theirs.get_weights()[0], atol=1e-6)


@pytest.fixture
def _precision(request: pytest.FixtureRequest) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("_precision", ["mixed_bfloat16", "mixed_float16"], indirect=True)
@pytest.mark.usefixtures("_precision")
def test_mixed_precision_counts_in_float32(schema: LabelSchema, data: tuple) -> None:
    model = classifier(schema, loss(), gradient_accumulation_steps=2)
    assert model.loss_memories[0].momentum == pytest.approx(0.75**0.5)
    assert np.isfinite(fit(model, data)).all()
    assert counts(model).dtype == np.float32
    assert counts(model).sum() > 0

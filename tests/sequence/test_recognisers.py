"""Every preset, with few channels: its outputs, its file, a training step, its ONNX file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.configs import Config
from chepai.errors import InputError
from chepai.export.onnx_export import export_onnx
from chepai.inference.reader import Reader
from chepai.inference.runtimes import open_runtime
from chepai.plate.alphabet import output_sizes
from chepai.plate.schema import load_schema
from chepai.sequence.ctc_metrics import greedy_tokens
from chepai.sequence.recogniser import TEACHING, SequenceRecogniser, build_recogniser
from chepai.sequence.train import compile_recogniser
from narrow_recognisers import PRESETS, narrow_config

CN = load_schema("cn")
COLUMNS = {"lprnet": 18, "crnn": 26, "crnn-attention": 21, "vgg-bilstm": 24, "resnet-bilstm": 26}


def narrow(preset: str, **sections: dict[str, object]) -> tuple[SequenceRecogniser, Config]:
    keras.utils.set_random_seed(7)
    config = narrow_config(preset, **sections)
    return build_recogniser(config, CN), config


def plates(config: Config, count: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    shape = (count, config.model.height, config.model.width, 3)
    labels = np.stack([rng.integers(0, width, count) for width in CN.widths], axis=1)
    return rng.integers(0, 256, shape, dtype=np.uint8), labels.astype("int32")


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_keeps_its_contract_in_keras_and_in_onnx(preset: str, tmp_path: Path):
    model, config = narrow(preset)
    images, _ = plates(config)
    answers = {name: np.array(value) for name, value in model(images, training=False).items()}
    sizes = output_sizes(CN, config.family)
    assert {name: value.shape[-1] for name, value in answers.items()} == sizes
    if config.family == "ctc":
        rows = 1 + bool(config.model.backbone_options.get("unfold"))
        assert answers["text"].shape == (4, rows * COLUMNS[config.model.backbone], 86)
        np.testing.assert_allclose(answers["text"].sum(-1), 1, atol=1e-5)
    # A plate's answer is its own, whatever else is in the batch.
    alone = model(images[:1], training=False)
    assert max(float(np.abs(alone[name] - answers[name][:1]).max()) for name in answers) < 1e-5

    model.save(tmp_path / "model.keras")
    export_onnx(model, tmp_path / "free.onnx")
    files = ["model.keras", "free.onnx"]
    # What is before the encoder and behind it knows of batches; the encoders do not.
    if config.model.rectifier != "none":
        export_onnx(model, tmp_path / "fixed.onnx", batch=3)
        files.append("fixed.onnx")
    for name in files:
        runtime = open_runtime(tmp_path / name)
        assert runtime.card.family == config.family
        received = runtime.run(images)
        assert list(received) == list(sizes) or name == "model.keras"
        for output, value in answers.items():
            np.testing.assert_allclose(received[output], value, atol=1e-4, err_msg=name)
    readings = [Reader(tmp_path / name).read(images) for name in ("model.keras", "free.onnx")]
    assert [one.text for one in readings[0]] == [one.text for one in readings[1]]
    assert all(one.text and one.colour and one.rows for one in readings[0])


def test_a_fresh_process_loads_every_preset(tmp_path: Path):
    files = []
    for preset in PRESETS:
        files.append(tmp_path / f"{preset}.keras")
        narrow(preset)[0].save(files[-1])
    code = (
        "import sys; from chepai.keras_file import load_checked\n"
        "print(*(load_checked(path).name for path in sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.split()) == len(PRESETS)


@pytest.mark.parametrize("preset", ["lprnet", "crnn-attention", "tps-resnet-bilstm-attn"])
def test_a_training_step_teaches_every_weight(preset: str, tmp_path: Path):
    tf = pytest.importorskip("tensorflow")
    model, config = narrow(preset)
    compile_recogniser(model, config, steps_per_epoch=4)
    images, labels = plates(config)
    with tf.GradientTape() as tape:
        outputs = model(images, training=True)
        loss = model.compute_loss(y=labels, y_pred=outputs)
    assert TEACHING in outputs and np.isfinite(float(loss))
    gradients = tape.gradient(loss, model.trainable_variables)
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, f"{weight.path} is not taught"
        assert np.isfinite(np.array(tf.convert_to_tensor(gradient))).all(), weight.path
    without = model(images, training=False)
    assert np.isfinite(float(model.compute_loss(y=labels, y_pred=without, training=False)))
    figures = model.compute_metrics(images, labels, without)
    assert 0 <= figures["plate_accuracy"] <= figures["char_accuracy"] <= 1
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "last.keras")
    resumed = keras.models.load_model(tmp_path / "last.keras")
    assert type(resumed.loss) is type(model.loss) and resumed.optimizer is not None


@pytest.mark.parametrize(
    ("preset", "width"), [("vgg-bilstm-ctc", 60), ("resnet-bilstm-ctc-narrow", 52)]
)
def test_a_network_with_too_few_columns_for_a_row_is_refused(preset: str, width: int):
    config = narrow_config(preset, model={"width": width})
    with pytest.raises(InputError, match=r"makes 14 columns of a picture \d\d wide; .* wants 15"):
        build_recogniser(config, CN)


@pytest.mark.parametrize(
    ("preset", "sections", "sentence"),
    [
        ("lprnet", {"model": {"backbone": "lpr"}}, "there is no such encoder; there are: crnn, "),
        ("lprnet", {"model": {"height": 16}}, "wants at least"),
        ("crnn-attention", {"model": {"backbone_options": {"depth": 2}}}, "no such option"),
        ("resnet-bilstm-ctc-narrow", {"model": {"height": 64}}, "last map has two rows, .* has 6"),
    ],
)
def test_a_wrong_network_is_named(preset: str, sections: dict[str, dict], sentence: str):
    with pytest.raises(InputError, match=sentence):
        build_recogniser(narrow_config(preset, **sections), CN)


def test_an_encoder_that_makes_characters_itself_has_no_decoder():
    config = narrow_config("lprnet").model_copy(update={"family": "attention"})
    with pytest.raises(InputError, match="it is of family ctc alone"):
        build_recogniser(config, CN)


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [({"name": "focal"}, "has its own loss"), ({"label_smoothing": 0.1}, "nothing that CTC has")],
)
def test_a_loss_of_the_classifier_is_refused(loss: dict[str, object], sentence: str):
    model, config = narrow("lprnet", loss=loss)
    with pytest.raises(InputError, match=sentence):
        compile_recogniser(model, config, 4)


def test_greedy_tokens_are_kerass():
    columns = np.random.default_rng(3).random((16, 18, 9)).astype("float32")
    tokens, count = greedy_tokens(columns, 20)
    lengths = np.full(16, 18, "int32")
    decoded, _ = keras.ops.ctc_decode(np.log(columns), lengths, mask_index=0)
    wanted = np.maximum(np.array(decoded)[0], 0)
    np.testing.assert_array_equal(np.array(tokens)[:, :18], wanted)
    np.testing.assert_array_equal(count, (wanted > 0).sum(1))

"""Mode `export`: its names and options, what it says, and what it leaves for other machines."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from chepai import Reader
from chepai.commands import _export_pictures
from chepai.export.onnx_export import export_onnx
from chepai.run import main
from tiny_classifier import tiny_classifier


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `tiny.keras`, `tiny.onnx` made of it, and `plates/` with pictures."""
    folder = tmp_path_factory.mktemp("tiny")
    model = tiny_classifier()
    model.save(folder / "tiny.keras")
    export_onnx(model, folder / "tiny.onnx")
    (folder / "plates").mkdir()
    rng = np.random.default_rng(2)
    for index in range(20):
        cv2.imwrite(str(folder / f"plates/{index}.png"), rng.integers(0, 256, (30, 90, 3)))
    (folder / "plates" / "notes.txt").write_text("no picture")
    return folder


def call(tiny: Path, *arguments: str, model: str = "tiny.onnx") -> int:
    given = ("--model", str(tiny / model), "--data", str(tiny / "plates"))
    return main([*arguments, *given])


def test_it_says_how_far_the_file_reads_from_its_model(tiny: Path, tmp_path: Path, capsys):
    path = tmp_path / "x.onnx"
    assert call(tiny, "export", "--batch", "4", "--output", str(path), model="tiny.keras") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{path}: ") and "MB, fp32; on 20 plates probabilities differ" in out
    assert "0 readings changed" in out
    assert onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 4


def test_without_output_the_file_stands_beside_its_model_named_after_its_precision(tiny: Path):
    assert call(tiny, "--mode", "export", "--int8") == 0
    assert Reader(tiny / "tiny-int8.onnx").card.precision == "int8"


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_int8_is_exported_for_a_fixed_batch(tiny: Path, tmp_path: Path, batch: int, name: str):
    given = ["--format", name, "--int8", "--batch", str(batch)]
    path = tmp_path / ("x.onnx" if name == "onnx" else "x.tflite")
    assert call(tiny, "export", *given, "--output", str(path), model="tiny.keras") == 0
    plates = sorted((tiny / "plates").glob("*.png"))
    exported = Reader(path).read(plates)
    assert len(exported) == 20 and all(reading.error is None for reading in exported)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--format", "litert", "--opset", "17"], "--opset is of ONNX, which litert is not"),
        (["--glyphs", "glyphs/"], "--glyphs and --backgrounds are of rendered plates"),
    ],
)
def test_options_that_would_not_be_heard_are_refused(tiny, options, sentence: str, capsys):
    assert call(tiny, "export", *options, model="tiny.keras") == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mode", "written"),
    [("save_pb", "tiny.pb"), ("save-serving", "tiny-serving/1/saved_model.pb")],
)
def test_the_original_s_names_mean_their_formats(tiny: Path, mode: str, written: str):
    assert call(tiny, "--mode", mode, model="tiny.keras") == 0
    assert (tiny / written).is_file()


def test_each_saved_model_is_the_next_version(tiny: Path, tmp_path: Path):
    (tmp_path / "7").mkdir()
    options = ("--format", "saved_model", "--output", str(tmp_path))
    assert call(tiny, "export", *options, model="tiny.keras") == 0
    assert (tmp_path / "8" / "saved_model.pb").is_file()


@pytest.mark.parametrize(
    ("name", "suffix", "command"),
    [
        (
            "tensorrt",
            ".engine",
            "trtexec --onnx={0}-tensorrt.onnx --saveEngine={0}.engine --stronglyTyped "
            "--minShapes=image:1x32x96x3 --optShapes=image:64x32x96x3 "
            "--maxShapes=image:64x32x96x3",
        ),
        (
            "migraphx",
            ".mxr",
            "migraphx-driver compile {0}-migraphx.onnx --onnx --input-dim @image 64 32 96 3 --gpu "
            "--enable-offload-copy --binary --output {0}.mxr",
        ),
    ],
)
def test_where_the_builder_is_missing_the_command_for_elsewhere_is_printed(
    tiny: Path, tmp_path: Path, capsys, name: str, suffix: str, command: str
):
    target = tmp_path / f"m{suffix}"
    options = ("--format", name, "--precision", "fp16", "--output", str(target))
    assert call(tiny, "export", *options) == 1
    out = capsys.readouterr().out
    assert f"{name} is not installed here" in out
    assert out.rstrip().endswith(command.format(tmp_path / "m"))
    assert Reader(tmp_path / f"m-{name}.onnx").card.precision == "fp16"
    assert (tmp_path / f"m{suffix}.json").is_file() and not target.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--format", "coreml"), "one of onnx, saved-model, "),
        (("--format", "tensorrt", "--int8"), "tensorrt is written in fp32 or fp16, not int8"),
        (("--batch", "0"), "dynamic or a whole number"),
        (("--output", "x.pb"), "files of this format end in .onnx; received x.pb"),
        (("--format", "litert"), "is made of a trained .keras file"),
    ],
)
def test_wrong_options_are_one_sentence(tiny: Path, arguments, sentence: str, capsys):
    assert call(tiny, "export", *arguments) == 2
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1


def test_only_models_are_exported(tiny: Path, capsys):
    assert call(tiny, "export", model="plates/notes.txt") == 2
    assert "export starts from a trained .keras file" in capsys.readouterr().err


def test_plates_of_the_user_are_shared_out_without_overlap(tiny: Path):
    card = Reader(tiny / "tiny.onnx").card
    args = type("Args", (), {"data": [str(tiny / "plates")], "glyphs": None, "backgrounds": None})
    compared, calibrated = _export_pictures.export_pictures(args, card, int8=True)
    assert calibrated is not None and len(compared) + len(calibrated) == 20
    both = np.concatenate([compared, calibrated]).reshape(20, -1)
    assert len(np.unique(both, axis=0)) == 20 and len(calibrated) > 3 * len(compared)


def test_without_the_renderer_plates_of_one_s_own_are_asked_for(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setitem(sys.modules, "chepai.dataset.synthetic.renderer", None)
    assert main(["export", "--model", str(tiny / "tiny.onnx"), "--precision", "fp16"]) == 2
    assert "or give plates of your own with --data" in capsys.readouterr().err

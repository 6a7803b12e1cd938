"""Mode `calibrate` from labelled pictures to model files, on a runtime that reads grey levels."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from chepai import run
from chepai.commands._calibrated_files import COMPARED
from chepai.inference.model_card import METADATA_KEY, ModelCard
from chepai.inference.pretrained import FOLDER, file_checksum, shipped_models
from chepai.plate.codec import encode
from chepai.plate.schema import load_schema

pytest.importorskip("matplotlib")
SCHEMA = load_schema("cn")
CARD = ModelCard("grey", SCHEMA, 8, 24)
PLATES = 120


def text_of(number: int) -> str:
    return f"京A{number:05}"


class GreyRuntime:
    """Reads plate n on a picture whose red is n, with a confidence of its own; `other` another."""

    card = CARD

    def __init__(self, path: Path, *_: object) -> None:
        if not path.is_file():
            raise AssertionError(f"{path} is absent")
        self.shift = 1 if path.stem == "other" else 0

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        outputs = {h.name: np.zeros((len(images), h.width), np.float32) for h in SCHEMA.heads}
        for row, number in enumerate(images[:, 4, 12, 0].tolist()):
            sure = 0.999 - number / 1000
            labels = encode(SCHEMA, text_of(number + self.shift), "blue", 1)
            for head, label in zip(SCHEMA.heads, labels, strict=True):
                outputs[head.name][row] = (1 - sure) / (head.width - 1)
                outputs[head.name][row, max(label, 0)] = sure
        return outputs


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two files of one network, another network, and labelled pictures."""
    monkeypatch.setattr("chepai.inference.reader.open_runtime", GreyRuntime)
    graph = onnx.helper.make_graph([], "empty", [], [])
    model = onnx.helper.make_model(graph)
    onnx.helper.set_model_props(model, {METADATA_KEY: CARD.to_json()})
    for name in ("tiny.onnx", "other.onnx"):
        onnx.save(model, tmp_path / name)
    with zipfile.ZipFile(tmp_path / "tiny.keras", "w") as archive:
        model = {"registered_name": "chepai>Any", "config": {"label_schema_config": {}}}
        archive.writestr("config.json", json.dumps(model))
        archive.writestr("model.weights.h5", b"")
    lines = ["file\ttext"]
    for number in range(PLATES):
        picture = np.full((8, 24, 3), number, np.uint8)
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
        lines.append(f"{number}.png\t{text_of(number)}")
    (tmp_path / "labels.tsv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return tmp_path


def calibrate(files: Path, *arguments: object, model: str = "tiny.onnx") -> int:
    name = str(files / model) if "." in model else model
    given = ["calibrate", "--model", name, "--data", str(files / "labels.tsv"), "--threads", "1"]
    return run.main([*given, *map(str, arguments)])


def stored(file: Path) -> dict:
    """The calibration inside a file, as any program would find it."""
    if file.suffix == ".onnx":
        found = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
        return json.loads(found[METADATA_KEY])["calibration"]
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("config.json"))["config"]["calibration"]


# 69 right plates are enough for 99 % at the certainty of a coin.
EASY = ("--precision", "0.99", "--certainty", "0.5")


def test_a_calibrated_copy_carries_what_was_found(files: Path, capsys):
    before = (files / "tiny.onnx").read_bytes()
    output, figures = files / "new" / "calibrated.onnx", files / "figures.json"
    assert calibrate(files, *EASY, "--output", output, "--json", figures) == 0
    out = capsys.readouterr().out
    assert "temperatures fitted to 30 pictures, thresholds tested on 90 others" in out
    assert "99.0% right at 50% certainty: confidence" in out
    assert "accepts 100.0% of the plates; 0 of 90 accepted readings are wrong" in out
    assert (files / "tiny.onnx").read_bytes() == before
    found, written = json.loads(figures.read_text(encoding="utf-8")), stored(output)
    assert written["min_confidence"] == found["min_confidence"] > 0.8
    assert written["temperatures"] == found["temperatures"]
    assert (written["constrained"], written["plates"], written["coverage"]) == (True, 90, 1.0)
    assert cv2.imread(str(files / "new" / "calibrated-calibration.png")).std() > 1


def test_without_an_output_the_model_itself_is_calibrated_and_the_other_file_too(files: Path):
    assert calibrate(files, *EASY, "--any-text", "--also", files / "tiny.keras") == 0
    assert stored(files / "tiny.onnx") == stored(files / "tiny.keras")
    assert stored(files / "tiny.onnx")["constrained"] is False
    assert stored(files / "tiny.onnx")["second_look"] is False


def test_a_threshold_of_a_second_look_says_so(files: Path):
    assert calibrate(files, *EASY, "--second-look") == 0
    assert stored(files / "tiny.onnx")["second_look"] is True
    assert stored(files / "tiny.onnx")["provinces"] is None


def test_a_threshold_for_expected_provinces_says_so(files: Path):
    assert calibrate(files, *EASY) == 0
    equal = stored(files / "tiny.onnx")
    assert calibrate(files, *EASY, "--provinces", "沪=0.9") == 0
    expecting = stored(files / "tiny.onnx")
    assert expecting["provinces"]["沪"] == pytest.approx(0.9) and equal["provinces"] is None
    # All plates are of 京, which nobody expects now: the first character is less sure.
    assert expecting["min_confidence"] < equal["min_confidence"]


def test_another_network_is_no_other_file_of_it(files: Path, capsys):
    assert calibrate(files, *EASY, "--also", files / "other.onnx") == 2
    assert "other.onnx is another network than" in capsys.readouterr().err
    assert stored(files / "other.onnx") is None


def test_other_files_are_compared_as_networks_whatever_looks_again(
    files: Path, monkeypatch: pytest.MonkeyPatch
):
    class Softening:
        """Stands for a second look: other answers, the same readings."""

        def __init__(self, runtime: GreyRuntime) -> None:
            self.card, self._runtime = runtime.card, runtime

        def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
            found = self._runtime.run(images)
            return {name: 0.9 * one + 0.1 / one.shape[1] for name, one in found.items()}

    monkeypatch.setattr("chepai.inference.reader.SecondLook", Softening)
    other = files / "tiny.keras"
    assert calibrate(files, *EASY, "--second-look", "--provinces", "京=0.9", "--also", other) == 0
    assert stored(files / "tiny.onnx") == stored(other)


def test_without_a_readable_picture_no_file_is_taken_for_the_same_network(files: Path, capsys):
    for number in range(COMPARED):
        (files / f"{number}.png").write_bytes(b"no picture")
    assert calibrate(files, *EASY, "--also", files / "other.onnx") == 2
    assert "none of the pictures can be read, so that --also" in capsys.readouterr().err


def test_too_few_plates_store_nothing_and_say_how_many_are_missing(files: Path, capsys):
    before = (files / "tiny.onnx").read_bytes()
    assert calibrate(files) == 1
    out = capsys.readouterr().out
    assert "99.9% right at 95% certainty takes 2,995 accepted plates without an error" in out
    # 2,995 to be tested are three quarters of 3,993.
    assert f"about {3993 - PLATES:,} more plates are needed" in out
    assert "nothing was stored" in out
    assert (files / "tiny.onnx").read_bytes() == before


def test_a_picture_that_cannot_be_opened_is_left_out_and_told(files: Path, capsys):
    (files / "7.png").write_bytes(b"no picture")
    calibrate(files, *EASY)
    assert "(left out: 1 pictures that cannot be opened)" in capsys.readouterr().out


def test_a_shipped_model_stays_as_it_is(files: Path, monkeypatch, capsys):
    shipped = shipped_models()["default"].file
    assert calibrate(files, model="default") == 2
    assert "the shipped model default stays as it is: give --output" in capsys.readouterr().err
    monkeypatch.chdir(FOLDER)
    for target in ("./default.onnx", shipped.path):
        assert calibrate(files, *EASY, "--output", target) == 2
        assert "is a shipped model and stays" in capsys.readouterr().err
    assert run.main(["calibrate", "--model", "default.onnx", "--data", "labels.tsv"]) == 2
    assert calibrate(files, *EASY, "--output", files / "mine.onnx", model="default") == 0
    assert stored(files / "mine.onnx")["min_confidence"] > 0.8
    assert file_checksum(shipped.path) == shipped.sha256


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--precision", "0.5"), "choose from 0.99, 0.995, 0.999"),
        (("--certainty", "95"), "a number from 0.5 to below 1, not '95'"),
        (("--output", "x.keras"), "--output has to end in .onnx"),
        (("--plot", "x.jpg"), "ends in .png"),
        (("--also", "x.tflite"), "stored in .onnx and .keras files"),
    ],
)
def test_bad_options_are_one_sentence(files: Path, options: tuple[str, ...], sentence: str, capsys):
    assert calibrate(files, *options) == 2
    err = capsys.readouterr().err
    assert sentence in err and len(err.splitlines()) == 1


def test_a_picture_named_twice_is_refused(files: Path, capsys):
    assert calibrate(files, "--data", files / "labels.tsv", "--output", "x.onnx") == 2
    assert "0.png twice; it would count as two plates" in capsys.readouterr().err


def test_without_matplotlib_there_is_no_picture(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setattr("chepai.commands.calibrate.find_spec", lambda _: None)
    assert calibrate(files, *EASY) == 0
    assert "no picture: matplotlib, of the extra `plot`" in capsys.readouterr().err
    assert stored(files / "tiny.onnx") is not None
    assert not list(files.glob("*-calibration.png"))

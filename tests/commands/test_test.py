"""Mode `test` from label files to figures, on a runtime that reads a plate by its grey level."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai import run
from chepai.inference.model_card import ModelCard
from chepai.plate.codec import encode
from chepai.plate.schema import load_schema

PLATES = {40: ("京A12345", 0.99), 80: ("皖B12345", 0.95), 120: ("皖AD12345", 0.6)}
SCHEMA = load_schema("cn")


class GreyRuntime:
    """Reads PLATES[level] with its confidence on a picture of that grey level."""

    card = ModelCard("grey", SCHEMA, 16, 48)

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        outputs = {head.name: np.zeros((len(images), head.width)) for head in SCHEMA.heads}
        for row, level in enumerate(images[:, 8, 24, 0]):
            text, confidence = PLATES[int(level)]
            labels = encode(SCHEMA, text, "blue", 1)
            for head, label in zip(SCHEMA.heads, labels, strict=True):
                outputs[head.name][row] = (1 - confidence) / (head.width - 1)
                outputs[head.name][row, max(label, 0)] = confidence
        return outputs


@pytest.fixture(autouse=True)
def grey_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chepai.inference.reader.open_runtime", lambda *_: GreyRuntime())


def labelled(folder: Path, name: str, rows: list[tuple[int, str]]) -> str:
    """A TSV of pictures of (grey level, truth) in a folder of its own."""
    home = folder / name
    home.mkdir()
    lines = ["file\ttext\tcolour\trows"]
    for number, (level, text) in enumerate(rows):
        assert cv2.imwrite(str(home / f"{number}.png"), np.full((16, 48, 3), level, np.uint8))
        lines.append(f"{number}.png\t{text}\tblue\t1")
    (home / "labels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(home / "labels.tsv")


def figures_of(tmp_path: Path, *arguments: str, status: int = 0) -> dict:
    given = ["test", "--model", "grey.onnx", "--json", str(tmp_path / "figures.json"), *arguments]
    assert run.main(given) == status
    return json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))


def test_the_json_holds_what_design_promises(tmp_path: Path):
    data = labelled(tmp_path, "a", [(40, "京A12345"), (80, "皖A12345"), (120, "皖AD12345")])
    figures = figures_of(tmp_path, "--data", data)
    assert (figures["plates"], figures["left_out"]) == (3, 0)
    assert figures["plate_accuracy"] == pytest.approx(2 / 3)
    assert figures["coverage"] == pytest.approx(2 / 3)
    assert figures["precision"] == pytest.approx(1 / 2)
    assert figures["coverage_at_precision"]["0.99"] == pytest.approx(1 / 3)
    assert figures["confusions"] == [{"truth": "A", "read": "B", "count": 1}]
    assert figures["colour_accuracy"] == 1.0 and figures["rows_accuracy"] == 1.0
    assert figures["model"] == "grey.onnx" and figures["seconds"] > 0
    assert {"per_province", "per_length", "char_accuracy"} <= figures.keys()


def test_plates_that_cannot_be_judged_are_left_out_and_counted(tmp_path: Path):
    data = labelled(tmp_path, "a", [(40, "京A12345"), (40, "京A1?345"), (40, "ABCDEFGHIJK")])
    figures = figures_of(tmp_path, "--data", data)
    assert (figures["plates"], figures["left_out"], figures["plate_accuracy"]) == (1, 2, 1.0)


def test_several_sets_are_also_combined(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    one = labelled(tmp_path, "a", [(40, "京A12345"), (40, "京A12345")])
    two = labelled(tmp_path, "b", [(80, "皖A12345")])
    figures = figures_of(tmp_path, "--data", one, "--data", two)
    assert figures["plates"] == 3 and figures["name"] == "combined"
    assert [each["plate_accuracy"] for each in figures["sets"]] == [1.0, 0.0]
    table = capsys.readouterr().out
    assert f"| {one} | 2 | 100.00 %" in table and "| combined | 3 | 66.67 %" in table


def test_the_threshold_decides_what_is_accepted(tmp_path: Path):
    data = labelled(tmp_path, "a", [(40, "京A12345"), (120, "皖AD12345")])
    assert figures_of(tmp_path, "--data", data, "--min-confidence", "0.5")["coverage"] == 1.0
    assert figures_of(tmp_path, "--data", data, "--min-confidence", "0.97")["coverage"] == 0.5


def test_the_figures_say_what_read_beside_the_model(tmp_path: Path):
    data = labelled(tmp_path, "gate", [(40, "京A12345"), (120, "皖AD12345")])
    plain = figures_of(tmp_path, "--data", data)
    looked = figures_of(tmp_path, "--data", data, "--second-look", "--second-model", "more.onnx")
    assert plain["model"] == "grey.onnx"
    assert looked["model"] == "grey.onnx, then more.onnx, with a second look"
    assert looked["plate_accuracy"] == plain["plate_accuracy"] == 1.0
    expecting = figures_of(tmp_path, "--data", data, "--provinces", "皖=0.9")
    assert expecting["model"] == "grey.onnx, expecting provinces (皖 90.0 % …)"


def test_a_picture_that_cannot_be_opened_counts_as_wrong_and_is_told(tmp_path: Path, capsys):
    data = labelled(tmp_path, "a", [(40, "京A12345"), (40, "京A12345")])
    (tmp_path / "a" / "1.png").write_bytes(b"no picture")
    figures = figures_of(tmp_path, "--data", data, status=1)
    assert (figures["plates"], figures["unreadable"], figures["plate_accuracy"]) == (2, 1, 0.5)
    error = capsys.readouterr().err
    assert "1 of 2 pictures cannot be read and count as wrong; the first is " in error
    (tmp_path / "a" / "0.png").unlink()
    assert run.main(["test", "--model", "grey.onnx", "--data", data]) == 2
    assert "2 of 2 pictures cannot be read; the first is" in capsys.readouterr().err


def test_the_report_shows_pictures_that_exist(tmp_path: Path):
    pytest.importorskip("matplotlib")
    data = labelled(tmp_path, "a", [(40, "京A12345"), (80, "皖A12345")])
    figures_of(tmp_path, "--data", data, "--output", str(tmp_path / "report"))
    page = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    shown = [line.split("](")[1][:-1] for line in page.split("\n") if line.startswith("![")]
    assert len(shown) == 4
    for name in shown:
        assert cv2.imread(str(tmp_path / "report" / name)) is not None


def test_a_label_file_without_a_usable_plate_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = labelled(tmp_path, "a", [(40, "ABCDEFGHIJK")])
    assert run.main(["test", "--model", "grey.onnx", "--data", data]) == 2
    assert f"{data} holds no plate that the schema cn can spell" in capsys.readouterr().err


def test_json_on_standard_output_is_nothing_but_json(tmp_path: Path, capsys):
    pytest.importorskip("matplotlib")
    data = labelled(tmp_path, "a", [(40, "京A12345")])
    given = ["test", "--model", "grey.onnx", "--data", str(data), "--json", "-"]
    assert run.main([*given, "--output", str(tmp_path / "report")]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["plates"] == 1
    assert "report and plots" in output.err

"""Mode `benchmark` as a user runs it, on a stand-in for the processes that measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
from chepai import Reading, run
from chepai.errors import InputError
from chepai.inference import timing_process
from chepai.inference.timing_process import Contender
from chepai.plate.schema import load_schema


class FakeWorker:
    """`slow` takes twice as long as all else; `keras` is not installed; reads 京A12345."""

    prepared: ClassVar[list[bytes]] = []
    read_of: ClassVar[list[Path | np.ndarray]] = []

    def __init__(self, contender: Contender) -> None:
        if contender.runtime == "keras":
            raise InputError("this needs Keras")
        self.contender, self.schema = contender, load_schema("cn")

    def __enter__(self) -> FakeWorker:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def prepare(self, pictures: list[bytes]) -> None:
        FakeWorker.prepared[:] = pictures

    @property
    def pace(self) -> float:
        return (0.002 if "slow" in self.contender.model else 0.001) / (self.contender.threads or 2)

    def latencies(self, scope: str, seconds: float) -> list[float]:
        return [self.pace] * 9 + [self.pace * 2]

    def speed(self, scope: str, seconds: float) -> float:
        return 1 / self.pace

    def read(self, pictures: list[Path | np.ndarray]) -> list[Reading]:
        FakeWorker.read_of += pictures
        return [Reading("京A12345", 0.9, True, file=str(picture)) for picture in pictures]


@pytest.fixture(autouse=True)
def fake_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing_process, "Worker", FakeWorker)
    monkeypatch.setattr("chepai.inference.pipeline.processors", lambda: 2)


@pytest.fixture
def data(tmp_path: Path) -> str:
    lines = ["file\ttext"]
    for number, text in enumerate(["京A12345", "京A12345", "京A12345", "京B12345"]):
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), np.full((20, 60, 3), number, np.uint8))
        lines.append(f"{number}.jpg\t{text}")
    (tmp_path / "labels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(tmp_path / "labels.tsv")


def benchmark(*arguments: str) -> int:
    return run.main(["benchmark", "--seconds", "1", *arguments])


def table(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_models_stand_side_by_side_for_one_thread_and_all(capsys):
    assert benchmark("--model", "a.onnx", "--model", "slow.onnx") == 0
    printed = capsys.readouterr().out
    header, _, *rows = table(printed)
    assert [row[:3] for row in rows] == [
        ["a.onnx", "-", "1"], ["slow.onnx", "-", "1"],
        ["a.onnx", "-", "all"], ["slow.onnx", "-", "all"],
    ]  # fmt: skip
    assert [row[header.index("faster, one")] for row in rows] == ["1.00", "0.50"] * 2
    assert [row[header.index("plates/s")] for row in rows] == ["1000", "500", "2000", "1000"]
    assert rows[0][header.index("ms (p95)")].startswith("1.00 (2.00)")
    assert "one of 18 pictures" in printed and "processors" in printed


def test_a_runtime_that_cannot_run_a_model_is_left_out_and_named(capsys):
    assert benchmark("--runtime", "onnx", "--runtime", "keras", "--threads", "3") == 0
    captured = capsys.readouterr()
    assert [row[:3] for row in table(captured.out)[2:]] == [["default", "onnx", "3"]]
    assert "left out: default on keras: this needs Keras" in captured.err


def test_providers_stand_side_by_side(tmp_path: Path, capsys):
    arguments = ("--runtime", "onnx", "--provider", "cpu", "--provider", "cuda", "--threads", "1")
    assert benchmark(*arguments, "--json", str(tmp_path / "x.json")) == 0
    rows = table(capsys.readouterr().out)[2:]
    assert [row[1] for row in rows] == ["onnx, cpu", "onnx, cuda"]
    results = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["results"]
    assert [result["provider"] for result in results] == ["cpu", "cuda"]


def test_json_holds_what_the_table_shows(tmp_path: Path, data: str, capsys):
    arguments = ("--model", "a.onnx", "--model", "slow.onnx", "--threads", "all", "--data", data)
    assert benchmark(*arguments, "--json", str(tmp_path / "x.json")) == 0
    header, _, *rows = table(capsys.readouterr().out)
    values = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert values["pictures"] == 4 and values["batch"] == 64 and values["machine"]["date"]
    first, slow = values["results"]
    assert (first["model"], first["runtime"], first["threads"]) == ("a.onnx", None, None)
    assert slow["end_to_end"]["latency_ratio"] == pytest.approx(0.5)
    assert slow["network"]["throughput_ratio"] == pytest.approx(0.5)
    assert first["end_to_end"]["median_ms"] == pytest.approx(0.5)
    assert first["plate_accuracy"] == 0.75
    assert rows[0][header.index("read right")] == "75.00 % (30.06 to 95.44 %)"


def test_of_photographs_the_plates_are_read(tmp_path: Path):
    name = "025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg"
    folder = tmp_path / "CCPD2019" / "ccpd_base"
    folder.mkdir(parents=True)
    assert cv2.imwrite(str(folder / name), np.zeros((1160, 720, 3), np.uint8))
    FakeWorker.read_of.clear()
    assert benchmark("--data", str(tmp_path / "CCPD2019"), "--threads", "1") == 0
    (plate,) = FakeWorker.read_of
    (file,) = FakeWorker.prepared
    assert isinstance(plate, np.ndarray) and plate.shape[0] < 120 and plate.shape[1] < 320
    assert cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR).shape == plate.shape


def test_the_plot_is_a_picture(tmp_path: Path, data: str):
    pytest.importorskip("matplotlib", reason="matplotlib is absent")
    path = tmp_path / "plot.png"
    assert benchmark("--model", "a", "--model", "slow", "--data", data, "--plot", str(path)) == 0
    picture = cv2.imread(str(path))
    assert picture is not None and picture.std() > 5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--plot", "x.png"], "--plot draws accuracy"),
        (["--plot", "x.xyz", "--data", "a"], "--plot ends in .png; received x.xyz"),
        (["--json", "."], "it is a folder; give the name of a file"),
        (["--seconds", "0"], "--seconds: a number above 0, not '0'"),
        (["--seconds", "inf"], "--seconds: a number above 0, not 'inf'"),
        (["--threads", "none"], "a whole number of at least 1 or all"),
        (["--runtime", "keras"], "none of these models can be run"),
        (["--runtime", "keras", "--threads", "1"], "this needs Keras"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(arguments: list[str], sentence: str, capsys):
    assert benchmark(*arguments) == 2
    assert sentence in capsys.readouterr().err

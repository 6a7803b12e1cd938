"""Mode `predict` over many pictures: what it reads from and what it leaves beside the table."""

from __future__ import annotations

import csv
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from chepai import run
from chepai.inference.model_card import ModelCard
from chepai.plate.schema import Head, LabelSchema, load_schema


class GreyRuntime:
    """Reads the plate 042 on a picture of grey level 42, with confidence 0.42 (1 above 99)."""

    def __init__(self) -> None:
        heads = [Head(f"char_{place}", "character", tuple("0123456789")) for place in (1, 2, 3)]
        self.card = ModelCard("grey", LabelSchema("grey", tuple(heads)), 8, 24)

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        levels = images[:, 0, 0, 0].astype(int)
        digits = np.stack([levels // 100, levels // 10 % 10, levels % 10])
        outputs = np.zeros((3, len(images), 10), np.float32)
        np.put_along_axis(outputs, digits[:, :, None], np.minimum(levels / 100, 1)[:, None], axis=2)
        return {f"char_{place + 1}": outputs[place] for place in range(3)}


@pytest.fixture(autouse=True)
def grey_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("chepai.inference.reader.open_runtime", lambda *_: GreyRuntime())
    monkeypatch.chdir(tmp_path)


def png(level: int) -> bytes:
    return cv2.imencode(".png", np.full((16, 48, 3), level, np.uint8))[1].tobytes()


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """Paths of 150 pictures in two folders that use the same names; number 77 is unreadable."""
    paths = []
    for level in range(150):
        path = Path("ab"[level // 100]) / f"{level % 100:02}.png"
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"none" if level == 77 else png(level))
        paths.append(str(path))
    return paths


def predict(*arguments: str) -> int:
    return run.main(["predict", "--model", "grey.onnx", *arguments])


def rows_of(path: str) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def texts() -> list[str]:
    return ["" if level == 77 else f"{level:03}" for level in range(150)]


def test_folders_patterns_lists_archives_and_standard_input_give_the_same_rows(
    pictures: list[str], monkeypatch: pytest.MonkeyPatch
):
    Path("list.txt").write_text("\n".join(pictures), encoding="utf-8")
    with tarfile.open("all.tar.gz", "w:gz") as archive:
        for path in pictures:
            archive.add(path)
    stream = io.TextIOWrapper(io.BytesIO(Path("list.txt").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stream)
    for names in (["a", "b"], ["?/*.png"], ["--list", "list.txt"], ["all.tar.gz"], ["-"]):
        assert predict(*names, "--output", "x.csv") == 1
        rows = rows_of("x.csv")
        assert [row["text"] for row in rows] == texts()
        prefix = "all.tar.gz/" if names == ["all.tar.gz"] else ""
        assert [row["file"] for row in rows] == [prefix + path for path in pictures]
        assert [row["error"] != "" for row in rows] == [level == 77 for level in range(150)]


def test_every_format_holds_the_same_readings(pictures: list[str]):
    for suffix in ("csv", "json", "jsonl"):
        predict("a", "b", "--output", f"x.{suffix}")
    entries = json.loads(Path("x.json").read_text(encoding="utf-8"))
    lines = Path("x.jsonl").read_text(encoding="utf-8").splitlines()
    assert entries == [json.loads(line) for line in lines]
    for row, entry in zip(rows_of("x.csv"), entries, strict=True):
        assert (row["file"], row["text"]) == (entry["file"], entry["text"])
        assert float(row["confidence"]) == entry["confidence"]
    assert [entry["file"] for entry in entries] == pictures


@pytest.mark.usefixtures("pictures")
def test_parquet_holds_the_same_readings():
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow, of the extra, is absent")
    predict("a", "b", "--output", "x.parquet")
    predict("a", "b", "--output", "x.json")
    entries = json.loads(Path("x.json").read_text(encoding="utf-8"))
    rows = parquet.read_table("x.parquet").to_pylist()
    for row, entry in zip(rows, entries, strict=True):
        assert row.pop("char_confidences") == [sure for _, sure in entry.pop("characters")]
        assert row == entry


def test_without_pyarrow_parquet_names_the_extra(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert predict("--output", "x.parquet") == 2
    assert 'pip install "chepai[parquet]"' in capsys.readouterr().err


def test_rejected_and_unreadable_pictures_are_copied(pictures: list[str], capsys):
    arguments = ("--min-confidence", "0.5", "--save-rejected", "no", "--output", "x.csv")
    assert predict("a", "b", *arguments) == 1
    kept = {path.name: path.read_bytes() for path in Path("no").iterdir()}
    assert len(kept) == 50 + 1
    assert kept["77.png"] == b"none" and kept["49.png"] == Path("a/49.png").read_bytes()
    assert "150 pictures: 149 read, 99 accepted" in capsys.readouterr().err
    # Members of archives have no file of their own: they are copied from what was read.
    with tarfile.open("all.tar", "w") as archive:
        for path in pictures:
            archive.add(path)
    predict("all.tar", *arguments[:2], "--save-rejected", "of-tar", "--output", "x.csv")
    assert {path.name: path.read_bytes() for path in Path("of-tar").iterdir()} == kept


@pytest.mark.usefixtures("pictures")
def test_crops_are_what_the_network_sees():
    predict("b", "--save-crops", "seen", "--output", "x.csv")
    crops = sorted(Path("seen").iterdir())
    assert [crop.name for crop in crops] == [f"{number:02}.png" for number in range(50)]
    assert cv2.imread(str(crops[7])).tolist() == np.full((8, 24, 3), 107).tolist()


@pytest.mark.usefixtures("pictures")
def test_the_report_shows_every_reading_in_order():
    predict("b", "--report", "report.html", "--output", "x.csv")
    page = Path("report.html").read_text(encoding="utf-8")
    places = [page.index(f'<b class="plate">{level}</b>') for level in range(100, 150)]
    assert places == sorted(places) and page.count("<img ") == 50


@pytest.mark.usefixtures("pictures")
def test_resume_reads_what_is_new_and_says_what_was_done_before(capsys):
    assert predict("a", "--output", "x.csv") == 1
    capsys.readouterr()
    assert predict("a", "b", "--output", "x.csv", "--resume") == 1
    summary = capsys.readouterr().err
    assert "100 were done before, 1 of them unreadable; 50 pictures: 50 read" in summary
    assert [row["text"] for row in rows_of("x.csv")] == texts()
    assert predict("b", "--output", "y.csv", "--resume") == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--resume"], "--resume needs the --output"),
        (["--resume", "--output", "x.json"], "x.json is written as a whole"),
        (["--report", "x.pdf"], "a report ends in .html"),
        (["--list", "gone.txt"], "cannot read the list gone.txt"),
        (["nothing-*.jpg"], "no file matches nothing-*.jpg"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: list[str], sentence: str, capsys):
    assert predict(*arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1


def test_a_cluster_is_told_all_that_a_reader_here_is(monkeypatch: pytest.MonkeyPatch, tmp_path):
    told = {}

    class FakeEngine:
        def __init__(self, *_: object, **options: object) -> None:
            told.update(options)

        def read(self, sources: object) -> object:
            return iter(())

    monkeypatch.setattr("chepai.inference.ray_engine.RayEngine", FakeEngine)
    runtime = SimpleNamespace(card=ModelCard("cn", load_schema("cn"), 8, 24), run=None)
    monkeypatch.setattr("chepai.inference.reader.open_runtime", lambda *_: runtime)
    (tmp_path / "a.png").write_bytes(png(42))
    given = ["--second-look", "--second-model", "b.onnx", "--provinces", "皖=0.9"]
    assert run.main(["predict", "a.png", "--model", "a.onnx", "--engine", "ray", *given]) == 0
    provinces = told.pop("provinces")
    assert provinces["皖"] == pytest.approx(0.9) and len(provinces) == 31
    assert told == {"second_look": True, "second_model": str(tmp_path / "b.onnx")}


def test_what_it_writes_itself_is_not_read_the_next_time(pictures: list[str]):
    given = ("--output", "x.csv", "--report", "r.html", "--save-rejected", "a/no")
    for _ in range(2):
        assert predict(".", *given, "--save-crops", "crops") == 1
        assert [row["file"] for row in rows_of("x.csv")] == pictures
    assert Path("a/no").is_dir() and Path("crops").is_dir() and Path("r.html").is_file()


def test_a_mistyped_folder_costs_no_table(pictures: list[str], capsys):
    assert predict("a", "--output", "x.csv") == 1
    before = Path("x.csv").read_bytes()
    assert predict("aa/", "--output", "x.csv") == 2
    assert "there is no aa/; name pictures" in capsys.readouterr().err
    assert Path("x.csv").read_bytes() == before
    assert predict("aa/", pictures[0], "--output", "x.csv") == 1
    assert predict("a/0[12].png", "--output", "x.csv") == 0
    assert len(rows_of("x.csv")) == 2


def test_a_picture_is_no_list(pictures: list[str], capsys):
    assert predict("--list", pictures[0]) == 2
    assert "is no list: name pictures and archives without --list" in capsys.readouterr().err


def test_a_zip_archive_is_read(pictures: list[str]):
    with zipfile.ZipFile("all.zip", "w") as archive:
        for path in pictures:
            archive.write(path)
    assert predict("all.zip", "--output", "x.csv") == 1
    assert [row["text"] for row in rows_of("x.csv")] == texts()
    assert [row["file"] for row in rows_of("x.csv")] == [f"all.zip/{path}" for path in pictures]

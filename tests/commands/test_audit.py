"""Mode `audit` from label files to suspicions, on a runtime that reads plates by grey level."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from chepai import run
from chepai.commands import _audit_folds
from chepai.dataset.records import PlateRecord
from chepai.errors import InputError
from chepai.inference.model_card import ModelCard
from chepai.plate.codec import encode
from chepai.plate.schema import load_schema

CN = load_schema("cn")
# Grey level -> what a picture of it shows.
PLATES = {60: "京A12345", 120: "皖B66666", 180: "沪C77D88"}
TRUE = [(f"{level}_{copy}.png", text) for level, text in PLATES.items() for copy in range(6)]
WRONG = ("60_0.png", "京A12346")


class GreyRuntime:
    """Reads PLATES[level], blue and in one row, with a confidence of 0.95."""

    card = ModelCard("grey", CN, 16, 48)

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        outputs = {head.name: np.zeros((len(images), head.width)) for head in CN.heads}
        for row, level in enumerate(images[:, 8, 24, 0]):
            text = PLATES[min(PLATES, key=lambda known: abs(known - int(level)))]
            for head, label in zip(CN.heads, encode(CN, text, "blue", 1), strict=True):
                outputs[head.name][row] = 0.05 / (head.width - 1)
                outputs[head.name][row, max(label, 0)] = 0.95
        return outputs


@pytest.fixture(autouse=True)
def grey_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chepai.inference.runtimes.open_runtime", lambda *_: GreyRuntime())


def pictures(folder: Path, names: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        level = int(Path(name).stem.split("_")[0])
        assert cv2.imwrite(str(folder / name), np.full((16, 48, 3), level, np.uint8))


def rows_with_one_wrong() -> list[tuple[str, str]]:
    return [WRONG if name == WRONG[0] else (name, text) for name, text in TRUE]


def tsv(folder: Path, rows: list[tuple[str, str]], extra: str = "") -> Path:
    pictures(folder, [name for name, _ in rows])
    file = folder / "labels.tsv"
    lines = [f"file\ttext{extra and '	colour'}", *(f"{n}\t{t}{extra}" for n, t in rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def audit(folder: Path, *arguments: object) -> int:
    given = ["audit", "--output", folder / "audit", *arguments]
    return run.main([str(argument) for argument in given])


def listed(folder: Path) -> list[dict[str, str]]:
    with (folder / "audit" / "suspicious.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_the_wrong_label_is_listed_with_its_reading(tmp_path: Path):
    data = tsv(tmp_path / "a", rows_with_one_wrong())
    assert audit(tmp_path, "--model", "grey.onnx", "--data", data) == 0
    (row,) = listed(tmp_path)
    assert (row["file"], row["label"]) == (str(tmp_path / "a" / WRONG[0]), WRONG[1])
    assert (row["suggestion"], row["head"]) == ("京A12345", "char_7")
    assert 0 <= float(row["score"]) < 0.1


def test_the_sheet_needs_nothing_besides_itself(tmp_path: Path):
    data = tsv(tmp_path / "a", rows_with_one_wrong())
    audit(tmp_path, "--model", "grey.onnx", "--data", data)
    page = (tmp_path / "audit" / "suspicious.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/jpeg;base64,') == 1
    assert "http" not in page and "<link" not in page and 'src="/' not in page
    assert "京A1234<mark>6</mark>" in page and "京A1234<mark>5</mark>" in page
    assert "1 of 18 labels are suspicious" in page


def label_lines(rows: list[tuple[str, str]]) -> dict[str, str]:
    """The same labels in each format that names pictures."""
    classes = load_schema("original")
    original = [" ".join(map(str, [n, *encode(classes, t, "blue").tolist()])) for n, t in rows]
    return {
        "labels.tsv": "\n".join(["text\tfile", *(f"{t}\t{n}" for n, t in rows)]),
        "list.txt": "\n".join(f"{n}\t{t}" for n, t in rows),
        "plates.csv": "\n".join(["image_path,plate_text", *(f"{n},{t}" for n, t in rows)]),
        "label.txt": "\n".join(original),
    }


@pytest.mark.parametrize("name", ["labels.tsv", "list.txt", "plates.csv", "label.txt"])
def test_the_cleaned_file_is_the_given_one_without_the_wrong_line(tmp_path: Path, name: str):
    rows = rows_with_one_wrong()
    folder = tmp_path / "a"
    pictures(folder, [file for file, _ in rows])
    (folder / name).write_text(label_lines(rows)[name] + "\n", encoding="utf-8")
    data, clean = folder / name, folder / f"clean-{name}"
    assert audit(tmp_path, "--model", "grey.onnx", "--data", data, "--fix-to", clean) == 0
    before = data.read_text(encoding="utf-8").splitlines()
    kept = [line for line in before if WRONG[0] not in line.replace(",", " ").split()]
    assert len(kept) == len(before) - 1
    assert clean.read_text(encoding="utf-8").splitlines() == kept


def test_a_folder_of_named_pictures_becomes_a_clean_tsv(tmp_path: Path):
    folder = tmp_path / "a"
    folder.mkdir()
    for number, (level, text) in enumerate([(60, "京A12345"), (120, "皖B66666"), (60, "皖B66667")]):
        image = np.full((16, 48, 3), level, np.uint8)
        cv2.imencode(".png", image)[1].tofile(folder / f"{text}_{number}.png")
    clean = tmp_path / "clean.tsv"
    assert audit(tmp_path, "--model", "grey.onnx", "--data", folder, "--fix-to", clean) == 0
    assert clean.read_text(encoding="utf-8").splitlines() == [
        "file\ttext",
        "a/京A12345_0.png\t京A12345",
        "a/皖B66666_1.png\t皖B66666",
    ]


def test_only_what_a_reviewer_left_in_the_table_is_taken_out(tmp_path: Path):
    rows = [
        ("60_1.png", "京A99999") if n == "60_1.png" else (n, t) for n, t in rows_with_one_wrong()
    ]
    data = tsv(tmp_path / "a", rows)
    audit(tmp_path, "--model", "grey.onnx", "--data", data)
    table = tmp_path / "audit" / "suspicious.tsv"
    lines = table.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    reviewed = tmp_path / "reviewed.tsv"
    reviewed.write_text("\n".join(li for li in lines if "京A12346" not in li), encoding="utf-8")
    clean = tmp_path / "a" / "clean.tsv"
    assert audit(tmp_path, "--data", data, "--reviewed", reviewed, "--fix-to", clean) == 0
    kept = clean.read_text(encoding="utf-8")
    assert "京A12346" in kept and "京A99999" not in kept and len(kept.splitlines()) == 18


def test_a_wrong_colour_counts_unless_texts_alone_are_judged(tmp_path: Path):
    data = tsv(tmp_path / "a", TRUE, "\tblue")
    text = data.read_text(encoding="utf-8")
    data.write_text(
        text.replace("120_0.png\t皖B66666\tblue", "120_0.png\t皖B66666\tyellow"), "utf-8"
    )
    audit(tmp_path, "--model", "grey.onnx", "--data", data)
    (row,) = listed(tmp_path)
    assert (row["label"], row["suggestion"]) == ("皖B66666 yellow", "皖B66666 blue")
    audit(tmp_path, "--model", "grey.onnx", "--data", data, "--heads", "text")
    assert listed(tmp_path) == []


def test_a_model_that_contradicts_most_labels_is_doubted_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    others = [
        (name, "京A99999" if number % 2 else text) for number, (name, text) in enumerate(TRUE)
    ]
    data = tsv(tmp_path / "a", others)
    assert audit(tmp_path, "--model", "grey.onnx", "--data", data) == 0
    assert "cannot read these plates" in capsys.readouterr().out
    data = tsv(tmp_path / "b", rows_with_one_wrong())
    assert audit(tmp_path, "--model", "grey.onnx", "--data", data) == 0
    assert "cannot read these plates" not in capsys.readouterr().out


def test_unreadable_pictures_are_told_and_the_rest_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = tsv(tmp_path / "a", rows_with_one_wrong())
    (tmp_path / "a" / "120_3.png").write_bytes(b"no picture")
    assert audit(tmp_path, "--model", "grey.onnx", "--data", data) == 1
    assert len(listed(tmp_path)) == 1
    assert "1 pictures not readable, the first: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--folds", "2", "--model", "grey.onnx"), "--folds wants at least 2 and no --model"),
        (("--folds", "1"), "--folds wants at least 2"),
        (("--reviewed", "x.tsv"), "--reviewed wants --fix-to"),
        (("--below", "2"), "a number from 0 to 1"),
        (("--data", "b", "--fix-to", "c"), "--fix-to writes one label file: give one --data"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    tmp_path: Path, arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
):
    data = tsv(tmp_path / "a", TRUE)
    assert audit(tmp_path, "--data", data, *arguments) == 2
    assert sentence in capsys.readouterr().err


def test_a_review_of_other_plates_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = tsv(tmp_path / "a", TRUE)
    reviewed = tmp_path / "reviewed.tsv"
    reviewed.write_text("file\tlabel\nelsewhere.png\t京A12345\n", encoding="utf-8")
    assert audit(tmp_path, "--data", data, "--reviewed", reviewed, "--fix-to", "clean.tsv") == 2
    assert "none of the 1 plates of" in capsys.readouterr().err


def record(text: str, number: int) -> PlateRecord:
    return PlateRecord(Path(f"{number}.png"), encode(CN, text), text, None, None, number)


def test_folds_never_part_the_pictures_of_one_plate():
    texts = [f"京A{number // 3:05d}" for number in range(60)] + [""] * 5
    records = tuple(record(text, number) for number, text in enumerate(texts))
    folds = _audit_folds.plate_folds(records, 4, seed=1)
    assert sorted(np.concatenate(folds).tolist()) == list(range(65))
    assert all(14 <= len(fold) <= 19 for fold in folds)
    held = [{texts[i] for i in fold if texts[i]} for fold in folds]
    assert sum(map(len, held)) == len(set().union(*held)) == 20
    with pytest.raises(InputError, match="--folds 70: the data has only 25 different plates"):
        _audit_folds.plate_folds(records, 70, seed=1)


class Trainings:
    """Stands for the training loop: notes what each fold was shown, and can be interrupted."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, bool]] = []
        self.interrupted = False

    def __call__(self, config, folder, training, validation, init=None, resume=False):
        images, labels = next(iter(training.evaluation().as_numpy_iterator()))
        assert len(images) == training.plates_per_epoch <= config.train.batch_size
        held = next(iter(validation.evaluation().as_numpy_iterator()))[1]
        assert not {tuple(row) for row in labels} & {tuple(row) for row in held}
        self.shown.append((len(images), resume))
        folder.last.write_bytes(b"")
        return SimpleNamespace(interrupted=self.interrupted)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    made = Trainings()
    monkeypatch.setattr(_audit_folds, "train_family", made)
    monkeypatch.setattr(_audit_folds, "open_runtime", lambda *_: GreyRuntime())
    return made


SMALL = ("--set", "model.height=16", "--set", "model.width=48")


def test_every_fold_trains_on_the_others_and_is_done_once(tmp_path: Path, trainings: Trainings):
    data = tsv(tmp_path / "a", rows_with_one_wrong())
    assert audit(tmp_path, "--folds", 2, *SMALL, "--data", data) == 0
    assert len(trainings.shown) == 2 and sum(count for count, _ in trainings.shown) == 18
    first = listed(tmp_path)
    assert [row["label"] for row in first] == [WRONG[1]]
    assert audit(tmp_path, "--folds", 2, *SMALL, "--data", data) == 0
    assert len(trainings.shown) == 2 and listed(tmp_path) == first


def test_an_interrupted_fold_goes_on_where_it_stopped(
    tmp_path: Path, trainings: Trainings, capsys: pytest.CaptureFixture[str]
):
    data = tsv(tmp_path / "a", rows_with_one_wrong())
    trainings.interrupted = True
    assert audit(tmp_path, "--folds", 2, *SMALL, "--data", data) == 130
    assert "the same command goes on" in capsys.readouterr().out
    trainings.interrupted = False
    assert audit(tmp_path, "--folds", 2, *SMALL, "--data", data) == 0
    assert [resumed for _, resumed in trainings.shown] == [False, True, False]


@pytest.mark.usefixtures("trainings")
def test_folds_of_other_settings_are_not_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = tsv(tmp_path / "a", TRUE)
    assert audit(tmp_path, "--folds", 2, *SMALL, "--data", data) == 0
    assert audit(tmp_path, "--folds", 3, *SMALL, "--data", data) == 2
    assert "holds the folds of other plates or settings" in capsys.readouterr().err


def test_students_are_not_trained_in_folds(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = tsv(tmp_path / "a", TRUE)
    teachers = ("--set", "distill.teachers=[default]")
    assert audit(tmp_path, "--folds", 2, *SMALL, *teachers, "--data", data) == 2
    assert "--folds trains without teachers" in capsys.readouterr().err

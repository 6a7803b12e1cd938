"""Label files from named pictures, and splits that share no plate."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from chepai.commands import generate_txt as command
from chepai.dataset.file_util import read_records
from chepai.errors import InputError
from chepai.plate.schema import load_schema
from chepai.utils.generate_txt import NamedPlate, find_plates, generate_txt, split_by_text

CN = load_schema("cn")
ORIGINAL = load_schema("original")


def make(folder: Path, *names: str) -> Path:
    """Names are all that is looked at: the pictures are empty."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def many(count: int) -> list[NamedPlate]:
    """Two pictures of every third plate."""
    texts = [f"京A{number:05d}" for number in range(count)]
    return [
        NamedPlate(Path(f"{text}_{copy}.jpg"), text, None)
        for index, text in enumerate(texts)
        for copy in range(2 if index % 3 == 0 else 1)
    ]


def test_names_give_texts_and_folders_colours(tmp_path: Path):
    make(tmp_path, "blue/00000001_京A12345.jpg", "green/粤BD12345_2.png", "x/notes.txt", "x/a.jpg")
    plates, others = find_plates(tmp_path, CN)
    assert [(plate.text, plate.colour) for plate in plates] == [
        ("京A12345", "blue"), ("粤BD12345", "green"),
    ]  # fmt: skip
    assert others == [tmp_path / "x" / "a.jpg"]


def test_a_split_loses_nothing_and_shares_no_plate():
    plates = many(300)
    parts = split_by_text(plates, (80, 10, 10), 800)
    assert sorted(plate.path for part in parts for plate in part) == sorted(p.path for p in plates)
    texts = [{plate.text for plate in part} for part in parts]
    assert not texts[0] & texts[1] and not texts[0] & texts[2] and not texts[1] & texts[2]
    assert [len(part) for part in parts] == pytest.approx([320, 40, 40], abs=1)


def test_a_split_depends_on_its_seed_alone():
    plates = many(100)
    first = split_by_text(plates, (80, 10, 10), 1)
    again = split_by_text(list(reversed(plates)), (80, 10, 10), 1)
    assert [set(part) for part in again] == [set(part) for part in first]
    assert split_by_text(plates, (80, 10, 10), 2) != first


def test_a_share_of_nothing_gets_nothing():
    parts = split_by_text(many(30), (1, 0, 1), 0)
    assert [bool(part) for part in parts] == [True, False, True]


def test_the_files_are_read_back_with_their_pictures(tmp_path: Path):
    names = [*(f"blue/京A{number:05d}.jpg" for number in range(20)), "green/粤BD12345.jpg"]
    folder = make(tmp_path / "p", *names)
    written = generate_txt(folder, tmp_path / "labels", CN)
    assert written.counts == {"all": 21, "train": 17, "validation": 2, "test": 2}
    assert not written.others and not written.kept
    records = read_records(tmp_path / "labels" / "all.tsv", CN)
    assert {record.path.resolve() for record in records} == set(folder.rglob("*.jpg"))
    assert {(record.text[:1], record.colour) for record in records} == {
        ("京", "blue"), ("粤", "green"),
    }  # fmt: skip
    parts = [
        read_records(tmp_path / "labels" / f"{name}.tsv", CN) for name in list(written.counts)[1:]
    ]
    assert sorted(r.text for part in parts for r in part) == sorted(r.text for r in records)


@pytest.mark.parametrize("form", ["tsv", "label"])
def test_plates_stay_in_their_parts_when_the_folder_grows(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    suffix = {"tsv": ".tsv", "label": ".txt"}[form]
    folder, lists = make(tmp_path / "p", *(f"京A{n:05d}.jpg" for n in range(0, 60, 2))), tmp_path
    options = (str(folder), "--output", str(lists), "--format", form, "--split", "50/25/25")

    def parts() -> list[set[str]]:
        files = (lists / f"{name}{suffix}" for name in ("train", "validation", "test"))
        return [{record.path.name for record in read_records(file, CN)} for file in files]

    assert run(*options) == 0
    before = parts()
    # More plates, which the random order puts between those of before, and one of these again.
    make(folder, *(f"京A{n:05d}.jpg" for n in range(1, 60, 2)), "京A00002_again.jpg")
    capsys.readouterr()
    assert run(*options, "--seed", "7") == 0
    after = parts()
    assert all(old < new for old, new in zip(before, after, strict=True))
    assert [len(part) for part in after] == pytest.approx([30, 15, 15], abs=1)
    home = next(part for part in after if "京A00002.jpg" in part)
    assert "京A00002_again.jpg" in home
    assert "31 plates stay in the parts" in capsys.readouterr().out


def test_the_originals_label_file_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = make(tmp_path, "blue/鲁BC6T76.jpg", "IMG_1.jpg")
    assert run(str(folder), "--format", "label", "--split", "1/0/0") == 0
    assert (folder / "train.txt").read_text("utf-8") == (
        "blue/鲁BC6T76.jpg 15 1 12 6 27 7 6 -1 0 0\n"
    )
    assert (folder / "test.txt").read_text("utf-8") == ""
    captured = capsys.readouterr()
    assert "train.txt: 1 plates" in captured.out
    assert "IMG_1.jpg" in captured.err


def test_wrong_input_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="there is no folder"):
        run(str(tmp_path / "none"))
    with pytest.raises(InputError, match="holds no pictures"):
        run(str(tmp_path))
    make(tmp_path, "a.jpg")
    with pytest.raises(InputError, match="has a plate's text in its name"):
        run(str(tmp_path))
    for split in ("80/20", "a/b/c", "0/0/0", "1/-1/1"):
        with pytest.raises(InputError, match="80/10/10"):
            run(str(tmp_path), f"--split={split}")

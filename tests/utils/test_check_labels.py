"""Every fault of a label file is found, and nothing else."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai.commands import check_labels as command
from chepai.dataset.file_util import read_records
from chepai.errors import InputError
from chepai.plate.codec import encode
from chepai.plate.schema import load_schema
from chepai.utils.check_labels import CATEGORIES, check_labels
from chepai.utils.label_lines import read_label_file

CN = load_schema("cn")
ORIGINAL = load_schema("original")


def picture(file: Path, seed: int, size: tuple[int, int] = (60, 20)) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(cv2.imencode(".png", image)[1].tobytes())


def write(folder: Path, text: str, name: str = "labels.tsv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def found(file: Path, schema=CN, **options) -> list[tuple[int, str]]:
    report = check_labels(read_label_file(file, schema), schema, **options)
    return [(finding.line.line, finding.category) for finding in report.findings]


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A TSV with one fault of each kind; its lines 2 and 14 are good."""
    for seed, name in enumerate(["good", "twin", "i", "k", "c", "f", "z"]):
        picture(tmp_path / f"{name}.png", seed)
    picture(tmp_path / "tiny.png", 50, (29, 10))
    (tmp_path / "twin2.png").write_bytes((tmp_path / "twin.png").read_bytes())
    (tmp_path / "copy.png").write_bytes((tmp_path / "good.png").read_bytes())
    (tmp_path / "broken.png").write_bytes((tmp_path / "i.png").read_bytes()[:200])
    rows = [
        "file\ttext\tcolour",
        "good.png\t京A12345\tblue",
        "copy.png\t京A·12345\tblue",  # 3: duplicate
        "twin.png\t京A11111",  # 4 and 5: conflict
        "twin2.png\t京A11112",
        "i.png\t京AI2345\t",  # 6: text
        "k.png\t京123456\t",  # 7: impossible
        "c.png\t京A1234警\tblue",  # 8: colour
        "f.png\t京A12346\tblue\textra",  # 9: fields
        "none.png\t京A12347",  # 10: missing
        "broken.png\t京A12348",  # 11: unreadable
        "tiny.png\t京A12349",  # 12: tiny
        "",
        "z.png\t京A54321\tyellow",
    ]
    return write(tmp_path, "\n".join(rows))


def test_each_fault_is_found_once(faulty: Path):
    assert found(faulty) == [
        (3, "duplicate"), (4, "conflict"), (5, "conflict"), (6, "text"), (7, "impossible"),
        (8, "colour"), (9, "fields"), (10, "missing"), (11, "unreadable"), (12, "tiny"),
    ]  # fmt: skip


def test_a_good_file_has_no_findings(tmp_path: Path):
    for seed, name in enumerate("ab"):
        picture(tmp_path / f"{name}.png", seed)
    file = write(tmp_path, "file\ttext\tcolour\na.png\t京A12345\tblue\nb.png\t\tunknown?\n")
    assert found(file) == []
    assert run(str(file)) == 0


def test_categories_and_the_least_size_can_be_set(faulty: Path):
    assert (12, "tiny") not in found(faulty, min_size=(29, 10))
    assert len(found(faulty, min_size=(61, 20))) > 12
    assert found(faulty, ignore=CATEGORIES) == []


def test_class_numbers_are_checked_against_their_heads(tmp_path: Path):
    for number in range(1, 7):
        picture(tmp_path / f"{number}.png", number)
    file = write(
        tmp_path,
        "1.png 15 1 12 6 27 7 6 -1 0 0\n"
        "2.png 15 1 12 6 27 7 6 -1 0\n"  # a number too few
        "3.png 15 1 34 6 27 7 6 -1 0 0\n"  # beyond its head
        "4.png 33 1 12 6 27 7 6 -1 0 0\n"  # a spare class
        "5.png 15 1 12 6 27 7 6 3 0 0\n"  # an eighth character, the length is seven
        "6.png 15 25 12 6 27 7 6 -1 0 0\n",  # a digit in second place
        "label.txt",
    )
    assert found(file, ORIGINAL) == [
        (2, "fields"), (3, "range"), (4, "range"), (5, "impossible"), (6, "impossible"),
    ]  # fmt: skip


def test_the_same_pixels_in_another_format_are_the_same_picture(tmp_path: Path):
    picture(tmp_path / "a.png", 0)
    cv2.imwrite(str(tmp_path / "b.bmp"), cv2.imread(str(tmp_path / "a.png")))
    file = write(tmp_path, "file\ttext\na.png\t京A12345\nb.bmp\t京A12345\n")
    assert found(file) == [(3, "duplicate")]


def test_good_lines_are_written_and_read_from_another_folder(
    faulty: Path, capsys: pytest.CaptureFixture[str]
):
    for target in (faulty.parent / "fixed.tsv", faulty.parent / "sub" / "fixed.tsv"):
        assert run(str(faulty), "--fix-to", str(target), "--show", "1") == 1
        records = read_records(target, CN)
        assert [record.text for record in records] == ["京A12345", "京A54321"]
        assert [record.path.resolve().name for record in records] == ["good.png", "z.png"]
        assert all(record.path.is_file() for record in records)
        assert run(str(target)) == 0
    out = capsys.readouterr().out
    assert "12 lines, 2 good" in out
    assert "conflict (" in out and "and 1 more" in out


def test_a_folder_of_named_pictures_is_checked(tmp_path: Path):
    picture(tmp_path / "p" / "京A12345.png", 0)
    picture(tmp_path / "p" / "京A12345_1.png", 0)
    picture(tmp_path / "p" / "holiday.png", 1)
    target = tmp_path / "fixed.tsv"
    assert run(str(tmp_path / "p"), "--fix-to", str(target), "--json", str(tmp_path / "r.json"))
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert report["counts"] == {"text": 1, "duplicate": 1}
    assert (report["lines"], report["good"]) == (3, 1)
    assert {finding["file"] for finding in report["findings"]} == {"holiday.png", "京A12345_1.png"}
    assert [record.path.is_file() for record in read_records(target, CN)] == [True]


def test_a_label_file_of_the_original_needs_no_schema_named(tmp_path: Path):
    picture(tmp_path / "鲁BC6T76.jpg", 0)
    file = write(tmp_path, "鲁BC6T76.jpg 15 1 12 6 27 7 6 -1 0 0", "label.txt")
    assert run(str(file)) == 0


def test_wrong_options_are_named(faulty: Path):
    with pytest.raises(InputError, match="no category 'size'"):
        run(str(faulty), "--ignore", "size")
    with pytest.raises(InputError, match="--min-size wants"):
        run(str(faulty), "--min-size", "30")


def test_of_a_table_only_the_column_of_files_is_changed(tmp_path: Path):
    picture(tmp_path / "pictures" / "a.jpg", 1)
    file = write(tmp_path / "pictures", "source\tfile\ttext\nold/a.jpg\ta.jpg\t京A12345\n")
    target = tmp_path / "lists" / "good.tsv"
    run(str(file), "--fix-to", str(target))
    assert target.read_text(encoding="utf-8").splitlines()[1] == (
        "old/a.jpg\t../pictures/a.jpg\t京A12345"
    )
    assert found(target) == []


def test_names_with_commas_are_quoted_in_a_csv(tmp_path: Path):
    picture(tmp_path / "a,b" / "x.png", 1)
    file = write(tmp_path / "a,b", "image_path,plate_text\nx.png,京A12345\n", "labels.csv")
    run(str(file), "--fix-to", str(tmp_path / "good.csv"))
    assert found(tmp_path / "good.csv") == []


def test_a_label_file_of_eleven_columns_is_of_cn(tmp_path: Path):
    picture(tmp_path / "a.png", 1)
    numbers = " ".join(map(str, encode(CN, "京A12345", "blue", 1)))
    file = write(tmp_path, f"a.png {numbers}\n", "label.txt")
    assert run(str(file)) == 0

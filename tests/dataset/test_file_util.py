"""Label files of several readers become the same records."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai.dataset.file_util import read_records
from chepai.errors import InputError
from chepai.plate.codec import encode
from chepai.plate.schema import load_schema

CN = load_schema("cn")
ORIGINAL = load_schema("original")
SAMPLE = "鲁BC6T76.jpg 15 1 12 6 27 7 6 -1 0 0"


def write(folder: Path, text: str, name: str = "labels.tsv", encoding: str = "utf-8") -> Path:
    file = folder / name
    file.write_bytes(text.encode(encoding))
    return file


def touch_pictures(folder: Path, *names: str) -> None:
    image = np.zeros((20, 60, 3), np.uint8)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(cv2.imencode(Path(name).suffix, image)[1].tobytes())


def test_the_originals_label_file_is_read_as_it_is(tmp_path: Path):
    (record,) = read_records(write(tmp_path, SAMPLE, "label.txt"), ORIGINAL)
    assert record.path == tmp_path / "鲁BC6T76.jpg"
    assert record.labels.tolist() == [15, 1, 12, 6, 27, 7, 6, -1, 0, 0]
    assert record.labels.dtype == np.int32
    assert (record.text, record.colour, record.rows, record.line) == ("鲁BC6T76", "blue", None, 1)


def test_the_originals_label_file_serves_another_schema_by_its_texts(tmp_path: Path):
    (record,) = read_records(write(tmp_path, SAMPLE, "label.txt"), CN)
    assert record.labels.tolist() == encode(CN, "鲁BC6T76", "blue").tolist()


def test_a_name_with_blanks_is_still_one_name(tmp_path: Path):
    file = write(tmp_path, "my car.jpg 15 1 12 6 27 7 6 -1 0 0", "x.txt")
    assert read_records(file, ORIGINAL)[0].path == tmp_path / "my car.jpg"


def test_a_tsv_with_free_colours_and_rows(tmp_path: Path):
    text = (
        "file\ttext\tcolour\tsource\trows\n"
        "a.jpg\t京A·12345\tblue\tx\t1\n"
        "sub/b.jpg\t沪A1639领\tblack-consulate\tx\t\n"
        "c.jpg\t渝B8333挂\tyellow-double-row\tx\t?\n"
        "d.jpg\t皖A12345\twhite?\tx\t2\n"
        "e.jpg\t\t\tx\t\n"
    )
    records = read_records(write(tmp_path, text), CN)
    assert [record.text for record in records] == [
        "京A12345", "沪A1639领", "渝B8333挂", "皖A12345", "",
    ]  # fmt: skip
    assert [record.colour for record in records] == ["blue", "black", "yellow", None, None]
    assert [record.rows for record in records] == [1, None, 2, 2, None]
    assert [record.line for record in records] == [2, 3, 4, 5, 6]
    assert records[1].path == tmp_path / "sub" / "b.jpg"
    assert records[3].labels[-2:].tolist() == [-1, CN.heads[-1].indices["2"]]
    assert records[4].labels[8] == CN.heads[8].indices["none"]


@pytest.mark.parametrize(
    "text",
    [
        "file\ttext\na.jpg\t京A12345\n",
        "text\tcolor\tfile\n京A12345\t\ta.jpg\n",
        "image_path,plate_text\na.jpg,京A12345\n",
        'image_path,plate_text,plate_region\n"a.jpg","京A12345",China\n',
        "a.jpg\t京A12345\n",
        "a.jpg 0 0 1 2 3 4 5 -1 0 -1\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_format_and_encoding_gives_the_same_record(tmp_path: Path, text: str, encoding: str):
    windows = "\n" + text.replace("\n", "\r\n\r\n") + "  \r\n"
    for content in (text, text.rstrip("\n"), windows):
        (record,) = read_records(write(tmp_path, content, "any.txt", encoding), CN)
        assert record.path == tmp_path / "a.jpg"
        assert record.text == "京A12345"
        assert record.labels.tolist() == encode(CN, "京A12345").tolist()


def test_a_folder_is_read_by_its_file_names(tmp_path: Path):
    touch_pictures(
        tmp_path, "皖A12345.jpg", "皖A12345_1.PNG", "00000001_粤B12345D.jpg", "yellow/京A54321.jpg"
    )
    touch_pictures(tmp_path, ".cache/京A00000.jpg")
    (tmp_path / "notes.txt").write_text("no picture")
    records = read_records(tmp_path, CN)
    found = {record.path.relative_to(tmp_path).as_posix(): record.text for record in records}
    assert found == {
        "皖A12345.jpg": "皖A12345",
        "皖A12345_1.PNG": "皖A12345",
        "00000001_粤B12345D.jpg": "粤B12345D",
        "yellow/京A54321.jpg": "京A54321",
    }
    assert [record.colour for record in records if "yellow" in str(record.path)] == ["yellow"]


def test_a_folder_with_a_label_file_is_read_by_it(tmp_path: Path):
    touch_pictures(tmp_path, "皖A12345.jpg")
    write(tmp_path, "file\ttext\n皖A12345.jpg\t皖A99999\n")
    assert [record.text for record in read_records(tmp_path, CN)] == ["皖A99999"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file\ttext\na.jpg\t京A12345\nb.jpg\t京AI2345\n", "line 3: .* no 'I' at position 3"),
        ("file\ttext\n\na.jpg\t京A1\n", "line 3: .* has 3 characters"),
        ("file\ttext\na.jpg\n", "line 2: 1 fields; 2 are wanted"),
        ("file\ttext\na.jpg\t京A12345\tblue\n", "line 2: 3 fields; 2 are wanted"),
        ("file\ttext\n\t京A12345\n", "line 2: no file is named"),
        ("file\ttext\trows\na.jpg\t京A12345\tone\n", "line 2: 'one' is not a number of rows"),
        ("a.jpg 1 2 3", "line 1: 3 labels; the schema cn has 11 heads"),
        (f"{SAMPLE}\nb.jpg 0 0 x 1 1 1 1 -1 0 0", "line 2: 'x' is not a class number"),
        (f"{SAMPLE}\nb.jpg 34 0 0 1 1 1 1 -1 0 0", "line 2: class 34 of the head class_1"),
        (f"{SAMPLE}\nb.jpg", "line 2: no class numbers"),
        ("what is this", "line 1: not a known label format"),
        ("", "is empty"),
    ],
)
def test_a_fault_is_named_with_its_file_and_line(tmp_path: Path, text: str, sentence: str):
    with pytest.raises(InputError, match=f"mine.txt.*{sentence}"):
        read_records(write(tmp_path, text, "mine.txt"), CN)


def test_plates_outside_the_schema_can_be_left_out_and_counted(tmp_path: Path):
    file = write(tmp_path, "file\ttext\na.jpg\t京A12345\nb.jpg\t京AI2345\nc.jpg\tB 1\n")
    records = read_records(file, CN, skip_unencodable=True)
    assert [record.text for record in records] == ["京A12345"]
    assert len(records.skipped) == 2
    assert "line 3" in records.skipped[0]
    touch_pictures(tmp_path / "names", "京A12345.jpg", "IMG_0001.jpg")
    records = read_records(tmp_path / "names", CN, skip_unencodable=True)
    assert len(records) == 1
    assert "IMG_0001" in records.skipped[0]


def test_missing_files_and_empty_folders_are_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"none\.tsv"):
        read_records(tmp_path / "none.tsv", CN)
    with pytest.raises(InputError, match="holds no pictures"):
        read_records(tmp_path, CN)
    (tmp_path / "x.bin").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="UTF-8"):
        read_records(tmp_path / "x.bin", CN)


def test_the_real_plates_are_read(shared_data: Path):
    for folder, plates in (("check", 212), ("check_ccpd", 206)):
        records = read_records(shared_data / "real_plates" / folder, CN)
        assert len(records) == plates
        assert all(record.path.is_file() for record in records)
        assert all(record.path.stem.startswith(record.text) for record in records)

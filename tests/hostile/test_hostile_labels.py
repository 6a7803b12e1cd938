"""Label files of strangers: each fault is one sentence that says where it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai.dataset.file_util import read_records
from chepai.errors import InputError, one_line, quoted
from chepai.plate.schema import load_schema
from chepai.utils.check_labels import check_labels, write_good_lines
from chepai.utils.label_lines import MOST_LINE, read_label_file

CN = load_schema("cn")
HEADER = "file\ttext\n"
LONG = 10_000_000


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "labels.tsv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def sentence_of(file: Path) -> str:
    with pytest.raises(InputError) as error:
        read_records(file, CN)
    sentence = str(error.value)
    assert str(file) in sentence and len(sentence) < 1100 and "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("x" * LONG, 1),
        (HEADER + "a.jpg\t" + "A" * LONG, 2),
        (HEADER + "a" * LONG + "\t京A12345", 2),
        ("image_path,plate_text\n" + "a" * LONG + ",京A12345", 2),
        ("image_path,plate_text\n\na.jpg," + "A" * LONG, 3),
        ("a.jpg " + "1 " * (LONG // 2), 1),
        (HEADER.strip() + "\tx" * (LONG // 2) + "\na\tb", 1),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_line_of_ten_million_characters_is_named_and_not_quoted(
    content: str, line: int, tmp_path: Path
):
    sentence = sentence_of(written(tmp_path, content))
    assert f"line {line}: " in sentence and f"{MOST_LINE} at most" in sentence


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ("a.jpg " + "1" * 5000 + " 1 1 1 1 1 1 1 1 1 1", "out of range"),
        ("a.jpg -5 1 2 3 4 5 6 7 8 9 0", "out of range"),
        ("a.jpg 1 2 3", "3"),
    ],
)
def test_wrong_numbers_are_named_with_their_line(row: str, wanted: str, tmp_path: Path):
    sentence = sentence_of(written(tmp_path, "0.jpg" + " 0" * 11 + f"\n{row}\n"))
    assert "line 2: " in sentence and wanted in sentence


def test_a_number_of_rows_of_thousands_of_digits_is_no_number(tmp_path: Path):
    rows = "file\ttext\trows\na.jpg\t京A12345\t" + "1" * 5000
    assert "line 2: " in sentence_of(written(tmp_path, rows))


@pytest.mark.parametrize(
    "content",
    [
        bytes(range(256)) * 10,
        "file\ttext\na.jpg\t京A12345\n".encode("utf-32"),
        "file\ttext\na.jpg\t京A12345\n".encode("utf-16-le"),
        b"file\ttext\n\xed\xa0\x80.jpg\t\xe4\xba\xacA12345\n",
        b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(500),
    ],
)
def test_other_encodings_are_refused(content: bytes, tmp_path: Path):
    assert "save it as UTF-8" in sentence_of(written(tmp_path, content))


def picture(folder: Path, name: str) -> None:
    image = np.full((30, 90, 3), len(name), np.uint8)
    (folder / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())


def test_paths_that_lead_elsewhere_are_found_out_by_check_labels(tmp_path: Path):
    picture(tmp_path, "good.png")
    (tmp_path / "secret").write_text("root:x:0:0", encoding="utf-8")
    folder = tmp_path / "set"
    folder.mkdir()
    rows = ["../good.png", "../secret", "/dev/zero", "a" * 5000, "."]
    content = HEADER + "".join(f"{row}\t京A1234{i}\n" for i, row in enumerate(rows))
    report = check_labels(read_label_file(written(folder, content), CN), CN)
    found = {finding.line.line: finding.category for finding in report.findings}
    assert found == {3: "unreadable", 4: "missing", 5: "missing", 6: "missing"}


def test_two_labels_of_one_picture_are_found_out_and_dropped(tmp_path: Path):
    picture(tmp_path, "a.png")
    picture(tmp_path, "bb.png")
    rows = HEADER + "a.png\t京A12345\nbb.png\t京A12345\na.png\t京A12346\n"
    report = check_labels(read_label_file(written(tmp_path, rows), CN), CN)
    assert report.counts == {"conflict": 2}
    assert write_good_lines(report, tmp_path / "good.tsv") == 1


def test_training_names_both_lines_of_a_picture_with_two_labels(tmp_path: Path):
    from chepai.configs import load_config
    from chepai.dataset.dataset_util import RecordSource

    picture(tmp_path, "a.png")
    rows = HEADER + "a.png\t京A12345\na.png\t京A12345\n"
    assert RecordSource(read_records(written(tmp_path, rows), CN), load_config(), CN)
    records = read_records(written(tmp_path, rows + "a.png\t京A12346\n"), CN)
    with pytest.raises(InputError, match=r"a\.png has two labels, in line 2 and in line 4"):
        RecordSource(records, load_config(), CN)


def test_training_names_the_line_of_what_is_no_picture(tmp_path: Path):
    from chepai.configs import load_config
    from chepai.dataset.dataset_util import RecordSource
    from chepai.dataset.source import bad_input_named

    picture(tmp_path, "a.png")
    (tmp_path / "secret").write_text("root:x:0:0", encoding="utf-8")
    file = written(
        tmp_path, HEADER + "a.png\t京A12345\n../" + tmp_path.name + "/secret\t京A12346\n"
    )
    source = RecordSource(read_records(file, CN), load_config(), CN)
    with (
        pytest.raises(InputError, match=r"secret: not an image.*\(line 3 of its"),
        bad_input_named(),
    ):
        list(source.evaluation())


def test_a_sentence_is_one_line_without_commands_to_a_terminal():
    sentence = str(InputError("a\x1b[2J\n b\udcff " + "x" * 5000))
    assert sentence.startswith(r"a\x1b[2J  b\udcff xxx") and len(sentence) < 1100
    assert one_line("京A 12345") == "京A 12345"
    assert len(quoted([["x" * 999] * 999] * 999)) < 5000 and quoted("京A") == "'京A'"

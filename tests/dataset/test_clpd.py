"""CLPD's CSV of corners and texts. The photographs are made here."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai.commands import import_ccpd
from chepai.dataset.clpd import read_clpd
from chepai.dataset.file_util import read_records
from chepai.errors import InputError
from chepai.plate.image import load_image
from chepai.plate.schema import load_schema

HEADER = "path,x1,y1,x2,y2,x3,y3,x4,y4,label\r\n"
ROWS = (
    "CLPD_1200/1.jpg,50,60,150,62,151,94,49,92,湘A12345\r\n"
    "CLPD_1200/2.jpg,50,60,150,60,150,92,50,92,粤BD12345\r\n"
    "CLPD_1200/3.jpg,50,60,150,60,150,92,50,92,粤B123\r\n"
)


@pytest.fixture
def clpd(tmp_path: Path) -> Path:
    folder = tmp_path / "CLPD_1200"
    folder.mkdir()
    scene = np.full((200, 300, 3), 90, np.uint8)
    scene[60:92, 50:150] = (0, 0, 255)  # BGR: a red plate
    for number in (1, 2, 3):
        (folder / f"{number}.jpg").write_bytes(cv2.imencode(".jpg", scene)[1].tobytes())
    file = tmp_path / "CLPD.csv"
    file.write_bytes((HEADER + ROWS).encode("gbk"))
    return file


def test_corners_texts_and_photographs_are_read_from_gbk(clpd: Path):
    plates = read_clpd(clpd)
    assert [plate.text for plate in plates] == ["湘A12345", "粤BD12345", "粤B123"]
    assert plates[0].corners.tolist() == [[50, 60], [150, 62], [151, 94], [49, 92]]
    assert plates[0].box == (49, 60, 151, 94)
    assert [plate.colour for plate in plates] == [None, "green", None]
    assert all(plate.path.is_file() for plate in plates)


def test_the_csv_may_lie_among_the_photographs_and_in_utf8(clpd: Path):
    inside = clpd.parent / "CLPD_1200" / "CLPD.csv"
    inside.write_text(HEADER + ROWS, encoding="utf-8")
    assert [plate.path for plate in read_clpd(inside)] == [p.path for p in read_clpd(clpd)]


def test_import_cuts_the_plates_and_leaves_covered_ones_out(
    clpd: Path, capsys: pytest.CaptureFixture[str]
):
    output = clpd.parent / "out"
    parser = argparse.ArgumentParser()
    import_ccpd.add_arguments(parser)
    status = import_ccpd.run(parser.parse_args(["--clpd", str(clpd), "--output", str(output)]))
    assert status == 1
    assert "text of no kind of plate" in capsys.readouterr().out
    records = read_records(output / "test.tsv", load_schema("cn"))
    assert [record.text for record in records] == ["湘A12345", "粤BD12345"]
    middle = load_image(records[1].path)[3:-3, 3:-3].reshape(-1, 3)
    assert np.abs(middle.astype(int) - (255, 0, 0)).max() < 30


@pytest.mark.parametrize("row", ["a.jpg,1,2,3,湘A12345", "a.jpg,1,2,3,4,5,6,7,x,湘A12345"])
def test_a_wrong_line_is_named(tmp_path: Path, row: str):
    file = tmp_path / "CLPD.csv"
    file.write_text(f"{HEADER}{row}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"CLPD.csv, line 2: expected path, eight coordinates"):
        read_clpd(file)


def test_an_empty_list_is_refused(tmp_path: Path):
    file = tmp_path / "CLPD.csv"
    file.write_text(HEADER, encoding="utf-8")
    with pytest.raises(InputError, match="lists no plates"):
        read_clpd(file)

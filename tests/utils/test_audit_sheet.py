"""The sheet shows any name and picture without breaking."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
from chepai.utils.audit_sheet import SheetPlate, audit_sheet


class Rows(HTMLParser):
    """Collects the attributes of all rows and pictures, and that every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, str | None]] = []
        self.pictures: list[dict[str, str | None]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr" and attrs:
            self.rows.append(dict(attrs))
        if tag == "img":
            self.pictures.append(dict(attrs))
        if tag not in ("img", "input", "br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_names_that_look_like_html_stay_names(tmp_path: Path):
    file = tmp_path / '<b>"京"&.png'
    cv2.imencode(".png", np.full((500, 1000, 3), 90, np.uint8))[1].tofile(file)
    plate = SheetPlate(str(file), "京A12345", "京B12345", 0.01, "char_2", [("京", 0.99)])
    parser = Rows()
    parser.feed(audit_sheet([plate], total=9, suspicious=3))
    assert not parser.open
    (row,) = parser.rows
    assert row["data-file"] == str(file) and row["data-label"] == "京A12345"
    (picture,) = parser.pictures
    assert (picture["width"], picture["height"]) == ("240", "120")


def test_a_picture_that_is_gone_leaves_its_row(tmp_path: Path):
    plate = SheetPlate(str(tmp_path / "gone.png"), "", "京B12345", 0.01, "length", [])
    parser = Rows()
    page = audit_sheet([plate], total=1, suspicious=1)
    parser.feed(page)
    assert len(parser.rows) == 1 and not parser.pictures
    assert "<i>none</i>" in page

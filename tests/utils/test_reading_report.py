"""Pages of readings: whole, linked, and safe whatever files are called."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai import Reading
from chepai.errors import InputError
from chepai.utils.reading_report import ReadingReport

PICTURE = cv2.imencode(".png", np.full((20, 60, 3), 90, np.uint8))[1].tobytes()


class Page(HTMLParser):
    """Collects rows, links, sources of pictures and text, and that every element is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.classes: list[str | None] = []
        self.links: list[str | None] = []
        self.pictures: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        if tag == "tr" and attrs:
            self.classes.append(values["class"])
        if tag == "a":
            self.links.append(values["href"])
        if tag == "img":
            self.pictures.append(values["src"] or "")
        if tag not in ("img", "input", "br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def reading(file: str, confidence: float = 0.9) -> Reading:
    characters = (("京", confidence), ("A", 1.0))
    return Reading("京A", confidence, confidence > 0.8, characters, "blue", 2, True, None, file)


def test_every_reading_stands_beside_its_picture(tmp_path: Path):
    report = ReadingReport(tmp_path / "x.html", "default")
    report.add(reading("a.jpg"), PICTURE)
    report.add(reading("b.jpg", 0.25), PICTURE)
    report.add(Reading.failed("the file is empty", "c.jpg"), b"")
    report.close()
    page = Page(tmp_path / "x.html")
    assert page.classes == ["yes", "no", "failed"] and page.links == []
    assert len(page.pictures) == 2
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in page.pictures)
    for words in ("0.9000", "0.2500", "not accepted", "blue, two rows", "the file is empty"):
        assert words in page.text
    assert [path.name for path in tmp_path.iterdir()] == ["x.html"]


def test_names_and_texts_that_look_like_html_stay_text(tmp_path: Path):
    evil = '"><script>alert(1)</script>&amp;\udcff'
    report = ReadingReport(tmp_path / "x.html", evil)
    report.add(reading(evil), PICTURE)
    report.add(Reading.failed(evil, evil), evil)
    report.close()
    page = Page(tmp_path / "x.html")
    assert "script" not in page.tags
    assert page.text.count('"><script>alert(1)</script>&amp;') >= 4


def test_many_readings_make_pages_that_lead_to_each_other(tmp_path: Path):
    report = ReadingReport(tmp_path / "x.html", "default", page_size=3)
    for number in range(7):
        report.add(reading(f"{number}.jpg"), PICTURE)
        # What is finished is on the disk already.
        assert len(list(tmp_path.glob("x*.html"))) == number // 3
    report.close()
    first, second, third = (Page(tmp_path / f"x{n}.html") for n in ("", "-2", "-3"))
    assert [len(page.classes) for page in (first, second, third)] == [3, 3, 1]
    assert first.links == ["x-2.html"]
    assert second.links == ["x.html", "x-3.html"]
    assert third.links == ["x-2.html"]


def test_no_reading_makes_an_empty_page(tmp_path: Path):
    ReadingReport(tmp_path / "new" / "x.html", "default").close()
    assert Page(tmp_path / "new" / "x.html").classes == []


def test_a_page_asks_for_nothing_from_outside(tmp_path: Path):
    report = ReadingReport(tmp_path / "x.html", "default")
    report.add(reading("a.jpg"), PICTURE)
    report.close()
    page = Page(tmp_path / "x.html")
    assert not page.tags & {"link", "script", "iframe"}
    assert "http" not in (tmp_path / "x.html").read_text(encoding="utf-8")


def test_a_report_is_html(tmp_path: Path):
    with pytest.raises(InputError, match=r"a report ends in \.html"):
        ReadingReport(tmp_path / "x.pdf", "default")

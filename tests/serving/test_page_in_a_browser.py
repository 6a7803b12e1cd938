"""The page in a real browser: dropped, pasted, chosen and marked pictures, in both languages."""

from __future__ import annotations

import csv
import io
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra serve is absent")
pytest.importorskip("playwright", reason="playwright is absent: pip install '.[dev]'")

import uvicorn
from chepai.inference.reader import Reader
from chepai.inference.writers import CSV_COLUMNS, csv_row
from chepai.serving.app import create_app
from chepai.serving.settings import make_settings
from patience import PATIENCE
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium: apt-get install chromium"
)
expect.set_options(timeout=30_000)  # a busy machine is no failure
KEY = "browser key"
PNG = {"name": "x.png", "mimeType": "image/png"}


@pytest.fixture(scope="module")
def url(default_reader: Reader) -> Iterator[str]:
    """A service that wants a key, on a free port."""
    app = create_app(default_reader, make_settings(api_keys=(KEY,)))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", ws="none"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join(PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Root may not use Chromium's own sandbox; the page is ours.
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=CHROMIUM, args=flags)


class Visit:
    """A page that was opened, and everything that it did not keep to itself."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.problems: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._note)
        self.page.goto(url)
        expect(self.page.locator("body[data-ready]")).to_have_count(1)

    def _note(self, message: Any) -> None:
        refused = "the server responded with a status" in message.text
        if message.type in ("error", "warning") and not refused:
            self.problems.append(message.text)

    def give_key(self) -> None:
        self.page.fill("#key", KEY)
        self.page.press("#key", "Tab")

    def choose(self, *files: Any) -> None:
        self.page.set_input_files("#files", list(files))


@pytest.fixture
def visit(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    options = getattr(request, "param", {})
    visit = Visit(browser, url, **({"locale": "en-GB"} | options))
    yield visit
    visit.context.close()
    assert not visit.problems
    assert all(asked.startswith((url, "blob:", "data:")) for asked in visit.requests)


def sample(files: list[Path], text: str) -> Path:
    return next(file for file in files if file.stem == text)


def test_pictures_are_read_and_drawn_as_plates(visit: Visit, sample_files: list[Path]):
    visit.give_key()
    visit.choose(*sample_files)
    page = visit.page
    expect(page.locator(".reading")).to_have_count(len(sample_files))
    texts = page.locator(".facts .text").all_text_contents()
    assert sorted(texts) == sorted(file.stem for file in sample_files)
    blue = page.locator("article", has=page.get_by_text("京C2UP1J", exact=True))
    expect(blue.locator(".plate")).to_have_class("plate blue one")
    assert blue.locator(".plate").inner_text().replace("\n", "") == "京C·2UP1J"
    assert blue.locator(".characters b").all_text_contents() == list("京C2UP1J")
    assert all("%" in text for text in blue.locator(".characters span").all_text_contents())
    two = page.locator("article", has=page.get_by_text("WJ鲁5378X", exact=True))
    assert two.locator(".plate .row").all_inner_texts()[0].replace("\n", "") == "WJ鲁"
    expect(page.locator("article", has_text="冀E38547F").locator(".plate")).to_have_class(
        "plate green one long"
    )


def test_the_slider_shows_what_is_accepted(visit: Visit, sample_files: list[Path]):
    visit.give_key()
    visit.choose(*sample_files[:3])
    page = visit.page
    expect(page.locator("#tally")).to_have_text("3 accepted · 0 refused")
    page.focus("#threshold")
    page.keyboard.press("End")
    expect(page.locator("#threshold-value")).to_have_text("1.00")
    expect(page.locator("#tally")).to_have_text("0 accepted · 3 refused")
    expect(page.locator(".reading.refused")).to_have_count(3)
    page.click("#reset")
    expect(page.locator("#tally")).to_have_text("3 accepted · 0 refused")


def test_the_csv_is_that_of_predict(
    visit: Visit, sample_files: list[Path], default_reader: Reader, tmp_path: Path
):
    visit.give_key()
    odd = tmp_path / 'an "odd", name.png'
    odd.write_bytes(b"no picture")
    visit.choose(*sample_files[:2], odd)
    expect(visit.page.locator(".reading")).to_have_count(3)
    with visit.page.expect_download() as waiting:
        visit.page.click("#csv")
    text = waiting.value.path().read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO(text)))
    assert tuple(rows[0]) == CSV_COLUMNS
    wanted = [csv_row(reading) for reading in default_reader.read(sample_files[:2])]
    for row, ours, file in zip(rows[1:], wanted, sample_files, strict=False):
        assert row[0] == file.name and [*row[1:2], *row[3:6]] == [*ours[1:2], *ours[3:6]]
        got = [float(value) for value in (row[2], *row[6].split())]
        assert got == pytest.approx([float(v) for v in (ours[2], *ours[6].split())], abs=2e-6)
    assert rows[3][0] == odd.name and "not a picture" in rows[3][7]


def test_a_photographs_plates_are_marked_by_pointer_and_by_numbers(
    visit: Visit, sample_files: list[Path]
):
    photo = np.full((700, 900, 3), 90, np.uint8)
    plates = ("京C2UP1J", (100, 120)), ("粤ZTTUJ港", (500, 420))
    corners = []
    for text, (x, y) in plates:
        data = np.frombuffer(sample(sample_files, text).read_bytes(), np.uint8)
        plate = cv2.imdecode(data, cv2.IMREAD_COLOR)
        photo[y : y + plate.shape[0], x : x + plate.shape[1]] = plate
        corners.append((x, y, x + plate.shape[1], y + plate.shape[0]))
    visit.give_key()
    visit.choose(PNG | {"buffer": cv2.imencode(".png", photo)[1].tobytes()})
    page = visit.page
    page.click(".mark-plates")
    stage = page.locator("#photo").bounding_box()
    scale = stage["width"] / 900
    x1, y1, x2, y2 = (value * scale for value in corners[0])
    page.mouse.move(stage["x"] + x1, stage["y"] + y1)
    page.mouse.down()
    page.mouse.move(stage["x"] + x2, stage["y"] + y2, steps=3)
    page.mouse.up()
    drawn = [int(box.input_value()) for box in page.locator("#boxes input").all()]
    assert drawn == pytest.approx(corners[0], abs=2)
    page.click("#add-box")
    for box, value in zip(
        page.locator("#boxes li >> nth=1 >> input").all(), corners[1], strict=True
    ):
        box.fill(str(value))
    expect(page.locator(".frame")).to_have_count(2)
    page.click("#read-boxes")
    expect(page.locator(".facts .text")).to_have_text([text for text, _ in plates])
    expect(page.locator(".reading canvas")).to_have_count(2)


def test_pictures_can_be_dropped_and_pasted(visit: Visit, sample_files: list[Path]):
    visit.give_key()
    send = """([kind, bytes, name]) => {
      const files = new DataTransfer();
      files.items.add(new File([new Uint8Array(bytes)], name, {type: "image/jpeg"}));
      document.dispatchEvent(kind === "drop"
        ? new DragEvent("drop", {dataTransfer: files, cancelable: true})
        : new ClipboardEvent("paste", {clipboardData: files}));
    }"""
    for kind, file in (("drop", sample_files[0]), ("paste", sample_files[1])):
        visit.page.evaluate(send, [kind, list(file.read_bytes()), file.name])
    texts = visit.page.locator(".facts .text")
    expect(texts).to_have_text([sample_files[1].stem, sample_files[0].stem])
    assert "京" not in visit.page.locator("#tally").inner_text()


def test_a_key_is_asked_for_and_refused_pictures_are_read_when_it_comes(
    visit: Visit, sample_files: list[Path]
):
    page = visit.page
    visit.choose(sample_files[0])
    expect(page.locator(".problem")).to_contain_text("API key")
    expect(page.locator("#key")).to_be_focused()
    visit.give_key()
    expect(page.locator(".facts .text")).to_have_text([sample_files[0].stem])
    page.reload()
    visit.choose(sample_files[0])
    expect(page.locator(".facts .text")).to_have_text([sample_files[0].stem])


@pytest.mark.parametrize("visit", [{"locale": "zh-CN"}], indirect=True)
def test_chinese_browsers_get_chinese_and_the_choice_stays(visit: Visit):
    page = visit.page
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#choose")).to_have_text("选择图片")
    visit.choose(PNG | {"buffer": b""})
    visit.give_key()
    expect(page.locator(".problem")).to_contain_text("图片损坏或太小（the file is empty）")
    page.click("#language")
    expect(page.locator("#choose")).to_have_text("Choose pictures")
    page.reload()
    expect(page.locator("#choose")).to_have_text("Choose pictures")


PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_on_a_phone_nothing_is_wider_than_the_screen(visit: Visit, sample_files: list[Path]):
    visit.give_key()
    visit.choose(sample(sample_files, "冀E38547F"), sample(sample_files, "WJ鲁5378X"))
    expect(visit.page.locator(".reading")).to_have_count(2)
    wide = "() => [...document.querySelectorAll('body *')].filter(e => " \
        "e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className)"  # fmt: skip
    assert visit.page.evaluate(wide) == []


def test_everything_can_be_reached_by_keyboard_and_has_a_name(
    visit: Visit, sample_files: list[Path]
):
    visit.give_key()
    visit.choose(sample_files[0])
    page = visit.page
    expect(page.locator(".reading")).to_have_count(1)
    nameless = """() => [...document.querySelectorAll("button, input:not([hidden]), a")].filter(
      (e) => e.checkVisibility() && !(e.getAttribute("aria-label") || e.textContent.trim() ||
        (e.labels && e.labels.length))).map((e) => e.outerHTML)"""
    assert page.evaluate(nameless) == []
    page.evaluate("() => document.activeElement.blur()")
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("() => document.activeElement.id || document.activeElement.className")
        )
    controls = {
        "key",
        "language",
        "choose",
        "samples",
        "threshold",
        "reset",
        "copy",
        "csv",
        "clear",
    }
    assert controls | {"plain mark-plates", "plain remove", "plain copy"} <= reached
    page.locator(".mark-plates").press("Enter")
    page.locator("#add-box").press("Enter")
    page.keyboard.press("Tab")
    page.locator("#read-boxes").press("Enter")
    expect(page.locator(".reading canvas, .problem")).to_have_count(1)


def test_the_endpoints_are_described_without_any_outside_request(visit: Visit, url: str):
    visit.page.goto(url + "docs")
    expect(visit.page.locator(".endpoint")).to_have_count(5)
    expect(visit.page.locator(".endpoint >> nth=0")).to_contain_text("/api/v1/read")
    visit.page.locator("summary >> nth=0").click()
    expect(visit.page.locator("details[open] pre")).to_contain_text("京C2UP1J")

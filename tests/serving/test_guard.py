"""What stands around every answer: headers, logs that tell nothing of pictures, counters."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra serve is absent")
pytest.importorskip("httpx2", reason="httpx2 is absent: pip install '.[dev]'")

from chepai.serving.logs import LOGGER, json_logs
from grey_service import GreyReader, picture
from starlette.testclient import TestClient

PAGE = Path(__file__).resolve().parents[2] / "serving" / "page"


@pytest.mark.parametrize("path", ["/", "/docs", "/page/page.js", "/api/v1/info", "/nowhere"])
def test_every_answer_carries_the_security_headers(path: str, client: TestClient):
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'" and "unsafe" not in str(policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/page/") else "no-store")
    assert "server" not in headers


def test_request_ids_differ(client: TestClient):
    ids = {client.get("/healthz").headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


def test_the_pages_files_name_no_other_host_and_hold_no_inline_script_or_style():
    for file in PAGE.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text), file
        if file.suffix == ".html":
            assert not re.search(r"<style|style=|\son\w+=|javascript:", text), file
            assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), file
        if file.suffix == ".js":
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|eval\(", text), file


def test_both_languages_say_the_same_things():
    source = (PAGE / "language.js").read_text(encoding="utf-8")
    english, chinese = source.split("  zh: {")
    keys = [set(re.findall(r"(\w+): \"", part)) for part in (english, chinese)]
    only_chinese = {f"status{status}" for status in (400, 401, 408, 413, 415, 422, 503)}
    assert keys[1] - keys[0] == only_chinese and not keys[0] - keys[1]
    used = re.findall(r'data-t="(\w+)"', (PAGE / "index.html").read_text(encoding="utf-8"))
    assert used and set(used) <= keys[0]


def test_a_line_of_the_log_tells_numbers_but_no_picture_name_or_text(
    client_of: Callable[..., TestClient], tmp_path: Path
):
    file = tmp_path / "service.log"
    client = client_of(api_keys=("secret",))
    with json_logs(file):
        files = [("img", ("京A12345.png", picture(42))), ("img", ("b.png", b"bad"))]
        client.post("/api/v1/read", files=files, headers={"X-API-Key": "secret"})
        client.post("/api/v1/read?token=hush", files=files, headers={"X-API-Key": "wrong"})
        client.get("/secret/京A12345")
    text = file.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["status"] for line in lines] == [200, 401, 404]
    assert {"images": 2, "plates": 2, "accepted": 1, "unreadable": 1}.items() <= lines[0].items()
    assert lines[1]["reason"] == "key" and lines[2]["path"] == "other"
    assert lines[0]["bytes"] > len(picture(42)) and lines[0]["ms"] > 0
    # What a log counts by itself holds any digits now and then.
    for line in lines:
        del line["time"], line["request"], line["ms"]
    told = json.dumps(lines, ensure_ascii=False)
    assert not re.search("042|京|12345|png|hush|secret|wrong", told)


def test_a_failure_is_logged_with_its_trace(client: TestClient, grey: GreyReader, tmp_path: Path):
    grey.error = RuntimeError("broken runtime")
    with json_logs(tmp_path / "log"):
        client.post("/api/v1/read", files={"img": picture(1)})
    lines = [json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines()]
    [failure] = [line for line in lines if line["level"] == "error"]
    assert "broken runtime" in failure["trace"] and failure["request"] == lines[-1]["request"]


def test_quiet_logs_hold_warnings_only(tmp_path: Path):
    with json_logs(tmp_path / "log", requests=False):
        LOGGER.info("request")
        LOGGER.warning("hot")
    assert json.loads((tmp_path / "log").read_text("utf-8"))["event"] == "hot"
    assert not logging.getLogger("chepai.serving").handlers


def test_metrics_count_what_happened(client: TestClient):
    files = [("img", picture(1)), ("img", picture(2)), ("img", b"bad")]
    client.post("/api/v1/read", files=files)
    client.post("/api/v1/read", files={"img": b"bad"})
    client.get("/a/strangers/path")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    figures = dict(
        line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")
    )
    wanted = {
        'chepai_requests_total{path="/api/v1/read",status="200"}': 1,
        'chepai_requests_total{path="/api/v1/read",status="415"}': 1,
        'chepai_requests_total{path="other",status="404"}': 1,
        'chepai_plates_total{outcome="accepted"}': 2,
        'chepai_plates_total{outcome="unreadable"}': 2,
        'chepai_refused_requests_total{reason="picture"}': 1,
        "chepai_batch_plates_sum": 2,
        "chepai_waiting_plates": 0,
        "chepai_buffered_bytes": 0,
    }
    assert {key: float(figures[key]) for key in wanted} == wanted
    assert float(figures["chepai_received_bytes_total"]) > len(picture(1))
    assert "strangers" not in answer.text


def test_health_tells_when_the_reading_thread_has_ended(grey: GreyReader):
    from chepai.serving.app import create_app
    from chepai.serving.settings import make_settings

    client = TestClient(create_app(grey, make_settings()))  # its lifespan never began
    assert client.get("/healthz").status_code == 503
    with client:
        assert client.get("/healthz").json() == {"status": "ok", "waiting": 0}

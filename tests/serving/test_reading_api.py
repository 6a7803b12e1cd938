"""The endpoints that read: their answers, and what they refuse."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra serve is absent")
pytest.importorskip("httpx2", reason="httpx2 is absent: pip install '.[dev]'")

from chepai.inference.reader import Reader
from grey_service import GreyReader, picture
from patience import PATIENCE
from starlette.testclient import TestClient

READ, TEXTS = "/api/v1/read", "/api/ml/st_lpr"


def images(*levels: int) -> list[tuple[str, tuple[str, bytes]]]:
    return [("img", (f"{level}.png", picture(level))) for level in levels]


def test_readings_are_those_of_the_reader_whoever_asks(
    client_of: Callable[..., TestClient], default_reader: Reader, sample_files: list[Path]
):
    client = client_of(default_reader)
    wanted = [reading.to_dict() for reading in default_reader.read(sample_files)]

    def ask(file: Path) -> dict:
        return client.post(READ, files={"img": (file.name, file.read_bytes())}).json()[0]

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(ask, sample_files))
    for ours, theirs, file in zip(got, wanted, sample_files, strict=True):
        assert ours["file"] == file.name and ours["rect"] is None
        assert ours["text"] == theirs["text"] == file.stem
        assert ours["confidence"] == pytest.approx(theirs["confidence"], abs=2e-6)
        same = ("accepted", "colour", "rows", "raw_valid", "error")
        assert [ours[key] for key in same] == [theirs[key] for key in same]
        assert [char for char, _ in ours["characters"]] == list(file.stem)


def test_several_pictures_keep_their_order_and_a_bad_one_is_a_row(client: TestClient):
    files = [*images(7, 42), ("img", ("x.txt", b"text")), *images(255)]
    answer = client.post(READ, files=files)
    assert answer.status_code == 200
    rows = answer.json()
    assert [row["text"] for row in rows] == ["007", "042", "", "255"]
    assert [row["file"] for row in rows] == ["7.png", "42.png", "x.txt", "255.png"]
    assert "not a picture" in rows[2]["error"] and not rows[2]["accepted"]
    assert [row["error"] for row in rows if row["text"]] == [None] * 3
    assert answer.headers["content-type"] == "application/json"


def test_rectangles_cut_the_picture_and_each_has_its_reading(client: TestClient):
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, :50], image[:, 50:] = 11, 99
    data = cv2.imencode(".png", image)[1].tobytes()
    rect = "0,0,50,40,50,0,100,40,300,0,350,40"
    rows = client.post(READ, files={"img": ("a.png", data)}, data={"rect": rect}).json()
    assert [(row["text"], row["rect"]) for row in rows[:2]] == [
        ("011", [0, 0, 50, 40]), ("099", [50, 0, 100, 40]),
    ]  # fmt: skip
    assert "300,0,350,40" in rows[2]["error"]
    texts = client.post(TEXTS, files={"img": ("a.png", data)}, data={"rect": rect})
    assert texts.json() == ["011", "099", ""]


def test_the_older_endpoint_answers_a_list_of_texts(client: TestClient):
    answer = client.post(TEXTS, files=images(5), data={"rect": ""})
    assert answer.status_code == 200 and answer.json() == ["005"]


def test_one_picture_alone_that_cannot_be_read_is_answered_by_its_status(client: TestClient):
    for data, status in ((b"text", 415), (b"", 422), (picture(3)[:-9], 422)):
        answer = client.post(READ, files={"img": ("a.png", data)})
        assert answer.status_code == status and list(answer.json()) == ["error"]
    assert client.post(READ, files={"img": picture(3, 4, 4)}).status_code == 422


def test_plates_of_one_request_go_to_the_model_together(client: TestClient, grey: GreyReader):
    rows = client.post(READ, files=images(*range(20))).json()
    assert [row["text"] for row in rows] == [f"{level:03}" for level in range(20)]
    assert sum(grey.batches) == 20 and len(grey.batches) <= 3


@pytest.mark.parametrize("locked", [READ, TEXTS, "/metrics"])
def test_a_key_opens_the_door_and_nothing_else_does(
    client_of: Callable[..., TestClient], locked: str
):
    client = client_of(api_keys=("secret", "钥匙"))

    def ask(headers: dict) -> int:
        if locked == "/metrics":
            return client.get(locked, headers=headers).status_code
        return client.post(locked, files=images(1), headers=headers).status_code

    good = [{"X-API-Key": "secret"}, {"Authorization": "Bearer secret"}]
    good.append({"Authorization": "bearer  secret"})
    bad = [{}, {"X-API-Key": "secre"}, {"X-API-Key": "secrets"}, {"X-API-Key": ""}]
    bad += [{"Authorization": "secret"}, {"Authorization": "Basic secret"}]
    assert [ask(headers) for headers in good] == [200] * 3
    assert [ask(headers) for headers in bad] == [401] * 6
    for open_to_all in ("/", "/docs", "/healthz", "/api/v1/info", "/openapi.json"):
        assert client.get(open_to_all).status_code == 200


def test_limits_are_told_by_their_status(client_of: Callable[..., TestClient]):
    client = client_of(max_bytes=4000, max_images=2, max_rects=2, max_pixels=1000, queue=40)
    large = [("img", ("a.png", os.urandom(5000)))]
    answers = [
        client.post(READ, files=large),
        client.post(READ, files=images(1, 2, 3)),
        client.post(READ, files={"img": picture(1, 50, 40)}),
        client.post(READ, files=images(1), data={"rect": "0,0,20,9," * 2 + "0,0,20,9"}),
        client.post(READ, content=b"x", headers={"content-type": "image/png"}),
        client.get(READ),
        client.get("/nowhere"),
    ]
    assert [answer.status_code for answer in answers] == [413, 413, 413, 422, 415, 405, 404]
    assert all(list(answer.json()) == ["error"] for answer in answers)


def test_a_request_for_more_than_the_queue_holds_is_too_large(
    client_of: Callable[..., TestClient],
):
    client = client_of(queue=4, batch=4)
    assert client.post(READ, files=images(*range(4))).status_code == 200
    answer = client.post(READ, files=images(*range(5)))
    assert answer.status_code == 413 and "4 at most" in answer.json()["error"]


def test_a_full_queue_answers_503_and_when_to_come_back_and_then_reads_on(
    client_of: Callable[..., TestClient], grey: GreyReader
):
    client = client_of(queue=6, batch=2, window=0)
    grey.gate.clear()
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(client.post, READ, files=images(level)) for level in range(12)]
        end = time.monotonic() + PATIENCE
        while sum(future.done() for future in asked) < 6 and time.monotonic() < end:
            time.sleep(0.01)
        grey.gate.set()
        answers = [future.result(PATIENCE) for future in asked]
    busy = [answer for answer in answers if answer.status_code == 503]
    assert len(busy) == 6 and all(int(answer.headers["retry-after"]) >= 1 for answer in busy)
    assert all("busy" in answer.json()["error"] for answer in busy)
    read = {i: a.json()[0]["text"] for i, a in enumerate(answers) if a.status_code == 200}
    assert read == {i: f"{i:03}" for i in read} and len(read) == 6
    assert client.post(READ, files=images(1)).status_code == 200


def test_bytes_in_memory_are_bounded_over_all_requests(
    client_of: Callable[..., TestClient], grey: GreyReader
):
    client = client_of(max_bytes=40_000, max_buffered=50_000)
    padded = picture(8) + bytes(30_000)
    grey.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, READ, files={"img": padded})
        end = time.monotonic() + PATIENCE
        while "chepai_buffered_bytes 0.0" in client.get("/metrics").text and time.monotonic() < end:
            time.sleep(0.01)
        assert client.post(READ, files={"img": padded}).status_code == 503
        grey.gate.set()
        assert first.result(20).status_code == 200
    assert client.post(READ, files={"img": padded}).status_code == 200


def test_an_error_of_ours_is_a_500_without_its_text(client: TestClient, grey: GreyReader):
    grey.error = RuntimeError("inner secret")
    answer = client.post(READ, files=images(1))
    assert answer.status_code == 500 and "inner secret" not in answer.text
    assert list(answer.json()) == ["error"]
    grey.error = None
    assert client.post(READ, files=images(1)).status_code == 200


def test_other_origins_may_ask_only_where_they_are_named(client_of: Callable[..., TestClient]):
    origin = {"Origin": "https://a.example"}
    allowed = "access-control-allow-origin"
    assert allowed not in client_of().post(READ, files=images(1), headers=origin).headers
    named = client_of(cors_origins=("https://a.example",))
    assert named.post(READ, files=images(1), headers=origin).headers[allowed] == "https://a.example"
    other = named.post(READ, files=images(1), headers={"Origin": "https://b.example"})
    assert allowed not in other.headers


def test_the_description_holds_examples_that_fit_its_own_models(client: TestClient):
    from chepai.serving.described import READING_EXAMPLE, ReadingRow

    described = json.loads(client.get("/openapi.json").text)
    body = described["paths"][READ]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert set(body["schema"]["properties"]) == {"img", "rect"}
    example = described["paths"][READ]["post"]["responses"]["200"]["content"]["application/json"]
    assert [ReadingRow.model_validate(row) for row in example["example"]]
    row = client.post(READ, files=images(1)).json()[0]
    assert set(row) == set(READING_EXAMPLE) == set(ReadingRow.model_fields)
    assert {"400", "401", "408", "413", "415", "422", "503"} < set(
        described["paths"][TEXTS]["post"]["responses"]
    )

"""Forms broken at random are refused or read; none makes the service fail or say nothing."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra serve is absent")
pytest.importorskip("httpx2", reason="httpx2 is absent: pip install '.[dev]'")

from grey_service import picture
from starlette.testclient import TestClient

TYPE = "multipart/form-data; boundary=xx"


def form(rng: np.random.Generator) -> bytes:
    """A whole form: one or two pictures, perhaps rectangles."""
    parts = b""
    for _ in range(rng.integers(1, 3)):
        suffix = rng.choice([".png", ".jpg", ".bmp", ".webp", ".gif", ".tif"])
        head = b'Content-Disposition: form-data; name="img"; filename="a"\r\n\r\n'
        parts += b"--xx\r\n" + head + picture(int(rng.integers(256)), suffix=suffix) + b"\r\n"
    if rng.random() < 0.5:
        rect = rng.choice([b"0,0,20,10", b"", b"1,2", b"0,0,20,10,-3,-3,24,99", b"9e9,0,1,1"])
        parts += b'--xx\r\nContent-Disposition: form-data; name="rect"\r\n\r\n' + rect + b"\r\n"
    return parts + b"--xx--\r\n"


def broken(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut off, with bytes changed, with a part of it twice, or as it is."""
    way = rng.integers(4)
    if way == 0:
        return data[: rng.integers(len(data))]
    if way == 1:
        changed = bytearray(data)
        for place in rng.integers(len(data), size=rng.integers(1, 9)):
            changed[place] = rng.integers(256)
        return bytes(changed)
    if way == 2:
        start, end = sorted(rng.integers(len(data), size=2))
        return data[:end] + data[start:]
    return data


def test_every_broken_form_has_an_answer_that_says_why(client: TestClient):
    rng = np.random.default_rng(11)
    seen = set()
    for number in range(240):
        path = "/api/v1/read" if number % 2 else "/api/ml/st_lpr"
        body = broken(form(rng), rng)
        answer = client.post(path, content=body, headers={"Content-Type": TYPE})
        seen.add(answer.status_code)
        told = answer.json()
        if answer.status_code == 200:
            assert isinstance(told, list) and told, body
        else:
            assert list(told) == ["error"] and len(told["error"]) > 9, body
    assert {200, 400, 422} <= seen <= {200, 400, 413, 415, 422}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW", "GET", "HEAD"])
def test_other_methods_are_refused(client: TestClient, method: str):
    answer = client.request(method, "/api/v1/read")
    assert answer.status_code == 405 and "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    "path", ["/page/../settings.py", "/page/%2e%2e/app.py", "/samples/..%2f..%2frun.py", "/page/"]
)
def test_nothing_beyond_the_pages_folder_is_served(client: TestClient, path: str):
    assert client.get(path).status_code == 404

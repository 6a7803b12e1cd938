"""Whatever is sent, the answer is one that the OpenAPI description tells of."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra serve is absent")
pytest.importorskip("httpx2", reason="httpx2 is absent: pip install '.[dev]'")

from chepai.serving.described import ErrorBody, ReadingRow
from grey_service import picture
from pydantic import TypeAdapter
from starlette.testclient import TestClient

TYPES = (
    "multipart/form-data; boundary=xx",
    "multipart/form-data; boundary=",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 300,
    "application/json",
    "application/x-www-form-urlencoded",
    "",
)
HEADERS = ("X-API-Key", "Authorization", "Accept", "Expect", "Origin", "Range", "Cookie")
BODIES = {"/api/v1/read": TypeAdapter(list[ReadingRow]), "/api/ml/st_lpr": TypeAdapter(list[str])}


def any_body(rng: np.random.Generator) -> bytes:
    """Parts with any names and contents, more or less of a form."""
    body = b""
    for _ in range(rng.integers(4)):
        name = rng.choice([b"img", b"rect", b"other", b"", "图".encode()])
        data = (picture(int(rng.integers(256))), b"1,2,3,4", b"", rng.bytes(40))[rng.integers(4)]
        line = b'Content-Disposition: form-data; name="' + name + b'"; filename="a"\r\n'
        body += b"--xx\r\n" + (line, b"", rng.bytes(9))[rng.choice(3, p=(0.8, 0.1, 0.1))]
        body += b"\r\n" + data + b"\r\n"
    return body + (b"--xx--\r\n", b"--xx", b"")[rng.choice(3, p=(0.8, 0.1, 0.1))]


def any_headers(rng: np.random.Generator) -> dict[str, str]:
    chosen = rng.choice(HEADERS, size=rng.integers(3), replace=False)
    texts = [rng.bytes(rng.integers(1, 30)).hex() for _ in chosen]
    kind = TYPES[rng.choice(len(TYPES), p=(0.7, *[0.05] * 6))]
    return dict(zip(chosen.tolist(), texts, strict=True)) | {"Content-Type": kind}


def test_every_answer_is_one_that_is_described(client: TestClient):
    rng, seen = np.random.default_rng(3), set()
    described = client.get("/openapi.json").json()["paths"]
    operations = [(path, method) for path, methods in described.items() for method in methods]
    for number in range(300):
        path, method = operations[number % len(operations)]
        query = "?" + rng.bytes(6).hex() + "=%00" if rng.random() < 0.3 else ""
        body = any_body(rng) if method == "post" else None
        answer = client.request(method, path + query, content=body, headers=any_headers(rng))
        seen.add(answer.status_code)
        told = described[path][method]["responses"]
        assert str(answer.status_code) in told, (path, body, answer.text)
        if answer.status_code != 200:
            ErrorBody.model_validate_json(answer.content)
        elif path in BODIES:
            BODIES[path].validate_json(answer.content)
    assert {200, 400, 415, 422} <= seen
    assert max(seen) < 500

"""What strangers could want of the service, and does not get: see docs/security.md."""

from __future__ import annotations

import hmac
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("fastapi", reason="the extra serve is absent")
pytest.importorskip("httpx2", reason="httpx2 is absent: pip install '.[dev]'")

from chepai.serving import door
from grey_service import picture
from starlette.testclient import TestClient

ROOT = Path(__file__).resolve().parents[2]
READ = "/api/v1/read"


@pytest.mark.parametrize(
    "address",
    ["http://{place}/a.jpg", "//{place}/a.jpg", "ftp://{place}/a.jpg", "file:///etc/passwd",
     "s3://bucket/a.jpg", "/etc/passwd", "\\\\{place}\\share\\a.jpg"],
)  # fmt: skip
def test_an_address_in_a_form_is_never_fetched(
    address: str, client: TestClient, monkeypatch: pytest.MonkeyPatch
):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        text = address.format(place=place)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("it asked a host"))
        forms: list[dict[str, Any]] = [
            {"files": {"img": ("a.jpg", text.encode())}},
            {"files": {"img": (text, b"bad")}},
            {"files": {"img": ("a.jpg", picture(3)), "url": (None, text)}},
            {"data": {"img": text}},
            {"json": {"img": text, "url": text}},
        ]
        statuses = [client.post(READ, **form).status_code for form in forms]
        assert statuses == [415, 415, 200, 415, 415]
        with pytest.raises(TimeoutError):
            listener.accept()


def test_every_key_is_compared_to_its_end_in_constant_time(
    client_of: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
):
    compared: list[tuple[int, int]] = []
    truly = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return truly(one, other)

    monkeypatch.setattr(door.hmac, "compare_digest", compare)
    client = client_of(api_keys=("first", "second key of another length", "third"))
    for key in ("first", "f", "x" * 5000, ""):
        client.post(READ, files={"img": picture(1)}, headers={"X-API-Key": key})
    assert compared == [(32, 32)] * 12


def test_a_key_of_other_letters_opens_the_door(client_of: Callable[..., TestClient]):
    client = client_of(api_keys=("钥匙",))
    sent = {"X-API-Key": "钥匙".encode()}
    assert client.post(READ, files={"img": picture(1)}, headers=sent).status_code == 200
    wrong = {"X-API-Key": "钥".encode()}
    assert client.post(READ, files={"img": picture(1)}, headers=wrong).status_code == 401


@pytest.mark.parametrize("path", [READ, "/api/ml/st_lpr", "/metrics"])
def test_what_reads_or_tells_figures_wants_the_key(path: str, client_of: Callable[..., TestClient]):
    client = client_of(api_keys=("secret",))
    method = "GET" if path == "/metrics" else "POST"
    answer = client.request(method, path, files={"img": picture(1)})
    assert answer.status_code == 401 and "secret" not in answer.text


def test_what_the_service_tells_of_itself_names_no_path_key_or_version_of_its_server(
    client_of: Callable[..., TestClient],
):
    client = client_of(api_keys=("secret",))
    for path in ("/api/v1/info", "/healthz", "/openapi.json", "/docs", "/", "/nowhere"):
        answer = client.get(path)
        told = answer.text + str(answer.headers).lower()
        assert "secret" not in told and str(ROOT) not in told and "uvicorn" not in told
        assert "python" not in str(answer.headers).lower()


def test_pages_of_other_origins_read_no_answer_unless_they_may(
    client_of: Callable[..., TestClient],
):
    asked = {"Origin": "https://evil.example"}
    headers = client_of().get("/api/v1/info", headers=asked).headers
    assert "access-control-allow-origin" not in headers
    allowed = client_of(cors_origins=("https://good.example",))
    assert "access-control-allow-origin" not in allowed.get("/api/v1/info", headers=asked).headers
    good = {"Origin": "https://good.example"}
    answer = allowed.get("/api/v1/info", headers=good)
    assert answer.headers["access-control-allow-origin"] == "https://good.example"


def test_the_container_runs_without_root_on_a_tree_that_nobody_writes():
    lines = (ROOT / "docker" / "Dockerfile").read_text("utf-8").splitlines()
    served = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM")) :]
    [user] = [line.split()[1] for line in served if line.startswith("USER")]
    assert user.isdigit() and int(user) >= 10_000
    copied = [line for line in served if line.startswith(("COPY", "ADD"))]
    assert copied and not any("--chown" in line or line.startswith("ADD") for line in copied)
    assert "VOLUME" not in "\n".join(served)
    assert any("PYTHONDONTWRITEBYTECODE=1" in line for line in served)
    assert not any(word in "\n".join(lines) for word in ("http.proxy", "--index-url", "sudo"))


def test_the_composed_service_may_do_nothing_but_answer():
    composed = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))
    [service] = composed["services"].values()
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ports"] == ["127.0.0.1:8000:8000"], "a proxy with TLS stands before it"
    assert service["mem_limit"] and service["pids_limit"]
    assert "privileged" not in service and "cap_add" not in service
    assert not service.get("volumes"), "nothing of the host is in it"

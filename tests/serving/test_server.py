"""The service as a process: its signals, its slow and greedy callers."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra serve is absent")

from chepai.run import main
from patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = (ROOT / "inference" / "samples" / "京C2UP1J.jpg").read_bytes()
BODY = (
    b'--x\r\nContent-Disposition: form-data; name="img"; filename="a.jpg"\r\n\r\n'
    + SAMPLE
    + b"\r\n--x--\r\n"
)
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


class Service:
    """A service in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, str(ROOT / "run.py"), "serve", "--port", "0", "--threads", "1"]
        self.log = folder / "log"
        self.process = subprocess.Popen(
            [*command, "--log-file", str(self.log), *options],
            stdout=subprocess.PIPE, text=True, env=os.environ | {"CHEPAI_API_KEY": ""},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("chepai reads plates at http://127.0.0.1:"), line
        self.port = int(line.strip().strip("/").rpartition(":")[2])

    def connect(self, timeout: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def read(self) -> tuple[int, str]:
        """Status and text of one reading."""
        connection = self.connect()
        connection.request("POST", "/api/v1/read", BODY, FORM)
        answer = connection.getresponse()
        rows = json.loads(answer.read())
        connection.close()
        return answer.status, rows[0]["text"] if answer.status == 200 else ""

    def raw(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture
def service_of(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    opened: list[Service] = []

    def open_service(*options: str) -> Service:
        opened.append(Service(tmp_path, *options))
        return opened[-1]

    yield open_service
    for service in opened:
        if service.process.poll() is None:
            service.end()


def test_sigterm_under_load_answers_everything_that_was_accepted(
    service_of: Callable[..., Service],
):
    service = service_of("--batch", "4")
    began, results, errors = threading.Barrier(9), [], []

    def ask_on() -> None:
        with contextlib.closing(service.connect()) as connection:
            connection.connect()
            began.wait(PATIENCE)
            for _ in range(2000):
                try:
                    connection.request("POST", "/api/v1/read", BODY, FORM)
                except OSError:  # the service has ended, nothing was accepted
                    return
                try:
                    answer = connection.getresponse()
                    results.append((answer.status, json.loads(answer.read())[0]["text"]))
                except ConnectionResetError:  # closed before it read this request
                    return
                except Exception as error:
                    errors.append(error)
                    return

    threads = [threading.Thread(target=ask_on) for _ in range(8)]
    for thread in threads:
        thread.start()
    began.wait(PATIENCE)
    while len(results) < 16 and not errors:
        time.sleep(0.02)
    assert service.end() == 0
    for thread in threads:
        thread.join(PATIENCE)
    assert not errors and set(results) == {(200, "京C2UP1J")}
    lines = [json.loads(line) for line in service.log.read_text("utf-8").splitlines()]
    answered = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in answered] == [200] * len(results)
    assert lines[-1]["event"] == "ended"


def all_of(connection: socket.socket) -> bytes:
    """What comes before the other side closes; TimeoutError where it does not within 20 s."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(4000):
            received += piece
    return received


def test_slow_callers_are_cut_off_and_block_nobody(service_of: Callable[..., Service]):
    service = service_of("--header-timeout", "1", "--upload-timeout", "1.5")
    head = b"POST /api/v1/read HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n"
    head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    silent, dribbling, uploading = [service.raw() for _ in range(20)], service.raw(), service.raw()
    uploading.sendall(head + BODY[:60])
    half_closed = service.raw()
    half_closed.sendall(head + BODY[:60])
    half_closed.shutdown(socket.SHUT_WR)
    dribbling.sendall(b"GET /healthz HT")
    assert service.read() == (200, "京C2UP1J")
    with contextlib.suppress(OSError):  # it may be closed while it dribbles
        for byte in (b"T", b"P", b"/", b"1"):
            dribbling.sendall(byte)
            time.sleep(0.2)
    assert [all_of(connection) for connection in (*silent, dribbling)] == [b""] * 21
    answer = all_of(uploading)
    assert answer.startswith(b"HTTP/1.1 408") and b"longer than 1.5 s" in answer
    assert service.read() == (200, "京C2UP1J")
    for connection in (*silent, dribbling, uploading, half_closed):
        connection.close()


def test_an_upload_is_cut_off_where_it_exceeds_its_limit(service_of: Callable[..., Service]):
    service = service_of("--max-mb", "0.5", "--max-buffered-mb", "0.5")
    megabyte = bytes(2**20)
    endless = b"10000\r\n" + bytes(2**16) + b"\r\n"

    declared = service.connect()
    declared.request("POST", "/api/v1/read", megabyte * 3, FORM)
    answer = declared.getresponse()
    assert (answer.status, json.loads(answer.read())["error"][:22]) == (
        413,
        "the request is larger ",
    )

    chunked = service.raw()
    chunked.sendall(b"POST /api/v1/read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n")
    chunked.sendall(b"Content-Type: multipart/form-data; boundary=x\r\n\r\n")
    chunked.sendall(b"%x\r\n" % 60 + BODY[:60] + b"\r\n")
    sent, answer_text = 0, b""
    with pytest.raises(OSError):
        for _ in range(4000):
            chunked.sendall(endless)
            sent += 2**16
        pytest.fail("it took everything")
    assert sent < 200 * 2**20, answer_text
    waiting = service.connect()
    waiting.request("POST", "/api/v1/read", None, FORM | {"Content-Length": "9999999",
                    "Expect": "100-continue"})  # fmt: skip
    assert waiting.getresponse().status == 413
    assert service.read() == (200, "京C2UP1J")
    for connection in (declared, chunked, waiting):
        connection.close()


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port", "{taken}"], "cannot listen on 127.0.0.1 port"),
        (["--host", "no such host"], "cannot listen on no such host"),
        (["--port", "80000"], "--port: a number from 0 to 65535, not '80000'"),
        (["--cors-origin", "example"], "--cors-origin: an origin such as https://example.org"),
        (["--queue", "8"], "a queue of 8 cannot fill a batch of 32"),
        (["--max-images", "0"], "--max-images: a whole number of at least 1"),
        (["--max-mb", "nan"], "--max-mb: a number above 0"),
        (["--batch", "2000"], "batch: Input should be less than or equal to 1024"),
        (["--max-mb", "300"], "max_buffered"),
        (["--api-key-file", "nowhere"], "cannot read the keys of nowhere"),
        (["--min-confidence", "2"], "a number from 0 to 1"),
        (["--log-file", "/no/such/folder/log"], "cannot write the log"),
    ],
)
def test_wrong_options_are_one_sentence(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
):
    with taken_port() as port:
        filled = [option.format(taken=port) for option in options]
        assert main(["serve", "--threads", "1", *filled]) == 2
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1

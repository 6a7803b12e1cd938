"""The long runs of `benchmarks/reliability/`, short: that they hold, and that they would tell."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "reliability"))

import long_reading
import same_reading
from chepai import Reader, Reading
from chepai.inference.files import sample_pictures
from chepai.plate.image import load_image

needs_linux = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="memory and handles are looked up in /proc"
)


@needs_linux
def test_the_service_answers_everybody_and_all_that_it_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastapi", reason="the extra serve is absent")
    import serve_load
    from load_clients import Asked
    from load_requests import all_requests
    from service_process import Service

    monkeypatch.setenv("CHEPAI_API_KEY", "")
    asked = Asked(*all_requests("default"))
    with Service(tmp_path / "log", "--queue", "40", "--threads", "1") as service:
        load = asyncio.run(serve_load.load(service, asked, clients=6, seconds=2))
        overload = asyncio.run(serve_load.load(service, asked, clients=60, seconds=1))
        ended = asyncio.run(serve_load.end_under_load(service, asked, clients=6, seconds=1))
    for found in (load, overload):
        assert not found.wrong and not found.lost, found.examples
        assert found.readings and found.hostile
    assert load.statuses[503] == 0 < overload.statuses[503]
    came = sum(found.statuses[200] for found in (load, overload)) + ended["came"]
    assert (ended["wrong"], ended["exit status"], ended["given"]) == (0, 0, came)


@needs_linux
def test_the_service_needs_no_root_and_no_disk_that_it_can_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("fastapi", reason="the extra serve is absent")
    import serve_read_only

    probe = [*serve_read_only.NAMESPACE, "mount", "-o", "remount,ro,bind", "/"]
    try:
        may = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        may = False
    if not may:
        pytest.skip("namespaces of mounts want root, or a kernel that lets anybody have them")
    monkeypatch.setenv("CHEPAI_API_KEY", "")
    found = serve_read_only.serve(seconds=1)
    assert found.good, found
    assert not replace(found, writable=["/tmp"]).good
    assert not replace(found, rights=found.rights | {"Uid": "0"}).good


def test_a_wrong_answer_would_be_told() -> None:
    from load_requests import Request

    reading = Reading("京A1", 0.9, True, (("京", 0.9), ("A", 0.95), ("1", 0.99)), "blue", 1)
    body = (
        '[{"text": "京A1", "confidence": 0.9, "accepted": true, "colour": "blue", "rows": 1, '
        '"characters": [["京", 0.9], ["A", 0.95], ["1", 0.99]]}]'
    ).encode()
    assert Request("x", b"", (reading,)).fault_of(200, body) is None
    for other in (
        replace(reading, text="京A2"), replace(reading, confidence=0.8),
        replace(reading, accepted=False), replace(reading, colour="green"),
    ):  # fmt: skip
        assert Request("x", b"", (other,)).fault_of(200, body)
    assert Request("x", b"", (reading, reading)).fault_of(200, body)
    assert Request("x", b"", (reading,)).fault_of(500, b'{"error": "x"}')
    refused = Request("x", b"", statuses=(415,))
    assert refused.fault_of(200, body) and refused.fault_of(415, b"") is not None
    assert refused.fault_of(415, b'{"error": "no picture"}') is None


def test_a_plate_reads_the_same_in_every_batch_with_all_numbers_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(same_reading, "SIZES", (2, 5))
    monkeypatch.setattr(same_reading, "THREADS", (1, 3))
    pictures = [load_image(path) for path in sample_pictures()]
    assert same_reading.batches("default", pictures)
    found = same_reading.Sameness()
    readings = Reader("default", threads=1).read(pictures[:2])
    found.compare(readings, readings[::-1])
    assert found.others == 2


@needs_linux
def test_a_reader_holds_nothing_of_what_it_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_reading, "WINDOWS", 5)
    monkeypatch.setattr(long_reading, "ROUND", 80)
    plates = long_reading.small_plates(tmp_path)
    windows = long_reading.read_on(Reader("default", threads=1), plates, readings=400)
    first, last = windows[len(windows) // 5], windows[-1]
    assert not sum(window.wrong for window in windows)
    assert (last.handles, last.threads) == (first.handles, first.threads)
    assert last.memory < first.memory + 20e6

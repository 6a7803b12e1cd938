"""Zip archives as sources: members in order, whatever lies in them, and never written to disk."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from archive_contents import contents
from chepai.inference import zip_archives
from chepai.inference.archives import is_archive


def packed(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def read(folder: Path, data: bytes) -> list[tuple[str, bytes | str]]:
    path = folder / "a.zip"
    path.write_bytes(data)
    assert is_archive(path.name)
    return contents(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_members_come_in_the_archives_order(tmp_path: Path, method: int):
    data = packed(("b.jpg", b"first"), ("车/a.jpg", b"second" * 400), method=method)
    assert read(tmp_path, data) == [("b.jpg", b"first"), ("车/a.jpg", b"second" * 400)]


def test_folders_and_hidden_members_are_left_out(tmp_path: Path):
    names = ("folder/", "__MACOSX/._a.jpg", ".cache/a.jpg", "folder/.b.jpg", "../../c.jpg")
    data = packed(*[(name, b"" if name.endswith("/") else b"x") for name in names])
    assert read(tmp_path, data) == [("../../c.jpg", b"x")]


def test_names_of_chinese_windows_are_read(tmp_path: Path):
    # Without the flag of UTF-8 the bytes of a name are whatever the system has: here GBK.
    name = "皖A12345.jpg".encode("gbk")
    data = packed(("?" * len(name), b"x")).replace(b"?" * len(name), name)
    assert read(tmp_path, data) == [("皖A12345.jpg", b"x")]


def test_what_is_damaged_encrypted_or_too_large_is_told(tmp_path: Path, monkeypatch):
    data = packed(("a.jpg", b"content" * 9), ("b.jpg", b"whole"), method=zipfile.ZIP_STORED)
    broken = data.replace(b"content" * 9, b"Content" * 9, 1)
    (_, reason), good = read(tmp_path, broken)
    assert "damaged in the archive: Bad CRC-32" in reason and good == ("b.jpg", b"whole")
    # The flags of the first member, in its own header and in the archive's list at the end.
    locked = bytearray(data)
    locked[6] |= 1
    locked[data.index(b"PK\x01\x02") + 8] |= 1
    assert read(tmp_path, bytes(locked))[0] == ("a.jpg", "it is encrypted")
    monkeypatch.setattr(zip_archives, "MOST_BYTES", 10)
    assert "63 bytes are too many" in read(tmp_path, data)[0][1]
    monkeypatch.setattr(zip_archives, "MOST_MEMBERS", 1)
    ((name, reason),) = read(tmp_path, data)
    assert name == "" and "2 members are too many, 1 at most" in reason


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04 and nothing else", packed(("a.jpg", b"x"))[:-9]]
)
def test_what_is_no_whole_archive_is_one_row_with_a_reason(tmp_path: Path, data: bytes):
    ((name, reason),) = read(tmp_path, data)
    assert name == "" and reason.startswith("the archive is damaged or cut off: ")

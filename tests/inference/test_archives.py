"""Tar archives as sources: read in a stream, whatever lies in them, and never written to disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from archive_contents import contents
from chepai.inference import archives
from chepai.inference.archives import archive_pictures


def add(archive: tarfile.TarFile, name: str, data: bytes = b"", **fields: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for field, value in fields.items():
        setattr(member, field, value)
    archive.addfile(member, io.BytesIO(data) if data else None)


def tar(*members: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in members:
            add(archive, name, data)
    return stream.getvalue()


TWO = tar(("./b.jpg", b"first"), ("deep/er/a.jpg", b"second" * 400))


def written(folder: Path, data: bytes) -> Path:
    path = folder / "a.tar"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_members_come_in_the_archives_order_whatever_it_is_packed_with(tmp_path: Path, pack):
    path = written(tmp_path, pack(TWO))
    assert contents(path) == [("b.jpg", b"first"), ("deep/er/a.jpg", b"second" * 400)]


def test_an_archive_of_several_gzip_streams_is_whole(tmp_path: Path):
    path = written(tmp_path, gzip.compress(TWO[:700]) + gzip.compress(TWO[700:]))
    assert [name for name, _ in contents(path)] == ["b.jpg", "deep/er/a.jpg"]


def test_links_devices_folders_and_hidden_members_are_left_out(tmp_path: Path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        add(archive, "folder", type=tarfile.DIRTYPE)
        add(archive, "link.jpg", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(archive, "hard.jpg", type=tarfile.LNKTYPE, linkname="../../etc/passwd")
        add(archive, "device.jpg", type=tarfile.CHRTYPE)
        add(archive, "pipe.jpg", type=tarfile.FIFOTYPE)
        add(archive, "folder/._a.jpg", b"x")
        add(archive, ".cache/a.jpg", b"x")
        add(archive, "../../a.jpg", b"kept")
        add(archive, "/abs/b.jpg", b"kept too")
    before = sorted(tmp_path.rglob("*"))
    path = written(tmp_path, stream.getvalue())
    assert contents(path) == [("../../a.jpg", b"kept"), ("abs/b.jpg", b"kept too")]
    assert sorted(tmp_path.rglob("*")) == [*before, path]


@pytest.mark.parametrize("end", [512 + 3, 1024 + 100, 1536 + 300])
def test_a_cut_archive_gives_what_is_whole_and_then_says_so(tmp_path: Path, end: int):
    *read, (name, reason) = contents(written(tmp_path, TWO[:end]))
    wanted = {"b.jpg": b"first", "deep/er/a.jpg": b"second" * 400}
    assert all(content in (wanted[name], "it is cut off in the archive") for name, content in read)
    assert [name for name, _ in read] == list(wanted)[: 1 + (end > 1536)]
    assert ("b.jpg", b"first") in read or end < 1024
    assert name == "" and "damaged or cut off after" in str(reason)


@pytest.mark.parametrize("end", [20, 60, 100])
def test_a_cut_packed_archive_says_so(tmp_path: Path, end: int):
    name, reason = contents(written(tmp_path, gzip.compress(TWO)[:end]))[-1]
    assert name == "" and "damaged or cut off" in str(reason)


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path: Path):
    data = bytearray(TWO)
    data[1024 + 150] ^= 0xFF
    assert [name for name, _ in contents(written(tmp_path, bytes(data)))] == ["b.jpg", ""]


def test_an_archive_without_its_end_is_not_taken_for_whole(tmp_path: Path):
    name, reason = contents(written(tmp_path, TWO[:1024]))[-1]
    assert name == "" and "after b.jpg" in str(reason)


@pytest.mark.parametrize("data", [b"", b"no archive at all" * 99, b"\x1f\x8b\x08nonsense"])
def test_what_is_no_archive_is_one_row_with_a_reason(tmp_path: Path, data: bytes):
    assert [name for name, _ in contents(written(tmp_path, data))] == [""]


def test_a_member_too_large_for_a_plate_is_not_loaded(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    (_, first), (_, second) = contents(written(tmp_path, TWO))
    assert first == b"first" and "2400 bytes are too many" in str(second)


def test_memory_does_not_grow_with_the_number_of_members(tmp_path: Path):
    path = tmp_path / "many.tar"
    with tarfile.open(path, "w") as archive:
        for number in range(3000):
            add(archive, f"{number}.jpg", b"x" * 100)
    pictures = archive_pictures(path)
    for _ in range(500):
        next(pictures)
    tracemalloc.start()
    for _ in range(2400):
        next(pictures)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 100_000  # one kept member takes some 1,000 bytes


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_name_of_gigabytes_is_not_taken_into_memory(tmp_path: Path, kind: bytes):
    member = tarfile.TarInfo("long")
    member.type, member.size = kind, 300_000_000
    bomb = gzip.compress(tar(("a.jpg", b"x"))[:1024] + member.tobuf() + bytes(300_000_000), 1)
    path = written(tmp_path, bomb)
    tracemalloc.start()
    (first, _), (name, reason) = contents(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (first, name) == ("a.jpg", "") and "300000000 bytes" in str(reason)
    assert most < 20_000_000

"""What a command line can name as pictures."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from pathlib import Path

import pytest
from chepai.errors import InputError
from chepai.inference.inputs import Inputs
from chepai.inference.sources import decode, file_bytes, name_of
from chepai.plate.image import ImageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures 1 to 5 in folders, 6 and 7 in an archive; each file holds its number."""
    for number, name in enumerate(("b/1.jpg", "b/2.png", "a/3.jpg", "a/x/4.jpg", "[5].jpg"), 1):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    with tarfile.open(tmp_path / "a" / "z.tar", "w") as archive:
        for number in (6, 7):
            member = tarfile.TarInfo(f"{number}.jpg")
            member.size = 1
            archive.addfile(member, io.BytesIO(str(number).encode()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def numbers(inputs: Inputs) -> str:
    """The contents one after another, `!` for what cannot be loaded."""
    found = ""
    for source in inputs:
        try:
            found += file_bytes(source).decode()
        except (ImageError, OSError):
            found += "!"
    assert inputs.count() in (None, len(found))
    return found


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["b", "a"], "123467"),
        (["a/z.tar", "b/2.png"], "672"),
        (["*/*.jpg"], "31"),
        (["**/*.jpg"], "5341"),  # `[` comes before letters
        (["?"], "346712"),
        (["[5].jpg"], "5"),
        (["b/9.jpg", "b/1.jpg"], "!1"),
    ],
)
def test_names_give_their_pictures_in_order(names: list[str], wanted: str):
    assert numbers(Inputs(names)) == wanted


def test_readings_are_called_as_their_pictures_were_named(home: Path):
    named = [name_of(source) for source in Inputs(["b", "a/z.tar", home / "[5].jpg"])]
    assert named == ["b/1.jpg", "b/2.png", "a/z.tar/6.jpg", "a/z.tar/7.jpg", f"{home}/[5].jpg"]


def test_a_list_names_pictures_folders_and_archives(home: Path):
    (home / "list.txt").write_bytes(b"\xef\xbb\xbfb/2.png\r\n\r\na/z.tar\nb\n[5].jpg")
    assert numbers(Inputs(["b/1.jpg"], ["list.txt"])) == "1" + "2" + "67" + "12" + "5"


def test_what_a_list_names_in_vain_is_a_picture_with_a_reason(home: Path):
    (home / "empty").mkdir()
    (home / "list.txt").write_text("b/1.jpg\nempty\ngone.jpg\n*.png\nb/2.png\n")
    assert numbers(Inputs([], ["list.txt"])) == "1!!!2"
    _, broken, *_ = Inputs([], ["list.txt"])
    with pytest.raises(ImageError, match="the folder empty holds no files"):
        file_bytes(broken)


@pytest.mark.parametrize(
    "name", ["x" * 5000, "nul\0byte.jpg", "b/1.jpg/deeper.jpg", "x" * 300 + ".tar"]
)
def test_names_that_no_file_system_takes_are_pictures_with_a_reason(name: str):
    Path("list.txt").write_text(f"b/1.jpg\n{name}\nb/2.png\n")
    named, _, listed, _ = (decode(source, 8, 24) for source in Inputs([name], ["list.txt"]))
    for picture in (named, listed):
        assert picture.file == name and picture.error and picture.pixels is None


def test_standard_input_is_a_list_read_line_by_line(monkeypatch: pytest.MonkeyPatch):
    read, write = os.pipe()
    with os.fdopen(read) as stream, os.fdopen(write, "w") as lines:
        monkeypatch.setattr(sys, "stdin", stream)
        pictures = iter(Inputs(["-"]))
        lines.write("b/2.png\n")
        lines.flush()
        assert file_bytes(next(pictures)) == b"2"  # before the list has ended
        lines.write("b/1.jpg\n")
        lines.close()
        assert [file_bytes(source) for source in pictures] == [b"1"]
    assert Inputs(["-"]).count() is None and Inputs([], ["-"]).count() is None


def test_names_that_are_no_utf8_are_found(home: Path):
    try:
        Path(os.fsdecode(b"b/\xff.jpg")).write_text("8")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (home / "list.txt").write_bytes(b"b/\xff.jpg\n")
    assert numbers(Inputs([], ["list.txt"])) == "8"


@pytest.mark.parametrize(
    ("names", "lists", "sentence"),
    [
        (["*.gif"], [], r"no file matches \*\.gif"),
        ([], ["gone.txt"], "cannot read the list gone.txt: No such file"),
        ([], ["long.txt"], "line 2 of the list long.txt is longer than any path"),
        (["empty"], [], "the folder empty holds no files"),
    ],
)
def test_names_in_vain_are_errors_before_the_work_begins(
    home: Path, names: list[str], lists: list[str], sentence: str
):
    (home / "empty").mkdir()
    (home / "long.txt").write_text("b/1.jpg\n" + "x" * 10_000_000)
    with pytest.raises(InputError, match=sentence):
        Inputs(names, lists).count()


def test_what_several_machines_read_are_files_not_archives():
    assert [str(file) for file in Inputs(["b"]).files()] == ["b/1.jpg", "b/2.png"]
    with pytest.raises(InputError, match=r"a/z\.tar is an archive"):
        list(Inputs(["a"]).files())

"""Folders of rejected pictures: no name twice, and the same files after a stop as without."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai.errors import InputError
from chepai.inference.archives import broken
from chepai.inference.kept_pictures import PictureFolder
from chepai.inference.sources import NamedPicture, decode


def named(name: str, data: bytes) -> NamedPicture:
    return NamedPicture(name, lambda: data)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


SOURCES = [
    named("a/1.jpg", b"A"),
    named("b/1.jpg", b"B"),
    named("c/1.jpg", b"A"),
    named("d/1-2.jpg", b"C"),
    named("e/1.jpg", b"D"),
    named("f/1", b"E"),
]
WANTED = {"1.jpg": b"A", "1-2.jpg": b"B", "1-2-2.jpg": b"C", "1-3.jpg": b"D", "1": b"E"}


def test_different_pictures_of_one_name_get_numbers(tmp_path: Path):
    folder = PictureFolder(tmp_path / "new" / "deep")
    for source in SOURCES:
        folder.add_file(source)
    assert contents(tmp_path / "new" / "deep") == WANTED


@pytest.mark.parametrize("stop", range(len(SOURCES) + 1))
def test_a_run_that_goes_on_leaves_the_same_files(tmp_path: Path, stop: int):
    """The last picture before the stop is kept again: its row had not been written."""
    for sources in (SOURCES[:stop], SOURCES[max(0, stop - 1) :]):
        folder = PictureFolder(tmp_path)
        for source in sources:
            folder.add_file(source)
    assert contents(tmp_path) == WANTED


@pytest.mark.parametrize("name", ["a/..", "..", "", "a/", "../../b", "x\\..\\..\\b", "/b"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str):
    PictureFolder(tmp_path / "in" / "deep").add_file(named(name, b"A"))
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert kept.parent == tmp_path / "in" / "deep" and kept.name in ("picture", "b")


def test_long_names_are_cut(tmp_path: Path):
    folder = PictureFolder(tmp_path)
    for letter in "AB":
        folder.add_file(named("x" * 300 + letter + ".jpg", letter.encode()))
    assert sorted(contents(tmp_path).values()) == [b"A", b"B"]


def test_what_is_not_there_is_left_out(tmp_path: Path):
    folder = PictureFolder(tmp_path / "kept")
    for source in (tmp_path / "gone.jpg", tmp_path, "nul\0.jpg", broken("x.tar", "cut off")):
        folder.add_file(source)
    assert contents(tmp_path / "kept") == {}


def test_the_networks_input_is_kept_as_it_sees_it(tmp_path: Path):
    picture = np.random.default_rng(1).integers(0, 256, (40, 120, 3), dtype=np.uint8)
    data = cv2.imencode(".png", picture)[1].tobytes()
    folder = PictureFolder(tmp_path)
    folder.add_input(named("a/1.jpg", data), 16, 48)
    folder.add_input(named("a/2.jpg", b"no picture"), 16, 48)
    (kept,) = tmp_path.iterdir()
    seen = decode(data, 16, 48).pixels
    assert kept.name == "1.png"
    assert np.array_equal(cv2.imread(str(kept))[..., ::-1], seen)


def test_a_folder_that_takes_no_more_is_an_error(tmp_path: Path):
    folder = PictureFolder(tmp_path / "kept")
    (tmp_path / "kept").rmdir()
    (tmp_path / "kept").touch()
    with pytest.raises(InputError, match="cannot make the folder"):
        folder.add_file(named("a.jpg", b"A"))


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot make the folder"):
        PictureFolder(tmp_path / "file")


def test_long_names_of_chinese_characters_are_cut_too(tmp_path: Path):
    folder = PictureFolder(tmp_path)
    for data in (b"A", b"B"):
        folder.add_file(named("车" * 80 + ".jpg", data))
    assert sorted(contents(tmp_path).values()) == [b"A", b"B"]
    assert all(
        name == "车" * 50 + number + ".jpg"
        for name, number in zip(sorted(contents(tmp_path)), ("-2", ""), strict=True)
    )

"""The pictures that a command line names."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from chepai.errors import InputError
from chepai.inference.files import picture_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.txt", "sub/c.png", "sub/deep/noname", ".hidden", ".cache/d.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def names(files, folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in files]


def test_a_folder_gives_every_visible_file_below_it_in_order(folder: Path):
    wanted = ["a.txt", "b.jpg", "sub/c.png", "sub/deep/noname"]
    assert names(picture_files([folder]), folder) == wanted


def test_arguments_keep_their_order_and_absent_files_are_left_to_the_reader(folder: Path):
    paths = [folder / "z.jpg", folder / "sub", folder / "b.jpg"]
    wanted = ["z.jpg", "sub/c.png", "sub/deep/noname", "b.jpg"]
    assert names(picture_files(paths), folder) == wanted


def test_a_named_hidden_file_is_read(folder: Path):
    assert names(picture_files([folder / ".hidden"]), folder) == [".hidden"]


def test_a_folder_without_files_is_an_error(folder: Path):
    (folder / "empty" / "deeper").mkdir(parents=True)
    with pytest.raises(InputError, match="empty holds no files"):
        list(picture_files([folder / "empty"]))


def test_linked_folders_are_followed_but_not_in_circles(folder: Path, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "e.jpg").touch()
    (folder / "link").symlink_to(elsewhere)
    (folder / "sub" / "circle").symlink_to(folder)
    files = list(itertools.islice(picture_files([folder]), 20))
    wanted = ["a.txt", "b.jpg", "link/e.jpg", "sub/c.png", "sub/deep/noname"]
    assert names(files, folder) == wanted

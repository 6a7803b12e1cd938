"""Names that strangers give to files and members: they command no terminal, page or path."""

from __future__ import annotations

import os
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from chepai import run
from chepai.inference.files import sample_pictures
from chepai.inference.kept_pictures import PictureFolder
from chepai.inference.sources import NamedPicture
from chepai.plate.image import ImageError, load_image

SAMPLE = sample_pictures()[0].read_bytes()
NAMES = ["\x1b[2J.jpg", "<script>alert(1)</script>.jpg", "../../up.jpg", "/abs.jpg", "a\nb.jpg"]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        for name in NAMES:
            for data, prefix in ((SAMPLE, "good"), (b"no picture", "bad")):
                folder, _, last = name.rpartition("/")
                member = tarfile.TarInfo(f"{folder}/{prefix}{last}" if folder else prefix + last)
                member.size = len(data)
                made.addfile(member, BytesIO(data))
    return tmp_path / "a.tar"


def test_an_archive_of_hostile_names_writes_nothing_elsewhere_and_commands_nobody(
    archive: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    place = tmp_path / "deep" / "er"
    options = ["--report", f"{place}/r.html", "--save-rejected", f"{place}/no"]
    options += ["--save-crops", f"{place}/crops", "--min-confidence", "1"]
    assert run.main(["predict", str(archive), "--threads", "1", *options]) == 1
    out, err = capfd.readouterr()
    assert "\x1b" not in out + err and out.count("\n") == 1 + 2 * len(NAMES)
    page = (place / "r.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    outside = {path for path in tmp_path.rglob("*") if path.is_file()} - {archive}
    assert outside and all(path.is_relative_to(place) for path in outside)
    assert not Path("/abs.jpg").exists() and not Path("/goodabs.jpg").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_and_a_device_in_a_folder_are_refused_instead_of_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    for name in ("pipe.jpg", "zero.jpg"):
        with pytest.raises(ImageError, match="no file but a pipe, a socket or a device"):
            load_image(tmp_path / name)
        kept = PictureFolder(tmp_path / "kept")
        kept.add_file(tmp_path / name)
    assert not list((tmp_path / "kept").iterdir())


def test_a_file_of_gigabytes_is_not_read(tmp_path: Path):
    with (tmp_path / "large.jpg").open("wb") as stream:
        stream.truncate(40 * 2**30)
    with pytest.raises(ImageError, match=r"large\.jpg: 42949672960 bytes are too many"):
        load_image(tmp_path / "large.jpg")


@pytest.mark.parametrize("name", ["a\0b.jpg", "x" * 5000, ""])
def test_names_that_no_file_system_takes_are_one_sentence(name: str):
    with pytest.raises(ImageError):
        load_image(name)


def test_a_kept_pictures_name_is_its_last_part_only(tmp_path: Path):
    folder = PictureFolder(tmp_path / "kept")
    for name in ("../../up.jpg", "/etc/cron.d/job", "..\\..\\up2.jpg", "..", "a" * 400 + ".jpg"):
        folder.add_file(NamedPicture(name, lambda: SAMPLE + os.urandom(4)))
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert kept == ["a" * 150 + ".jpg", "job", "picture", "up.jpg", "up2.jpg"]
    assert not list(tmp_path.glob("*.jpg"))

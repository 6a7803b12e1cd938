"""Addresses of pictures by fsspec, in its file system that lies in memory."""

from __future__ import annotations

import sys
import uuid

import pytest
from chepai.errors import InputError
from chepai.inference.inputs import Inputs
from chepai.inference.remote import is_remote, read_remote
from chepai.inference.sources import file_bytes, name_of
from chepai.plate.image import ImageError


def test_addresses_are_told_from_paths():
    assert all(map(is_remote, ("s3://b/a.jpg", "gs://b", "hf+x://a", "HTTPS://h/a.jpg")))
    assert not any(map(is_remote, ("a.jpg", "/a//b.jpg", "c:/a.jpg", "://a", "a b://c", "d:\\a")))


def test_without_fsspec_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(InputError, match=r'pip install "chepai\[remote\]"'):
        Inputs(["s3://bucket/a.jpg"]).count()


@pytest.fixture
def bucket() -> str:
    """An address under which lie a/1.jpg, a/x/2.png and list.txt, each picture its number."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec, of the extra remote, is absent")
    root = f"memory://{uuid.uuid4().hex}"
    names = f"{root}/a/x/2.png\n{root}/gone.jpg\n{root}/a\n"
    for name, content in (("a/1.jpg", "1"), ("a/x/2.png", "2"), ("list.txt", names)):
        with fsspec.open(f"{root}/{name}", "w") as stream:
            stream.write(content)
    return root


def contents(inputs: Inputs) -> list[str]:
    sources = list(inputs)
    assert inputs.count() == len(sources)
    return [file_bytes(source).decode() for source in sources]


@pytest.mark.parametrize(
    ("name", "wanted"), [("a", "12"), ("a/x/2.png", "2"), ("a/*", "1"), ("**/*.png", "2")]
)
def test_files_folders_and_patterns_are_read(bucket: str, name: str, wanted: str):
    assert "".join(contents(Inputs([f"{bucket}/{name}"]))) == wanted


def test_readings_are_called_by_their_addresses(bucket: str):
    (name,) = map(name_of, Inputs([f"{bucket}/a/x"]))
    assert name is not None and name.startswith("memory://") and name.endswith("/a/x/2.png")
    assert read_remote(name) == b"2"


def test_a_list_may_lie_there_and_name_what_is_gone(bucket: str):
    first, gone, *folder = Inputs([], [f"{bucket}/list.txt"])
    assert file_bytes(first) == b"2"
    assert [file_bytes(source) for source in folder] == [b"1", b"2"]
    with pytest.raises(ImageError, match="there is no such file"):
        file_bytes(gone)


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("name", ["nosuch://bucket/a.jpg", "memory://nowhere/*.jpg"])
def test_what_cannot_be_listed_is_an_error(name: str):
    with pytest.raises(InputError, match=name.partition("*")[0]):
        Inputs([name]).count()

"""What an archive gives, for the tests of all kinds of archives."""

from __future__ import annotations

from pathlib import Path

from chepai.inference.archives import archive_pictures, count_pictures
from chepai.plate.image import ImageError


def contents(path: Path) -> list[tuple[str, bytes | str]]:
    """(name without the archive's, bytes or why there are none)."""
    found = []
    for picture in archive_pictures(path):
        try:
            content: bytes | str = picture.load()
        except ImageError as error:
            content = error.reason
        found.append((picture.file.removeprefix(f"{path}").removeprefix("/"), content))
    assert count_pictures(path) == len(found)
    return found

"""Names, counts and the index of TFRecord shards; loads no TensorFlow."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import InputError
from ..files import write_text

_SHARD = re.compile(r"(?P<name>.+)-\d{5}-of-\d{5}\.tfrecord")


@dataclass
class ShardIndex:
    """What the JSON file beside the shards of one data set says.

    Attributes:
        schema, fingerprint: of the labels.
        records: a digest of what is written, by which a continued writing knows its own.
        shards: plates in each finished shard, by file name.
        skipped: pictures that could not be read, with the reason.
        complete: whether all shards are written.
    """

    schema: str
    fingerprint: str
    records: str
    shards: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    complete: bool = False

    def save(self, file: Path) -> None:
        """Writes the index, whole or not at all."""
        write_text(file, json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, file: Path) -> ShardIndex | None:
        """The index in `file`; None where there is none. Raises InputError for a broken one."""
        if not file.is_file():
            return None
        try:
            index = cls(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise InputError(f"{file} is no index of TFRecords: {error}") from error
        if not index.is_sound:
            raise InputError(f"{file} is no index of TFRecords: its values are of other kinds")
        return index

    @property
    def is_sound(self) -> bool:
        """Whether the values are of their types; those of a file may be anything."""
        texts = (self.schema, self.fingerprint, self.records, *self.shards, *self.skipped)
        return (
            isinstance(self.shards, dict)
            and isinstance(self.skipped, dict)
            and all(isinstance(text, str) for text in texts)
            and all(isinstance(count, int) for count in self.shards.values())
        )


def shard_path(output: Path, number: int, shards: int) -> Path:
    """`<output>-00000-of-00008.tfrecord`."""
    return output.with_name(f"{output.name}-{number:05d}-of-{shards:05d}.tfrecord")


def index_path(output: Path) -> Path:
    """`<output>.json`."""
    return output.with_name(f"{output.name}.json")


def index_of(shard: Path) -> ShardIndex | None:
    """The index that stands beside a shard, if there is one."""
    name = _name_of(shard)
    return None if name is None else ShardIndex.load(shard.with_name(f"{name}.json"))


def shards_in(folder: Path) -> list[Path]:
    """The shards in a folder, sorted; not the hidden halves that a killed writing leaves."""
    return sorted(file for file in folder.glob("*.tfrecord") if not file.name.startswith("."))


def find_shards(paths: Sequence[str | Path]) -> list[Path]:
    """The files that `paths` mean, sorted: shards, folders of a data set, or its `DIR/NAME`.

    Raises:
        InputError: none; a folder of several data sets; one whose writing was not finished or
            that lacks a shard.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        files = [path] if path.suffix == ".tfrecord" else shards_at(path)
        if not files or not files[0].is_file():
            raise InputError(f"there are no TFRecords at {path}")
        if path.suffix != ".tfrecord":
            _check_one(files)
            _check_whole(files)
        found += files
    return found


def shards_at(path: Path) -> list[Path]:
    """The shards in a folder, or those of one data set, by the `DIR/NAME` that they were given."""
    if path.is_dir():
        return shards_in(path)
    return [
        file
        for file in (shards_in(path.parent) if path.parent.is_dir() else [])
        if _name_of(file) == path.name
    ]


def _name_of(shard: Path) -> str | None:
    match = _SHARD.fullmatch(shard.name)
    return match["name"] if match else None


def _check_one(files: list[Path]) -> None:
    names = sorted({name for file in files if (name := _name_of(file)) is not None})
    if len(names) > 1:
        folder = files[0].parent
        raise InputError(
            f"{folder} holds several data sets, {', '.join(names)}: name one, as "
            f"{folder / names[0]}"
        )


def _check_whole(files: list[Path]) -> None:
    there = {file.name for file in files}
    for file in files:
        index = index_of(file)
        if index is None:
            continue
        lacking = sorted(index.shards.keys() - there)
        if lacking or not index.complete:
            what = f"{lacking[0]} is missing" if lacking else "writing was interrupted"
            raise InputError(f"{file.parent}: {what}; run make-tfrecord again")


def count_plates(shard: Path) -> int:
    """How many examples a shard holds, by walking over their lengths.

    Raises:
        InputError: the file is cut off, no TFRecord, or holds another number than its index says.
    """
    index = index_of(shard)
    stated = None if index is None else index.shards.get(shard.name)
    if stated == 0 and shard.stat().st_size == 0:
        return 0  # none of its pictures could be read
    count = _walk(shard)
    stated = count if stated is None else stated
    if stated != count:
        raise InputError(
            f"{shard} holds {count} plates, not the {stated} of its index; write it anew"
        )
    return count


def _walk(shard: Path) -> int:
    # Framing: uint64 length, uint32 CRC of it, the data, uint32 CRC of that.
    count, position, size = 0, 0, shard.stat().st_size
    with shard.open("rb") as file:
        while position < size:
            file.seek(position)
            header = file.read(8)
            position += 16 + (struct.unpack("<Q", header)[0] if len(header) == 8 else size)
            count += 1
    if position != size or not count:
        raise InputError(f"{shard} is cut off, empty or no TFRecord; write it anew")
    return count

"""Readings as a Parquet file, a group of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import atomic_path
from .reading import Reading
from .resuming import writing
from .row_formats import utf8

# A group is in memory until it is written; readers skip whole groups.
GROUP = 20_000
COLUMNS = (
    "file", "text", "confidence", "accepted", "colour", "rows", "char_confidences", "raw_valid",
    "error",
)  # fmt: skip


@contextmanager
def parquet_rows(path: Path) -> Iterator[Callable[[Reading], None]]:
    """Yields what adds a reading; the file appears, whole, when the block ends well.

    Raises:
        InputError: pyarrow is missing, or the place cannot be written.
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise InputError('Parquet needs pyarrow: pip install "chepai[parquet]"') from error
    schema = _schema(arrow)
    rows: list[dict[str, Any]] = []
    with atomic_path(path) as temporary:
        with writing(path):
            table = parquet.ParquetWriter(temporary, schema, compression="zstd")

        def flush() -> None:
            with writing(path):
                table.write_table(arrow.Table.from_pylist(rows, schema))
            rows.clear()

        def add(reading: Reading) -> None:
            rows.append(_row(reading))
            if len(rows) == GROUP:
                flush()

        with table:
            yield add
            if rows:
                flush()


def _schema(arrow: Any) -> Any:
    types = {
        "confidence": arrow.float64(),
        "accepted": arrow.bool_(),
        "rows": arrow.int8(),
        "char_confidences": arrow.list_(arrow.float64()),
        "raw_valid": arrow.bool_(),
    }
    return arrow.schema([(name, types.get(name, arrow.string())) for name in COLUMNS])


def _row(reading: Reading) -> dict[str, Any]:
    values = reading.to_dict()
    values["char_confidences"] = [confidence for _, confidence in values.pop("characters")]
    for name in ("file", "error"):
        if values[name] is not None:
            values[name] = utf8(values[name])
    return values

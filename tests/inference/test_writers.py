"""Readings as CSV, JSON and JSON lines."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from chepai import Reading
from chepai.errors import InputError
from chepai.inference.writers import open_writer

READ = Reading(
    "皖A1",
    0.25,
    True,
    (("皖", 0.25), ("A", 0.5), ("1", 1.0)),
    "blue",
    1,
    raw_valid=False,
    file="a,b.jpg",
)
FAILED = Reading.failed("the file is empty", "c.jpg")
HEADER = "file,text,confidence,accepted,colour,rows,char_confidences,error"


def write(output: Path | str, *readings: Reading) -> None:
    with open_writer(output) as writer:
        for reading in readings:
            writer.add(reading)


def test_csv_holds_the_promised_columns(tmp_path: Path):
    write(tmp_path / "x.csv", READ, FAILED)
    assert (tmp_path / "x.csv").read_text(encoding="utf-8").splitlines() == [
        HEADER,
        '"a,b.jpg",皖A1,0.250000,true,blue,1,0.250000 0.500000 1.000000,',
        "c.jpg,,0.000000,false,,,,the file is empty",
    ]


def test_csv_on_standard_output(capsys: pytest.CaptureFixture[str]):
    write("-", READ)
    assert list(csv.reader(capsys.readouterr().out.splitlines()))[1][1] == "皖A1"


@pytest.mark.parametrize("readings", [[], [READ], [READ, FAILED]])
def test_json_is_a_list_and_json_lines_are_its_entries(tmp_path: Path, readings: list[Reading]):
    write(tmp_path / "x.json", *readings)
    write(tmp_path / "x.jsonl", *readings)
    entries = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    lines = (tmp_path / "x.jsonl").read_text(encoding="utf-8").splitlines()
    assert entries == [json.loads(line) for line in lines] == [r.to_dict() for r in readings]


def test_json_uses_the_names_of_a_reading():
    assert READ.to_dict() == {
        "file": "a,b.jpg",
        "text": "皖A1",
        "confidence": 0.25,
        "accepted": True,
        "characters": [["皖", 0.25], ["A", 0.5], ["1", 1.0]],
        "colour": "blue",
        "rows": 1,
        "raw_valid": False,
        "error": None,
    }


def test_a_file_name_that_is_no_utf8_is_written_escaped(tmp_path: Path):
    write(tmp_path / "x.csv", Reading.failed("gone", "bad\udcff.jpg"))
    assert r"bad\udcff.jpg" in (tmp_path / "x.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.jsonl"])
def test_an_interrupted_run_leaves_the_old_file(tmp_path: Path, name: str):
    path = tmp_path / name
    write(path, READ)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), open_writer(path) as writer:
        writer.add(FAILED)
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    kept = set(tmp_path.iterdir()) - {path}
    assert {file.name for file in kept} == ({f"{name}.partial"} if name != "x.json" else set())


def test_another_suffix_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"\.csv, \.json, \.jsonl, \.parquet"):
        write(tmp_path / "x.xlsx")

"""Label schemas: what ships, what a user writes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chepai.errors import InputError
from chepai.plate.schema import Head, Kind, LabelSchema, load_schema

TINY = """
name: tiny
sets:
  digit: "0123456789"
  letter: ABC
  mark: digit letter
heads:
  - {name: a, role: character, classes: letter}
  - {name: b, role: character, classes: mark 警 spare*3}
  - {name: n, role: length, classes: none 1 2}
  - {name: c, role: colour, classes: blue white}
kinds:
  - {name: police, text: letter 警, colour: white, rows: [1]}
  - {name: short, text: letter}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_original_has_the_ten_heads_with_their_widths():
    schema = load_schema("original")
    assert schema.widths == (34, 64, 34, 34, 34, 34, 42, 12, 2, 6)
    assert schema.head_names == tuple(f"class_{i}" for i in range(1, 11))


@pytest.mark.parametrize(
    ("head", "index", "name"),
    [
        (0, 15, "鲁"), (0, 31, "军"), (0, 32, "使"), (0, 33, None),
        (1, 0, "A"), (1, 8, "J"), (1, 23, "Z"), (1, 24, "0"), (1, 33, "9"), (1, 34, None),
        (2, 9, "9"), (2, 10, "A"), (5, 33, "Z"),
        (6, 34, "学"), (6, 35, "警"), (6, 36, "领"), (6, 40, "使"), (6, 41, None),
        (7, 10, "D"), (7, 11, "F"), (8, 0, "7"), (8, 1, "8"), (9, 4, "black"),
    ],
)  # fmt: skip
def test_the_originals_classes_stand_where_its_table_has_them(
    head: int, index: int, name: str | None
):
    assert load_schema("original").heads[head].classes[index] == name


def test_cn_holds_what_the_design_lists():
    schema = load_schema("cn")
    assert schema.head_names == (*(f"char_{i}" for i in range(1, 9)), "length", "colour", "rows")
    assert schema.lengths == (5, 6, 7, 8)
    assert schema.max_length == 8
    assert schema.heads[8].classes == ("none", "5", "6", "7", "8")
    assert "O" in schema.heads[1].indices
    assert all("O" not in head.indices for head in schema.characters if head.name != "char_2")
    assert all("I" not in head.indices for head in schema.characters)


@pytest.mark.parametrize("name", ["cn", "original"])
def test_a_schema_survives_json(name: str):
    schema = load_schema(name)
    again = LabelSchema.from_dict(json.loads(json.dumps(schema.to_dict())))
    assert again == schema
    assert again.fingerprint == schema.fingerprint
    assert hash(again) == hash(schema)


def test_a_users_schema_is_read_from_yaml(tmp_path: Path):
    schema = load_schema(write(tmp_path, TINY))
    assert schema.name == "tiny"
    assert schema.widths == (3, 17, 3, 2)
    assert schema.heads[1].classes[-4:] == ("警", None, None, None)
    assert schema.kinds[0].matches("A警")
    assert not schema.kinds[0].matches("A1")
    assert schema.kinds[1] == Kind("short", (frozenset("ABC"),), None, ())


def test_the_fingerprint_changes_with_classes_but_not_with_kinds(tmp_path: Path):
    schema = load_schema(write(tmp_path, TINY))
    without_kinds = LabelSchema("other", schema.heads)
    swapped = LabelSchema("tiny", (schema.heads[1], schema.heads[0], *schema.heads[2:]))
    assert without_kinds.fingerprint == schema.fingerprint
    assert swapped.fingerprint != schema.fingerprint


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("role: colour", "role: color", "role is one of"),
        ("classes: letter}", "classes: leter}", "there is no set 'leter'"),
        ("letter: ABC", "letter: ABA", "'A' is there twice"),
        ("none 1 2", "none 1 3", "allows 3 characters, but there are 2"),
        ("none 1 2", "none 1 two", "number of characters or 'none'"),
        ("classes: none 1 2", "classes: none", "names no length"),
        ("text: letter 警", "text: 警 letter", "'a' lacks 警"),
        ("text: letter 警", "text: letter*3", "it has 3 characters"),
        ("text: letter 警", "text: letter*x", "a number must follow"),
        ("colour: white", "colour: pink", "no colour 'pink'"),
        ("rows: [1]", "rows: one", "rows are whole numbers"),
        ("name: b,", "name: a,", "two heads are named 'a'"),
        ("role: length,", "role: length, width: 3,", "unknown key 'width'"),
        ("heads:", "hats:", "unknown key 'hats'"),
        ("{name: short, text: letter}", "{name: short}", "'text' is missing"),
    ],
)
def test_a_faulty_schema_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, sentence: str
):
    assert old in TINY
    file = write(tmp_path, TINY.replace(old, new))
    with pytest.raises(InputError, match=r"mine\.yaml") as error:
        load_schema(file)
    assert sentence in str(error.value)


@pytest.mark.parametrize("text", ["just words", "[1, 2]", "a: [", ""])
def test_a_file_that_is_no_schema_is_refused(tmp_path: Path, text: str):
    with pytest.raises(InputError, match=r"mine\.yaml"):
        load_schema(write(tmp_path, text))


def test_an_unknown_name_lists_the_shipped_ones():
    with pytest.raises(InputError, match="cn, original, or a YAML file"):
        load_schema("de")


def test_stored_values_that_are_none_are_refused():
    with pytest.raises(InputError, match="heads"):
        LabelSchema.from_dict({"name": "x"})


def test_a_head_needs_classes_and_an_unknown_head_is_named():
    with pytest.raises(InputError, match="no classes"):
        LabelSchema("x", (Head("a", "character", (None,)),))
    with pytest.raises(InputError, match="has no head 'colour'"):
        LabelSchema("x", (Head("a", "character", ("A",)),)).index("colour")

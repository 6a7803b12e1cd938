"""Which plates exist, and how people write them."""

from __future__ import annotations

import pytest
from chepai.plate.grammar import (
    colour_of,
    is_possible,
    kind_of,
    kinds_of,
    normalise_text,
    text_in_name,
)
from chepai.plate.schema import LabelSchema, load_schema

CN = load_schema("cn")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("京A12345", "blue"), ("粤OA2160", "blue"), ("皖AA88888", "green-small"),
        ("赣B12345D", "green-large"), ("桂B0991警", "police"), ("粤Z554D港", "hong-kong"),
        ("粤Z3A35澳", "macau-mainland"), ("沪A1639领", "consulate"), ("使123456", "embassy"),
        ("123456使", "embassy-old"), ("京A1234学", "learner"), ("渝B8333挂", "trailer"),
        ("BS13107", "army"), ("海A02008", "army-2004"), ("WJ粤0033X", "armed-police"),
        ("民航B0150", "aviation"), ("MA1234", "macau"), ("M1234", "macau-m"),
    ],
)  # fmt: skip
def test_every_kind_is_known_by_its_text(text: str, kind: str):
    found = kind_of(text, CN)
    assert found is not None
    assert found.name == kind
    assert is_possible(text, CN)


@pytest.mark.parametrize(
    "text",
    ["京112345", "京A1234O", "京A1234", "A123456", "京AI2345D", "京A123警5", "沪Z554D港", "W12345"],
)
def test_impossible_plates_are_of_no_kind(text: str):
    assert kind_of(text, CN) is None
    assert not is_possible(text, CN)


def test_colour_and_rows_narrow_the_kinds():
    assert [kind.name for kind in kinds_of("沪A12345", CN)] == ["blue", "yellow"]
    assert [kind.name for kind in kinds_of("京A12345", CN, "yellow")] == ["yellow"]
    assert [kind.name for kind in kinds_of("沪A12345", CN, rows=2)] == ["yellow"]
    assert kinds_of("京A12345", CN, "blue", 2) == ()


def test_unknown_characters_leave_a_plate_possible_where_one_fits():
    assert is_possible("京A?2345", CN)
    assert not is_possible("京??警45", CN)
    assert is_possible("anything", LabelSchema("free", CN.heads))


@pytest.mark.parametrize(
    "written", ["京A12345", "京a12345", " 京A·12345", "京A•12345\n", "京A-12345", "京Ａ１２３４５"]
)
def test_a_text_is_normalised_to_what_is_printed(written: str):
    assert normalise_text(written, CN) == "京A12345"


@pytest.mark.parametrize(
    ("stem", "text"),
    [
        ("皖A12345", "皖A12345"),
        ("皖A12345_1", "皖A12345"),
        ("00000001_皖A12345", "皖A12345"),
        ("12345678_粤B12345D", "粤B12345D"),
        ("皖A12345 (2)", "皖A12345"),
        ("京A·12345", "京A12345"),
        ("IMG_2041", None),
        ("IMG_20411", None),
        ("赣0268550_1", "赣0268550"),
        ("", None),
    ],
)
def test_a_file_name_gives_its_plate(stem: str, text: str | None):
    assert text_in_name(stem, CN) == text


@pytest.mark.parametrize(
    ("words", "colour"),
    [
        ("blue", "blue"), ("black-consulate", "black"), ("yellow-double-row", "yellow"),
        ("White", "white"), ("green-yellow-large-new-energy", "green"), ("蓝色", "blue"),
        ("?", None), ("white?", None), ("black/dark", None), ("colour", None), ("", None),
    ],
)  # fmt: skip
def test_free_colours_are_understood_or_masked(words: str, colour: str | None):
    assert colour_of(words, CN) == colour

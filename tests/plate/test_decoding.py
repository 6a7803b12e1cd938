"""Readings of columns: text, confidences, and what the grammar makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from chepai.errors import InputError
from chepai.plate.alphabet import alphabet_of, output_sizes
from chepai.plate.decoding import decode_outputs
from chepai.plate.schema import load_schema

CN = load_schema("cn")
NUMBER = {name: i + 1 for i, name in enumerate(alphabet_of(CN))}


def columns_of(text: str, sure: float = 0.98, columns: int = 18) -> np.ndarray:
    """Softmaxes that write a text, a character every second column."""
    left = (1 - sure) / len(NUMBER)
    rows = np.full((columns, len(NUMBER) + 1), left)
    rows[:, 0] = sure
    for place, character in enumerate(text):
        rows[2 * place] = left
        rows[2 * place, NUMBER[character]] = sure
    return rows


def outputs_of(*plates: np.ndarray) -> dict[str, np.ndarray]:
    count = len(plates)
    colour, rows = np.tile(np.eye(6)[2], (count, 1)), np.tile(np.eye(2)[0], (count, 1))
    return {"text": np.stack(plates), "colour": colour, "rows": rows}


def test_the_alphabet_has_every_character_once():
    names = alphabet_of(CN)
    assert len(names) == len(set(names)) == len(CN.alphabet) == 85
    assert names[0] == "京"
    assert output_sizes(CN, "ctc") == {"text": 86, "colour": 6, "rows": 2}
    assert list(output_sizes(CN, "attention")) == list(CN.head_names)


def test_a_clear_plate_is_read_with_all_that_is_known_of_it():
    (plate,) = decode_outputs(CN, "ctc", outputs_of(columns_of("皖AA88888")))
    assert (plate.text, plate.colour, plate.rows, plate.raw_valid) == (
        "皖AA88888",
        "green",
        1,
        True,
    )
    assert [value for _, value in plate.characters] == pytest.approx([0.98] * 8)
    assert plate.confidence < 0.98  # the length is less sure than each character


def test_an_impossible_text_becomes_the_likeliest_plate():
    columns = columns_of("皖A1234I".replace("I", "学"))
    columns[6, NUMBER["O"]] = columns[6, NUMBER["2"]] + 0.005
    columns[6, NUMBER["2"]] = 0.49
    outputs = outputs_of(columns)
    (free,) = decode_outputs(CN, "ctc", outputs, constrain=False)
    (plate,) = decode_outputs(CN, "ctc", outputs)
    assert free.text == "皖A1O34学"
    assert (plate.text, plate.raw_valid) == ("皖A1234学", False)
    assert plate.confidence <= 0.49


def test_a_picture_without_a_plate_is_read_with_no_confidence():
    outputs = outputs_of(columns_of(""))
    (free,) = decode_outputs(CN, "ctc", outputs, constrain=False)
    assert (free.text, free.confidence, free.characters) == ("", 0.0, ())
    (plate,) = decode_outputs(CN, "ctc", outputs)
    assert plate.text and plate.confidence < 0.01 and not plate.raw_valid


def test_a_repetition_that_may_be_missing_makes_the_length_doubtful():
    """皖AA88888 with hardly a blank between two eights: they may be one."""
    columns = columns_of("皖AA88888")
    columns[7] = 0.2 / 85
    columns[7, [0, NUMBER["8"]]] = 0.45, 0.35
    (plate,) = decode_outputs(CN, "ctc", outputs_of(columns))
    assert plate.text == "皖AA88888"
    assert min(value for _, value in plate.characters) > 0.9
    assert 0.3 < plate.confidence < 0.6


def test_a_beam_reads_the_same_where_it_is_clear():
    outputs = outputs_of(*(columns_of(text) for text in ("皖A12345", "使123456", "")))
    greedy = decode_outputs(CN, "ctc", outputs)
    beam = decode_outputs(CN, "ctc", outputs, beam=8)
    assert [one.text for one in greedy] == [one.text for one in beam]
    assert [one.confidence for one in greedy] == pytest.approx([one.confidence for one in beam])


def test_wrong_outputs_are_named():
    with pytest.raises(InputError, match=r"'text' should have the shape \[batch, columns, 86\]"):
        decode_outputs(CN, "ctc", {"text": np.zeros((1, 18, 80))})
    with pytest.raises(InputError, match="family ctc"):
        decode_outputs(CN, "multi_label", {}, beam=4)


def test_columns_that_are_no_numbers_are_read_with_no_confidence():
    broken = columns_of("皖AA88888")
    broken[4] = np.nan
    good, bad = decode_outputs(CN, "ctc", outputs_of(columns_of("京A12345"), broken))
    assert good.text == "京A12345" and good.confidence > 0.8
    assert bad.confidence < 0.1

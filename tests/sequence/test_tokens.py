"""Labels by head become one text, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from chepai.plate.alphabet import alphabet_of
from chepai.plate.codec import encode
from chepai.plate.schema import Head, LabelSchema, load_schema
from chepai.sequence.tokens import Tokens, most_steps

CN = load_schema("cn")
ALPHABET = ("", *alphabet_of(CN))


def tokens_of(schema: LabelSchema, labels: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    found = Tokens(schema)(np.stack(labels).astype("int32"))
    return np.array(found.tokens), np.array(found.known)


@pytest.mark.parametrize(
    "text", ["皖A12345", "皖AD12345", "粤ZF023港", "M1234", "使123456", "123456使"]
)
def test_a_text_comes_back_letter_by_letter(text: str):
    tokens, known = tokens_of(CN, [encode(CN, text)])
    assert "".join(ALPHABET[number] for number in tokens[0]) == text
    assert known.all()


def test_what_is_unknown_is_masked_and_what_shows_no_plate_is_empty():
    length = CN.index("length")
    cut = encode(CN, "皖A12345")
    cut[length] = -1
    tokens, known = tokens_of(
        CN, [encode(CN, "皖A1?345"), encode(CN, ""), np.full(len(CN.heads), -1), cut]
    )
    assert tokens[0].tolist().count(-1) == 1 and tokens[0, 3] == -1
    assert tokens[0, 7] == 0
    assert not tokens[1].any()
    assert known.tolist() == [True, True, False, True]
    # Without a known length the text ends with its last known character.
    assert "".join(ALPHABET[number] for number in tokens[3]) == "皖A12345"


def test_two_rows_are_those_that_are_labelled_so():
    labels = [
        encode(CN, "皖A1234挂", rows=2),
        encode(CN, "皖A12345", rows=1),
        encode(CN, "皖A12345"),
    ]
    found = Tokens(CN)(np.stack(labels).astype("int32"))
    assert np.array(found.two_rows).tolist() == [True, False, False]


def test_a_schema_without_lengths_has_texts_of_one_length():
    heads = (Head("a", "character", ("X", None)), Head("b", "character", ("X", "Y")))
    schema = LabelSchema("short", heads)
    labels = np.array([[0, 1], [1, 0], [-1, -1]], "int32")
    tokens, known = tokens_of(schema, list(labels))
    assert not np.array(Tokens(schema)(labels).two_rows).any()
    assert tokens.tolist()[:2] == [[1, 2], [-1, 1]]
    assert known.tolist() == [True, True, False]


def test_equal_characters_want_blanks_between_them():
    assert most_steps(CN) == 15

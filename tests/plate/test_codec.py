"""Texts to labels and back, and softmax outputs to text."""

from __future__ import annotations

import math

import numpy as np
import pytest
from chepai.errors import InputError
from chepai.plate.codec import decode, describe, encode
from chepai.plate.grammar import is_possible
from chepai.plate.schema import Head, LabelSchema, load_schema

CN = load_schema("cn")
ORIGINAL = load_schema("original")
# One of each kind and of each oddity.
PLATES = (
    "京A12345", "粤OA2160", "皖AA88888", "沪AD10868", "赣B12345D", "桂B0991警",
    "粤Z554D港", "粤Z554D澳", "沪A1639领", "使123456", "123456使", "京A1234学",
    "渝B8333挂", "BS13107", "海O00000", "WJ粤0033X", "WJ京12345", "民航B0150",
    "MA1234", "M1234",
)  # fmt: skip


def outputs(schema: LabelSchema, batch: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        head.name: rng.dirichlet(np.ones(head.width) / 8, batch).astype(np.float32)
        for head in schema.heads
    }


def certain(schema: LabelSchema, text: str, share: float = 0.9) -> dict[str, np.ndarray]:
    """Outputs that give each class of `text` the probability `share`, the rest the others."""
    label = encode(schema, text, schema.head_of("colour").classes[0])
    found = {}
    for value, head in zip(label, schema.heads, strict=True):
        row = np.full(head.width, (1 - share) / (head.width - 1), np.float32)
        row[max(value, 0)] = share
        found[head.name] = row[None]
    return found


def test_the_originals_sample_line_is_its_plate():
    labels = [15, 1, 12, 6, 27, 7, 6, -1, 0, 0]
    assert describe(ORIGINAL, labels) == ("鲁BC6T76", "blue", None)
    assert encode(ORIGINAL, "鲁BC6T76", "blue").tolist() == labels


def test_an_original_plate_of_eight_characters():
    # By the table: 京 0, A 0, D 13, 1, 2, 3, 4, digit 5 in head 8, eight characters 1, green 2.
    labels = encode(ORIGINAL, "京AD12345", "green")
    assert labels.tolist() == [0, 0, 13, 1, 2, 3, 4, 5, 1, 2]
    assert labels.dtype == np.int32


@pytest.mark.parametrize("text", PLATES)
def test_every_kind_of_plate_survives_the_labels(text: str):
    labels = encode(CN, text, "white", 2)
    assert describe(CN, labels) == (text, "white", 2)
    assert (labels[len(text) : 8] == -1).all()


def test_an_unknown_character_is_masked_and_read_back():
    labels = encode(CN, "京A1?345")
    assert labels[3] == -1
    assert labels[-2:].tolist() == [-1, -1]
    assert describe(CN, labels).text == "京A1?345"


def test_no_plate_is_the_length_none():
    labels = encode(CN, "")
    assert labels.tolist() == [-1] * 8 + [0, -1, -1]
    assert describe(CN, labels).text == ""
    with pytest.raises(InputError, match="no class for pictures without a plate"):
        encode(ORIGINAL, "")


def test_a_masked_length_ends_at_the_last_known_character():
    assert describe(ORIGINAL, [15, 1, 12, 6, 27, 7, 6, -1, -1, -1]).text == "鲁BC6T76"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("京A1234I", "no 'I' at position 7"),
        ("粤BO1234", "no 'O' at position 3"),
        ("京A12", "has 4 characters; the schema cn has 5, 6, 7, 8"),
    ],
)
def test_what_a_schema_cannot_spell_is_named(text: str, sentence: str):
    with pytest.raises(InputError, match=sentence):
        encode(CN, text)


def test_wrong_colours_and_labels_are_named():
    with pytest.raises(InputError, match="no colour 'pink'"):
        encode(CN, "京A12345", "pink")
    with pytest.raises(InputError, match=r"class 34 of the head class_3 is out of range: 0 to 33"):
        describe(ORIGINAL, [0, 0, 34, 0, 0, 0, 0, -1, 0, 0])
    with pytest.raises(InputError, match="3 labels"):
        describe(ORIGINAL, [0, 0, 0])


def test_a_spare_class_reads_as_unknown():
    assert describe(ORIGINAL, [33, 0, 0, 0, 0, 0, 0, -1, 0, 0]).text == "?A00000"


@pytest.mark.parametrize("constrain", [True, False])
@pytest.mark.parametrize("text", PLATES)
def test_clear_outputs_are_read(text: str, constrain: bool):
    (plate,) = decode(CN, certain(CN, text), constrain)
    assert plate.text == text
    assert plate.confidence == pytest.approx(0.9)
    assert [character for character, _ in plate.characters] == list(text)
    assert plate.colour == "blue"


def test_the_confidence_is_the_smallest_of_characters_and_length():
    probabilities = certain(CN, "京A12345")
    probabilities["char_4"] = probabilities["char_4"] * 0.5
    (plate,) = decode(CN, probabilities)
    assert plate.confidence == pytest.approx(0.45)
    assert plate.characters[3] == ("2", pytest.approx(0.45))
    probabilities["length"] = np.array([[0.6, 0.05, 0.05, 0.2, 0.1]], np.float32)
    (plate,) = decode(CN, probabilities)
    assert plate.text == "京A12345"
    assert plate.confidence == pytest.approx(0.2)  # "none" is likelier, but is never read


def test_beyond_the_length_nothing_counts():
    probabilities = certain(CN, "京A12345")
    probabilities["char_8"] = np.full((1, 34), 1 / 34, np.float32)
    assert decode(CN, probabilities)[0].confidence == pytest.approx(0.9)


def test_the_grammar_corrects_an_impossible_character():
    probabilities = certain(CN, "京A12345")
    letter, digit = CN.heads[1].indices["B"], CN.heads[1].indices["8"]
    probabilities["char_2"][:] = 0
    probabilities["char_2"][0, [digit, letter]] = 0.6, 0.4
    assert decode(CN, probabilities, constrain=False)[0].text == "京812345"
    (plate,) = decode(CN, probabilities)
    assert plate.text == "京B12345"
    assert plate.confidence == pytest.approx(0.4)


def test_a_raw_reading_that_is_no_plate_is_flagged():
    probabilities = certain(CN, "京A12345")
    assert decode(CN, probabilities)[0].raw_valid
    digit, letter = CN.heads[1].indices["8"], CN.heads[1].indices["B"]
    probabilities["char_2"][:] = 0
    probabilities["char_2"][0, [digit, letter]] = 0.6, 0.4
    constrained, raw = (decode(CN, probabilities, constrain)[0] for constrain in (True, False))
    assert (constrained.text, constrained.raw_valid) == ("京B12345", False)
    assert (raw.text, raw.raw_valid) == ("京812345", False)


@pytest.mark.parametrize("schema", [CN, ORIGINAL], ids=lambda schema: schema.name)
def test_the_flag_is_what_the_grammar_says_of_the_raw_text(schema: LabelSchema):
    probabilities = outputs(schema, 300, seed=2)
    for text in ("京A12345", "皖AA88888"):
        clear = certain(schema, text, 0.7)
        probabilities = {
            name: np.concatenate([values, clear[name]]) for name, values in probabilities.items()
        }
    raw = decode(schema, probabilities, constrain=False)
    flags = [plate.raw_valid for plate in raw]
    assert flags == [is_possible(plate.text, schema) for plate in raw]
    assert True in flags and False in flags
    for free, constrained in zip(raw, decode(schema, probabilities), strict=True):
        assert constrained.raw_valid == free.raw_valid == (constrained.text == free.text)
        assert is_possible(constrained.text, schema)


def likeliest_by_hand(schema: LabelSchema, probabilities: dict, row: int) -> tuple[float, set[str]]:
    """Tries every kind with plain loops; the best score and the texts that reach it."""
    best, texts = -math.inf, set()
    length_head = schema.head_of("length")
    for kind in schema.kinds:
        column = length_head.indices[str(len(kind.positions))]
        score = math.log(max(probabilities[length_head.name][row, column], 1e-30))
        text = ""
        for allowed, head in zip(kind.positions, schema.characters, strict=False):
            values = {name: probabilities[head.name][row, head.indices[name]] for name in allowed}
            name = max(values, key=values.get)
            text += name
            score += math.log(max(values[name], 1e-30))
        if score > best + 1e-4:
            best, texts = score, {text}
        elif score > best - 1e-4:
            texts.add(text)
    return best, texts


@pytest.mark.parametrize("schema", [CN, ORIGINAL], ids=lambda schema: schema.name)
def test_constrained_reading_is_the_likeliest_allowed_text(schema: LabelSchema):
    probabilities = outputs(schema, 200)
    plates = decode(schema, probabilities)
    kinds = set()
    for row, plate in enumerate(plates):
        assert plate.text in likeliest_by_hand(schema, probabilities, row)[1]
        for (character, confidence), head in zip(plate.characters, schema.characters, strict=False):
            column = head.indices[character]
            assert confidence == pytest.approx(probabilities[head.name][row, column])
        kinds |= {kind.name for kind in schema.kinds if kind.matches(plate.text)}
    assert len(kinds) > 5


@pytest.mark.parametrize("schema", [CN, ORIGINAL], ids=lambda schema: schema.name)
def test_spare_classes_are_never_read(schema: LabelSchema):
    probabilities = outputs(schema, 50)
    for head in schema.heads:
        spare = [index for index, name in enumerate(head.classes) if name is None]
        probabilities[head.name][:, spare] = 1.0
    for constrain in (True, False):
        assert not any("?" in plate.text for plate in decode(schema, probabilities, constrain))


def test_a_batch_reads_like_its_plates_one_by_one():
    probabilities = outputs(CN, 20, seed=1)
    alone = [
        decode(CN, {name: values[i : i + 1] for name, values in probabilities.items()})[0]
        for i in range(20)
    ]
    assert decode(CN, probabilities) == alone


def test_a_schema_without_kinds_or_length_reads_all_its_characters():
    schema = LabelSchema("two", tuple(Head(name, "character", ("A", "B")) for name in "xy"))
    probabilities = {"x": np.array([[0.7, 0.3]]), "y": np.array([[0.2, 0.8]])}
    (plate,) = decode(schema, probabilities)
    assert (plate.text, plate.colour, plate.rows) == ("AB", None, None)
    assert plate.confidence == pytest.approx(0.7)
    assert plate.raw_valid  # nothing is forbidden
    assert describe(schema, encode(schema, "BA")).text == "BA"


def test_a_missing_or_misshapen_output_is_named():
    probabilities = outputs(CN, 2)
    with pytest.raises(InputError, match="'char_3' should have the shape"):
        decode(CN, probabilities | {"char_3": probabilities["char_3"][:, 1:]})
    del probabilities["length"]
    with pytest.raises(InputError, match=r"'length'.*received nothing"):
        decode(CN, probabilities)


@pytest.mark.parametrize("head", ["char_1", "char_3", "length"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_read_with_no_confidence(head: str, value: float):
    probabilities = {
        name: np.eye(values.shape[1], dtype=np.float32)[values.argmax(1)]
        for name, values in outputs(CN, 3).items()
    }
    before = decode(CN, probabilities, constrain=False)
    broken = probabilities[head].copy()
    broken[1] = value
    after = decode(CN, probabilities | {head: broken}, constrain=False)
    assert after[1].confidence == 0
    assert (after[0], after[2]) == (before[0], before[2])

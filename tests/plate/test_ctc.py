"""Decoding of columns, against all paths one by one and against Keras."""

from __future__ import annotations

import numpy as np
import pytest
from chepai.plate import ctc
from chepai.plate.schema import Head, Kind, LabelSchema, load_schema
from chepai.plate.text_grammar import TextGrammar
from paths import by_text, softmaxes, text_probability


@pytest.fixture(scope="module")
def letters() -> LabelSchema:
    """Texts AB, BA, AA and B, of the alphabet A, B."""
    sets = [frozenset("AB"), frozenset("A"), frozenset("B")]
    kinds = (
        Kind("first", (sets[0], sets[1]), None, ()),
        Kind("second", (sets[1], sets[2]), None, ()),
        Kind("third", (sets[2],), None, ()),
    )
    heads = (
        Head("char_1", "character", ("A", "B")),
        Head("char_2", "character", ("A", "B")),
        Head("length", "length", ("none", "1", "2")),
    )
    return LabelSchema("letters", heads, kinds)


def keras_decode(probabilities: np.ndarray, **options: object) -> list[tuple[int, ...]]:
    keras = pytest.importorskip("keras")
    logs = np.log(probabilities).astype("float32")
    lengths = np.full(len(logs), logs.shape[1], "int32")
    decoded, _ = keras.ops.ctc_decode(logs, lengths, mask_index=0, **options)
    rows = keras.ops.convert_to_numpy(decoded)[0]
    return [tuple(int(number) for number in row if number >= 0) for row in rows]


def test_greedy_reading_drops_repetitions_and_blanks():
    columns = np.eye(4)[[[1, 1, 0, 1, 2, 0], [0, 0, 0, 0, 0, 0], [3, 2, 2, 3, 3, 3]]] * 0.9
    columns[0, 1, 1] = 0.95
    read = ctc.read_greedily(columns)
    assert [one.text for one in read] == [(1, 1, 2), (), (3, 2, 3)]
    assert read[0].confidences == pytest.approx([0.95, 0.9, 0.9])
    assert read[1].confidences == []


def test_greedy_reading_is_kerass():
    columns = softmaxes((64, 18, 12), seed=1)
    read = [one.text for one in ctc.read_greedily(columns)]
    assert read == keras_decode(columns, strategy="greedy")


def test_beam_search_is_kerass_where_it_is_clear_and_a_wider_one_finds_no_less_likely_text():
    clear = softmaxes((24, 12, 9), seed=2, sharpness=4.0)
    read = [ctc.search_beam(plate, 30)[0][0] for plate in clear]
    assert read == keras_decode(clear, strategy="beam_search", beam_width=30)
    vague = softmaxes((24, 12, 9), seed=2, sharpness=1.5)
    theirs = keras_decode(vague, strategy="beam_search", beam_width=30)
    ours = [ctc.search_beam(plate, 30)[0][0] for plate in vague]
    assert ours != [one.text for one in ctc.read_greedily(vague)]
    assert sum(map(tuple.__eq__, ours, theirs)) >= 20
    for plate, other in zip(vague[:8], theirs[:8], strict=True):
        wide = ctc.search_beam(plate, 150)[0][0]
        assert text_probability(plate, wide) >= text_probability(plate, other)


def test_a_wide_beam_finds_the_exact_probabilities():
    plate = softmaxes((5, 4), seed=3)
    wanted = {text: sum(paths) for text, paths in by_text(plate).items()}
    found = {text: value for text, value in ctc.search_beam(plate, 1000, 1000) if value}
    assert found.keys() == wanted.keys()
    for text, value in wanted.items():
        assert found[text] == pytest.approx(value, rel=1e-9)
        assert text_probability(plate, text) == pytest.approx(value, rel=1e-9)
    best = max(wanted, key=lambda text: wanted[text])
    assert ctc.search_beam(plate, 1000)[0][0] == best


@pytest.mark.parametrize("seed", range(20))
def test_the_grammars_reading_is_the_text_of_the_likeliest_path_that_writes_a_plate(
    seed: int, letters: LabelSchema
):
    grammar = TextGrammar(letters)
    plate = softmaxes((5, 3), seed=seed, sharpness=3.0)
    plates = {text: max(paths) for text, paths in by_text(plate).items() if grammar.accepts(text)}
    assert plates.keys() == {(1, 2), (2, 1), (1, 1), (2,)}
    assert ctc.read_by_grammar(plate, grammar) == max(plates, key=lambda text: plates[text])


def test_what_greedy_reading_makes_a_plate_of_the_grammar_leaves_alone():
    schema = load_schema("cn")
    grammar = TextGrammar(schema)
    number = {name: i + 1 for i, name in enumerate(grammar.alphabet)}
    rng = np.random.default_rng(5)
    for text in ("皖AA88888", "粤BD12345", "M1234", "WJ京00000", "使777777"):
        columns = np.full((18, len(number) + 1), 1e-3)
        for place, character in enumerate(text):
            columns[2 * place, number[character]] = 0.9
        columns[1 : 2 * len(text) : 2, 0] = 0.9
        columns[2 * len(text) - 1 :, 0] = 0.9
        columns *= rng.uniform(0.9, 1.0, columns.shape)
        greedy = ctc.read_greedily(columns[None])[0].text
        assert greedy == tuple(number[character] for character in text)
        assert grammar.accepts(greedy)
        assert ctc.read_by_grammar(columns, grammar) == greedy


def test_characters_are_as_sure_as_on_their_surest_column():
    columns = softmaxes((40, 9, 5), seed=6, sharpness=3.0)
    for plate, greedy in zip(columns, ctc.read_greedily(columns), strict=True):
        assert ctc.character_confidences(plate, greedy.text) == pytest.approx(greedy.confidences)
    plate = np.array([[0.1, 0.8, 0.1], [0.2, 0.3, 0.5], [0.7, 0.2, 0.1]])
    # The likeliest path that writes (1, 1) is 1, blank, 1.
    assert ctc.character_confidences(plate, (1, 1)) == pytest.approx([0.8, 0.2])
    assert ctc.character_confidences(plate, ()) == []


def test_lengths_are_as_probable_as_all_paths_that_write_so_many():
    columns = softmaxes((3, 6, 4), seed=7)
    found = ctc.length_probabilities(columns, 4)
    for plate, row in zip(columns, found, strict=True):
        wanted = np.zeros(7)
        for text, paths in by_text(plate).items():
            wanted[len(text)] += sum(paths)
        np.testing.assert_allclose(row, wanted[:5], atol=1e-12)

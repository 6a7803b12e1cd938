"""From a recogniser's outputs, whichever its family, to plates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from . import ctc
from .alphabet import TEXT, alphabet_of, output_sizes
from .codec import DecodedPlate, best_names, decode, real_numbers
from .schema import LabelSchema
from .text_grammar import grammar_of


def decode_outputs(
    schema: LabelSchema,
    family: str,
    outputs: Mapping[str, np.ndarray],
    constrain: bool = True,
    beam: int = 0,
) -> list[DecodedPlate]:
    """Reads a batch.

    Args:
        schema: what the outputs mean.
        family: `multi_label`, `ctc` or `attention`, as a model's card names it.
        outputs: as the family has them: see `alphabet.output_sizes`.
        constrain: whether only texts that the schema's kinds allow are read.
        beam: of `ctc`: prefixes that a beam search keeps; 0: the likeliest class of each column.

    Raises:
        InputError: an output is missing or of another size, or a beam is asked of other families.
    """
    if family == "ctc":
        return decode_columns(schema, outputs, constrain, beam)
    if beam:
        raise InputError(f"a beam is for recognisers of family ctc; this one is {family}")
    return decode(schema, outputs, constrain)


def decode_columns(
    schema: LabelSchema, outputs: Mapping[str, np.ndarray], constrain: bool, beam: int = 0
) -> list[DecodedPlate]:
    """Reads what a recogniser of columns puts out.

    The text is the likeliest path's, or of a beam the likeliest; with `constrain`, where that is
    no plate, the likeliest path's of those that write a plate. A character is as sure as its
    surest column, the length as all paths that write so many characters together; the smallest of
    them is the plate's confidence, and 0 where no character is read.

    Args:
        schema: the kinds, and the alphabet.
        outputs: `text` float [batch, columns, classes], colour and rows float [batch, width].
        constrain, beam: as of `decode_outputs`.
    """
    columns = outputs.get(TEXT)
    classes = output_sizes(schema, "ctc")[TEXT]
    if columns is None or columns.ndim != 3 or columns.shape[2] != classes:
        got = "nothing" if columns is None else f"shape {columns.shape}"
        raise InputError(
            f"the output {TEXT!r} should have the shape [batch, columns, {classes}]; received {got}"
        )
    columns = real_numbers(columns)
    grammar = grammar_of(schema)
    found = _found(columns, beam)
    valid = [grammar.accepts(text) for text, _ in found]
    if constrain:
        found = [
            one if good else _sure(plate, ctc.read_by_grammar(plate, grammar))
            for plate, one, good in zip(columns, found, valid, strict=True)
        ]
    longest = max(schema.max_length, *(len(text) for text, _ in found))
    lengths = ctc.length_probabilities(columns, longest).tolist()
    colours = best_names(schema, "colour", outputs, len(columns))
    rows = best_names(schema, "rows", outputs, len(columns))
    alphabet = alphabet_of(schema)
    plates = []
    for (text, values), good, length, colour, row in zip(
        found, valid, lengths, colours, rows, strict=True
    ):
        names = [alphabet[number - 1] for number in text]
        confidence = min(length[len(text)], *values) if text else 0.0
        characters = tuple(zip(names, values, strict=True))
        number = None if row is None else int(row)
        plates.append(DecodedPlate("".join(names), confidence, characters, colour, number, good))
    return plates


def _found(columns: np.ndarray, beam: int) -> list[ctc.Greedy]:
    if not beam:
        return ctc.read_greedily(columns)
    return [_sure(plate, ctc.search_beam(plate, beam)[0][0]) for plate in columns]


def _sure(plate: np.ndarray, text: ctc.Text) -> ctc.Greedy:
    return ctc.Greedy(text, ctc.character_confidences(plate, text))

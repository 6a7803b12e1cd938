"""What our own parsers make of strangers' bytes, without atheris: whole inputs and changed ones."""

from __future__ import annotations

import json
import random

import pytest

pytest.importorskip("PIL", reason="the extra render is absent")

import fuzz_python
from chepai.inference.model_card import ModelCard
from chepai.plate.schema_file import parse_schema
from chepai.yaml_text import parse_yaml
from fuzz_seeds import mutate_values, seeds

COUNT = {"labels": 500, "yaml": 500}  # inputs; these cost milliseconds each
MOST = 4096


class Flipping:
    """Stands for atheris where bytes have to be changed."""

    def Mutate(self, data: bytes, most: int) -> bytes:  # noqa: N802  (atheris's name)
        moments, changed = random.Random(data), bytearray(data)
        for _ in range(4):
            changed[moments.randrange(len(changed))] = moments.randrange(256)
        return bytes(changed[:most])


@pytest.mark.parametrize("target", fuzz_python.TARGETS)
def test_parsers_raise_nothing_but_refusals(target: str):
    if target == "form":
        pytest.importorskip("python_multipart", reason="the extra serve is absent")
    attempt = getattr(fuzz_python, f"_{target}")()
    whole = seeds(target)
    for data in whole:
        attempt(data)
    for number in range(COUNT.get(target, 3000)):
        attempt(mutate_values(whole[number % len(whole)], MOST, number, Flipping()))


def test_whole_inputs_are_whole():
    """Else mutations of them would all end at the same first refusal."""
    assert all(ModelCard.from_json(card.decode(), "it").output_sizes for card in seeds("card"))
    schemas = [parse_yaml(text.decode(), "it") for text in seeds("yaml") if b"heads" in text]
    assert len(schemas) > 2 and all(parse_schema(values).heads for values in schemas)


def test_values_are_exchanged_anywhere_and_stay_json():
    [card, *_] = seeds("card")
    changed = [mutate_values(card, MOST, number, Flipping()) for number in range(100)]
    assert changed == [mutate_values(card, MOST, number, Flipping()) for number in range(100)]
    other = []
    for data in changed:
        try:
            other.append(json.loads(data))
        except ValueError:
            continue
    assert len(other) > 60
    for key in ModelCard.__dataclass_fields__:
        assert any(values.get(key) != json.loads(card)[key] for values in other), key

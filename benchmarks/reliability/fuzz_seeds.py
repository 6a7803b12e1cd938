"""Whole inputs for `fuzz_python.py`, which atheris mutates: so it gets beyond the first bytes."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from chepai.inference.calibration import Calibration
from chepai.inference.model_card import ModelCard
from chepai.plate.schema import SCHEMA_FOLDER, Head, Kind, LabelSchema
from chepai.yaml_text import parse_yaml

_MOST = 4096  # bytes of a seed: larger ones make every run slower
# What a value may be changed to.
_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2**31, 10**400, 1e308, float("inf"), float("nan"), "", "x", "\ud800",
    "\0", "京", "9" * 500, [], [None], [[]], {}, {"": None}, ["京"] * 30, [{"name": "x"}],
)  # fmt: skip
_TABLES = (
    "file\ttext\tcolour\trows\na.jpg\t京A·12345\tblue\t1\nb.jpg\t渝B8333挂\tyellow-double-row\t?\n",
    'image_path,plate_text\na.jpg,京A12345\n"b,c.jpg",沪A1639领\n',
    "a.jpg\t京A12345\nsub/b.jpg\t\n",
    "鲁BC6T76.jpg 15 1 12 6 27 7 6 -1 0 0\r\nmy car.jpg 15 1 12 6 27 7 6 -1 0 0\r\n",
)
_SCHEMA = """name: small
sets: {letter: ABC, digit: "0123456789"}
heads:
  - {name: char_1, role: character, classes: letter spare*2}
  - {name: char_2, role: character, classes: digit}
  - {name: length, role: length, classes: 1 2}
kinds:
  - {name: all, text: letter digit, colour: blue, rows: [1]}
"""
_FORMS = (
    b'Content-Disposition: form-data; name="img"; filename="a.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xd9\r\n--xx--\r\n",
    b'Content-Disposition: form-data; name="img"\r\n\r\nx\r\n--xx\r\n'
    b'Content-Disposition: form-data; name="rect"\r\n\r\n0,0,9,9.5\r\n--xx--\r\n',
    b"Content-Disposition: form-data; name*=UTF-8''img; filename*=UTF-8''%E4%BA%AC.jpg\r\n"
    b"\r\n\r\n--xx--\r\n",
)


def seeds(target: str) -> list[bytes]:
    """Whole inputs of one of its targets."""
    found: list[bytes] = _SEEDS[target]()
    return [data for data in found if len(data) <= _MOST]


def mutate_values(data: bytes, most: int, seed: int, fuzzer: Any) -> bytes:
    """JSON with another value somewhere in it, or, one time in four, with other bytes.

    Args:
        data: the input.
        most: bytes of its mutation.
        seed: of the choice.
        fuzzer: the module atheris, whose `Mutate` changes bytes.
    """
    moments = random.Random(seed)
    try:
        values = json.loads(data)
    except (ValueError, RecursionError):
        return bytes(fuzzer.Mutate(data, most))
    if not isinstance(values, (dict, list)) or moments.random() < 0.25:
        return bytes(fuzzer.Mutate(data, most))
    for _ in range(moments.randint(1, 3)):
        _change(values, moments)
    # Half a pair of UTF-16 is no UTF-8; as an escape it is JSON.
    return json.dumps(values, ensure_ascii=moments.random() < 0.5).encode("utf-8", "replace")[:most]


def _change(values: Any, moments: random.Random) -> None:
    """Walks down at random, and exchanges or removes what it ends at."""
    keys = list(values) if isinstance(values, dict) else list(range(len(values)))
    if not keys:
        return
    key = moments.choice(keys)
    below = values[key]
    if isinstance(below, (dict, list)) and below and moments.random() < 0.8:
        _change(below, moments)
    elif moments.random() < 0.2:
        del values[key]
    else:
        values[key] = copy.deepcopy(moments.choice(_ODD))


def _pictures() -> list[bytes]:
    from picture_seeds import seeds as pictures

    return list(pictures().values())


def _cards() -> list[bytes]:
    heads = (
        Head("char_1", "character", ("京", "A", None)),
        Head("char_2", "character", ("0", "1")),
        Head("length", "length", ("none", "2")),
        Head("rows", "rows", ("1", "2")),
    )
    kind = Kind("blue", (frozenset("京"), frozenset("01")), None, (1,))
    schema = LabelSchema("small", heads, (kind,))
    calibration = Calibration({"char_1": 1.5}, 0.9, 0.999, 0.95, True, 100, 90, 0, 0.9)
    cards = (
        ModelCard("a", schema, 48, 144, versions={"chepai": "1"}),
        ModelCard("b", schema, 48, 144, calibration=calibration, precision="int8", preset="fast"),
        ModelCard("c", schema, 32, 96, family="ctc"),
    )
    return [card.to_json().encode() for card in cards]


def _settings() -> list[bytes]:
    """As people write them, and the small ones as JSON, which is YAML too."""
    texts = [
        "train: {epochs: 5, batch_size: 32}\nmodel:\n  backbone: resnet18\nschema: cn\n",
        "model: {backbone_options: {widths: [8, 8]}}\noptimizer: {ema: 0.9}\ndata: {workers: 1}\n",
        _SCHEMA,
    ]
    values = [json.dumps(parse_yaml(text, "it")) for text in texts]
    texts.append("a: &a [1, 2]\nb: *a\nc: {<<: {d: 1e3}, e: !!str 5}\n")
    schemas = [file.read_bytes() for file in SCHEMA_FOLDER.glob("*.yaml")]
    return [*map(str.encode, (*texts, *values)), *schemas]


_SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "header": _pictures,
    "labels": lambda: [text.encode() for text in _TABLES] + [_TABLES[0].encode("utf-16")],
    "yaml": _settings,
    "card": _cards,
    "form": lambda: list(_FORMS),
    "rectangles": lambda: [b"1,2,30,40", b"0,0,9.5,1e2,-5,-5,7,7", b" 1 , 2 ,3,4"],
    "list": lambda: ["a.jpg\nsub/京A12345.jpg\r\n\n".encode(), b"\xef\xbb\xbfa b.tar\n\xff\xfe\n"],
}

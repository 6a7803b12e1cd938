"""Configurations and schemas of strangers: no bomb goes off, each fault has its line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from chepai.configs import load_config, override_config, read_config
from chepai.errors import InputError
from chepai.plate.schema import LabelSchema, load_schema
from chepai.yaml_text import MOST_BYTES, parse_yaml, read_yaml

_LISTS = "".join(f"l{i + 1}: &l{i + 1} [{', '.join([f'*l{i}'] * 9)}]\n" for i in range(9))
LAUGHS = f"l0: &l0 [ha, ha, ha]\n{_LISTS}"
_MAPS = "".join(f"m{i + 1}: &m{i + 1} {{<<: [{', '.join([f'*m{i}'] * 9)}]}}\n" for i in range(9))
MERGES = f"m0: &m0 {{a: 1}}\n{_MAPS}"
HEAD = "heads: [{name: a, role: character, classes: "

FAULTS = {
    "laughs": (LAUGHS + "train: {epochs: *l9}", "more than 100000 values"),
    "merged laughs": (MERGES, "more than 100000 values"),
    "a ring": ("train: &a\n  epochs: *a", "more than 100000 values"),
    "deep": ("[" * 5000, "line 1: it is nested more than 64 deep"),
    "deep maps": ("a: 1\nb: " + "{a: " * 5000, "line 2: it is nested"),
    "an object": ("a: 1\nb: !!python/object/apply:os.system [ls]", "line 2: could not determine"),
    "a long number": ("\ntrain: {epochs: " + "1" * 5000 + "}", "line 2: not a value"),
    "no day": ("a: 2001-99-99", "line 1: not a value"),
    "no time": ("a: !!timestamp x", "line 1: not a value"),
    "no truth": ("\n\na: !!bool x", "line 3: not a value"),
    "a list": ("- a", "a YAML mapping was expected"),
    "nothing": ("", "a YAML mapping was expected"),
    "a text": ("hello", "a YAML mapping was expected"),
    "unfinished": ("a: 1\nb: [", "line 2"),
    "null byte": ("a: \0", "special characters"),
    "too long": ("# " + "x" * MOST_BYTES, f"longer than {MOST_BYTES} bytes"),
    "unknown preset": ("preset: [1, 2]", "unknown preset"),
    "wrong section": ("model: {}\nseed: 1", "line 2: seed"),
    "wrong kind": ("preset: quick\nmodel: hello", "line 2: model: Input should be"),
    "wrong value": ("train:\n  seed: 1\n  epochs: many", "line 3: train.epochs: Input should be"),
    "wrong item": ("data:\n  train:\n    - a\n    - [b]", "line 4: data.train.1: Input should be"),
    "number as a key": ("1: 2", "line 1: 1: Keys should be strings"),
    "without end": ("optimizer:\n  learning_rate: .inf", "line 2: optimizer.learning_rate"),
    "twice": ("train:\n  epochs: 1\n  epochs: 2", "line 3: 'epochs' stands in line 2 already"),
    "twice at the top": (
        "train: {}\nseed: 1\ntrain: {}",
        "line 3: 'train' stands in line 1 already",
    ),
    "too large": ("train: {batch_size: 99999999999999999999}", "line 1: train.batch_size"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_configuration_is_refused_in_one_sentence_with_its_file(name: str, tmp_path: Path):
    text, wanted = FAULTS[name]
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    start = time.process_time()
    with pytest.raises(InputError) as error:
        load_config("quick", file)
    assert time.process_time() - start < 5
    sentence = str(error.value)
    assert wanted in sentence and "\n" not in sentence and len(sentence) < 1100
    assert "config.yaml" in sentence or "preset" in name


def test_a_resolved_configuration_names_its_line_too(tmp_path: Path):
    file = tmp_path / "config.yaml"
    file.write_text("preset: quick\ntrain:\n  epochs: -1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"config\.yaml, line 3: train\.epochs"):
        read_config(file)


@pytest.mark.parametrize(
    "override",
    ["train.epochs=[", "train.epochs=!!int x", "train.epochs=" + "1" * 5000, "train.epochs=*a",
     "a." * 2000 + "b=1", "train=5", "no equals sign"],
)  # fmt: skip
def test_a_wrong_override_is_one_sentence(override: str):
    with pytest.raises(InputError) as error:
        override_config(load_config(), [override])
    assert len(str(error.value)) < 1100


def test_aliases_that_people_write_still_work():
    text = "a: &a {x: 1, y: [1, 2]}\nb: *a\nc: {<<: *a, x: 2}\n"
    assert parse_yaml(text, "it")["c"] == {"x": 2, "y": [1, 2]}


def test_every_shipped_schema_is_far_below_the_limits():
    folder = Path(__file__).resolve().parents[2] / "plate" / "schemas"
    for file in folder.glob("*.yaml"):
        assert read_yaml(file, "the schema") and file.stat().st_size < MOST_BYTES / 20


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (LAUGHS + HEAD + "*l9}]", "more than 100000 values"),
        (HEAD + '"A*9999999999"}]', "more than 10000 classes"),
        (HEAD + '"spare*9999 spare*9999"}]', "more than 10000 classes"),
        (HEAD + '"A"}]\nkinds: [{name: k, text: "A*9999999999"}]', "more than 10000 classes"),
        (HEAD + '"\\e"}]', "a class is one character"),
        (
            HEAD + '"A"}, {name: l, role: length, classes: "' + "9" * 5000 + '"}]',
            "a class is a number of",
        ),
        ("sets: {aa: AB, bb: aa aa*9999}\n" + HEAD + "bb}]", "more than 10000 classes"),
        ("heads: [" + ", ".join(["{name: a, role: character, classes: A}"] * 2) + "]", "named 'a'"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_a_schema_is_refused_in_one_sentence_with_its_file(text: str, wanted: str, tmp_path: Path):
    file = tmp_path / "odd.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="odd") as error:
        load_schema(file)
    assert wanted in str(error.value) and len(str(error.value)) < 1100


def test_a_stored_schema_of_a_million_classes_is_refused():
    values = load_schema("cn").to_dict()
    values["heads"][0]["classes"] = [chr(0x4E00 + i) for i in range(20_000)]
    with pytest.raises(InputError, match="too many"):
        LabelSchema.from_dict(values)

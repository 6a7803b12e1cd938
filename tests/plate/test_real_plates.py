"""The grammar against photographed plates: every text that was printed on one is possible."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from chepai.plate.codec import describe, encode
from chepai.plate.grammar import is_possible, normalise_text
from chepai.plate.schema import load_schema

CN = load_schema("cn")
# Plates that exist although no kind of the schema `cn` has them: text -> why.
EXCEPTIONS = {"赣0268550": "a tractor's: a province and seven digits"}


@pytest.mark.parametrize("folder", ["fit", "check", "check_ccpd"])
def test_every_photographed_plate_is_possible(shared_data: Path, folder: str):
    file = shared_data / "real_plates" / folder / "labels.tsv"
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    texts = {normalise_text(row["text"], CN) for row in rows}
    assert len(texts) > 100
    impossible = sorted(text for text in texts if not is_possible(text, CN))
    assert [text for text in impossible if text not in EXCEPTIONS] == []
    for text in texts:
        assert describe(CN, encode(CN, text)).text == text


def test_the_exceptions_are_exceptions():
    assert [text for text in EXCEPTIONS if is_possible(text, CN)] == []

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from chepai.dataset.synthetic.texts import TextSampler
from chepai.errors import InputError
from chepai.plate.schema import LabelSchema, load_schema

PROVINCES = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"


@pytest.fixture(scope="module")
def drawn():
    sampler = TextSampler(load_schema("cn"))
    rng = np.random.default_rng(0)
    return [sampler.draw(rng) for _ in range(20_000)]


def test_every_text_is_one_of_its_kind(drawn):
    kinds = {kind.name: kind for kind in load_schema("cn").kinds}
    for plate in drawn:
        kind = kinds[plate.kind]
        assert kind.matches(plate.text)
        assert plate.colour == kind.colour
        assert plate.rows in kind.rows


def test_no_kind_is_rare_and_blue_is_the_most_frequent(drawn):
    counts = Counter((plate.kind, plate.rows) for plate in drawn)
    assert {kind for kind, _ in counts} == {kind.name for kind in load_schema("cn").kinds}
    assert min(counts.values()) > 20_000 * 0.007
    assert counts.most_common(1)[0][0] == ("blue", 1)


def test_no_province_and_no_character_of_a_position_is_rare(drawn):
    blue = [plate.text for plate in drawn if plate.kind == "blue"]
    provinces = Counter(text[0] for text in blue)
    assert set(provinces) == set(PROVINCES)
    assert min(provinces.values()) > 0.7 * len(blue) / 31
    for position in range(2, 7):
        marks = Counter(text[position] for text in blue)
        assert len(marks) == 34
        assert min(marks.values()) > 0.3 * len(blue) / 34


def test_a_wanted_kind_is_drawn():
    sampler = TextSampler(load_schema("cn"))
    for name in sampler.names:
        assert sampler.draw(np.random.default_rng(1), name).kind == name


def test_a_schema_without_kinds_is_refused():
    schema = load_schema("cn")
    with pytest.raises(InputError, match="names no kinds"):
        TextSampler(LabelSchema("bare", schema.heads))


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_plates_of_two_rows_have_the_share_that_is_asked_for(share: float):
    sampler = TextSampler(load_schema("cn"), two_rows=share)
    rng = np.random.default_rng(3)
    plates = [sampler.draw(rng) for _ in range(2000)]
    assert np.mean([plate.rows == 2 for plate in plates]) == pytest.approx(share, abs=0.04)
    # Within each number of rows kinds stay as frequent among one another as they were.
    counts = Counter(plate.kind for plate in plates if plate.rows == 2)
    assert share == 0 or counts["yellow"] > 3 * counts["macau"] > 0


def test_rows_that_no_kind_of_the_schema_has_are_refused():
    schema = load_schema("cn")
    blue = LabelSchema("blue", schema.heads, schema.kinds[:1])
    assert TextSampler(blue, two_rows=0.0).draw(np.random.default_rng(1)).kind == "blue"
    with pytest.raises(InputError, match=r"two_rows=0.5: the schema has no kind of two rows"):
        TextSampler(blue, two_rows=0.5)

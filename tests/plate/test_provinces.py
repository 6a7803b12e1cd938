"""What is expected of provinces: Bayes by hand, shares found again, and what is no share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from chepai.errors import InputError
from chepai.plate.provinces import (
    PROVINCES,
    ProvinceShares,
    estimate_provinces,
    first_character,
    read_provinces,
)
from chepai.plate.schema import Head, LabelSchema, load_schema

CN = load_schema("cn")
FIRST, PLACES = first_character(CN)
HOME = {"皖": 0.7, "苏": 0.2, "沪": 0.05}


def answers(provinces: np.ndarray, plate: float | np.ndarray = 1.0) -> dict[str, np.ndarray]:
    """A model's, of which the 31 columns `provinces` are known; the rest is of other characters."""
    first, length = (np.zeros((len(provinces), h.width)) for h in (CN.heads[0], CN.heads[8]))
    first[:, PLACES] = provinces
    first[:, CN.heads[0].indices["A"]] = 1 - provinces.sum(1)
    length[:, CN.heads[8].indices["none"]] = 1 - plate
    length[:, CN.heads[8].indices["7"]] = plate
    return {FIRST: first, "length": length}


def simulated(shares: np.ndarray, pictures: int, seed: int) -> np.ndarray:
    """What the best possible reader of noisy pictures says, who expects all provinces equally."""
    random = np.random.default_rng(seed)
    truth = random.choice(len(PROVINCES), pictures, p=shares)
    # A picture is a number for each province, of variance 1 and higher by 2 for the true one.
    seen = random.normal(size=(pictures, len(PROVINCES)))
    seen[np.arange(pictures), truth] += 2
    likelihood = np.exp(2 * seen)
    return likelihood / likelihood.sum(1, keepdims=True)


def test_expected_provinces_weigh_by_bayes():
    one = np.zeros((1, 31))
    one[0, [PROVINCES.index("皖"), PROVINCES.index("浙")]] = 0.4, 0.5
    expected = ProvinceShares.of({"皖": 0.7})
    weighed = expected.weigh(CN, answers(one))
    # 0.4 * 0.7 * 31 = 8.68; 0.5 * 0.3 / 30 * 31 = 0.155; the letter keeps its 0.1.
    wanted = {"皖": 8.68 / 8.935, "浙": 0.155 / 8.935, "A": 0.1 / 8.935, "京": 0.0}
    for name, value in wanted.items():
        assert weighed[FIRST][0, CN.heads[0].indices[name]] == pytest.approx(value)
    assert weighed[FIRST].sum() == pytest.approx(1)
    np.testing.assert_array_equal(weighed["length"], answers(one)["length"])


def test_equal_provinces_change_nothing():
    given = answers(np.random.default_rng(1).dirichlet(np.ones(32), 20)[:, :31])
    equal = ProvinceShares.of(dict.fromkeys(PROVINCES, 1 / 31))
    np.testing.assert_allclose(equal.weigh(CN, given)[FIRST], given[FIRST], rtol=1e-12)


def test_what_is_not_named_is_divided_equally():
    shares = ProvinceShares.of(HOME).to_dict()
    assert list(shares)[:3] == ["皖", "苏", "沪"]
    assert shares["皖"] == pytest.approx(0.7) and shares["京"] == pytest.approx(0.05 / 28)
    assert sum(shares.values()) == pytest.approx(1)
    assert ProvinceShares.of(shares).is_like(ProvinceShares.of(HOME))
    assert not ProvinceShares.of(HOME).is_like(ProvinceShares.of({"皖": 0.7}))


def test_shares_are_found_again_where_counting_readings_would_miss_them():
    true = ProvinceShares.of(HOME).shares
    belief = simulated(np.array(true), 20_000, seed=2)
    counted = np.bincount(belief.argmax(1), minlength=31) / len(belief)
    found = estimate_provinces(CN, answers(belief)).shares
    assert np.abs(counted - true).max() > 0.1
    assert np.abs(np.array(found) - true).max() < 0.015


def test_the_estimate_is_the_likeliest():
    """At the maximum every share has the same slope; but for the tenth of a plate given to each."""
    belief = simulated(np.array(ProvinceShares.of(HOME).shares), 500, seed=3)
    found = np.array(estimate_provinces(CN, answers(belief)).shares)
    slope = (belief / (belief @ found)[:, None]).sum(0) + 0.1 / found
    np.testing.assert_allclose(slope, 500 + 3.1, rtol=1e-4)


def test_no_province_is_ruled_out_and_pictures_without_a_plate_do_not_count():
    sure = np.zeros((40, 31))
    sure[:10, PROVINCES.index("皖")] = sure[10:, PROVINCES.index("京")] = 1
    plate = np.where(np.arange(40) < 10, 1.0, 0.0)
    shares = estimate_provinces(CN, answers(sure, plate)).to_dict()
    assert shares["皖"] == pytest.approx(10.1 / 13.1)
    assert shares["京"] == pytest.approx(0.1 / 13.1)


def test_shares_are_read_from_an_option_or_a_file(tmp_path: Path):
    wanted = ProvinceShares.of(HOME)
    assert read_provinces("皖=0.7, 苏=0.2,沪=0.05") == wanted
    assert read_provinces("皖＝0.7，苏＝0.2，沪＝0.05") == wanted
    for name, text in (
        ("a.yaml", "皖: 0.7\n苏: 0.2\n沪: 0.05\n"),
        ("place=3.json", '{"皖": 0.7, "苏": 0.2, "沪": 0.05}'),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert read_provinces(str(tmp_path / name)) == wanted


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("皖=0.9,A=0.05", "'A' is no province; they are 京沪"),
        ("皖=1", "the share of 皖 is above 0 and below 1, not 1"),
        ("皖=nan", "the share of 皖 is above 0 and below 1, not nan"),
        ("皖=1e-300", "the share of 皖 is above 0 and below 1, not 1e-300"),
        ("皖=0.8,苏=0.3", "come to 1.1: leave something for those"),
        ("皖=0.9,皖=0.1", "'皖' has two shares; give it one"),
        ("皖=viel", "'皖=viel' is neither a province with its share, as in 皖=0.9"),
        ("absent.yaml", "'absent.yaml' is neither a province with its share, .* nor a file"),
    ],
)
def test_what_are_no_shares_is_told(text: str, sentence: str):
    with pytest.raises(InputError, match=sentence):
        read_provinces(text)


@pytest.mark.parametrize("text", ["- 皖\n", "皖: viel\n", f"皖: 1{400 * '0'}\n", "3\n"])
def test_a_file_of_something_else_is_named(tmp_path: Path, text: str):
    file = tmp_path / "shares.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"shares.yaml: expected provinces with their shares"):
        read_provinces(str(file))


def test_plates_of_other_countries_do_not_begin_with_a_province():
    digits = LabelSchema("digits", (Head("char_1", "character", tuple("0123456789")),))
    with pytest.raises(InputError, match="plates of the schema digits do not begin with a prov"):
        first_character(digits)


def test_all_provinces_may_be_told_in_one_option():
    text = ",".join(f"{province}={1 / 31:.6f}" for province in PROVINCES)
    assert read_provinces(text).is_like(ProvinceShares.of(dict.fromkeys(PROVINCES, 1 / 31)))

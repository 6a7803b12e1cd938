"""Regions are read from text strictly, and cut within the picture."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("prometheus_client", reason="the extra serve is absent")

from chepai.plate.image import ImageError
from chepai.serving.errors import ServiceError
from chepai.serving.rectangles import Rectangle, parse_rectangles


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ()),
        ("  ", ()),
        ("1,2,30,40", (Rectangle(1, 2, 30, 40),)),
        (" 1, 2 ,30,40, -5,0,9.6,7.4", (Rectangle(1, 2, 30, 40), Rectangle(-5, 0, 10, 7))),
    ],
)
def test_rectangles_are_four_numbers_each(text: str, wanted: tuple[Rectangle, ...]):
    assert parse_rectangles(text, most=2) == wanted


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,2,3", "3 numbers"),
        ("1,2,3,4,5", "5 numbers"),
        ("a,2,3,4", "'a'"),
        ("nan,2,3,4", "'nan'"),
        ("1e300,2,3,4", "'1e300'"),
        ("1,2,3,", "''"),
        ("5,2,5,9", "5,2,5,9 is empty"),
        ("1,9,5,2", "1,9,5,2 is empty"),
        (",".join("1234" * 3), "more than 2 rectangles"),
    ],
)
def test_all_else_is_refused_with_a_sentence(text: str, sentence: str):
    with pytest.raises(ServiceError, match=sentence) as refused:
        parse_rectangles(text, most=2)
    assert refused.value.status == 422


def test_a_cut_holds_exactly_its_pixels_and_ends_at_the_edges():
    image = np.arange(40 * 60 * 3, dtype=np.uint32).astype(np.uint8).reshape(40, 60, 3)
    assert np.array_equal(Rectangle(5, 10, 25, 20).cut(image), image[10:20, 5:25])
    assert np.array_equal(Rectangle(-9, -9, 20, 90).cut(image), image[:, :20])


@pytest.mark.parametrize(
    "corners", [(70, 0, 90, 20), (-50, 0, 0, 20), (0, 0, 11, 20), (0, 35, 60, 40)]
)
def test_too_little_within_the_picture_is_named(corners: tuple[int, int, int, int]):
    with pytest.raises(ImageError, match="within the picture of 60x40"):
        Rectangle(*corners).cut(np.zeros((40, 60, 3), np.uint8))

"""GA 36 measures, worked out by hand from the standard's drawings."""

from __future__ import annotations

import pytest
from chepai.dataset.synthetic.geometry import layout


def test_a_single_row_plate_has_the_measures_of_ga_36():
    plate = layout("blue", "京A12345", 1)
    assert (plate.width, plate.height) == (440, 140)
    lefts = [cell.x for cell in plate.cells]
    # 45 wide, 12 apart, 34 between the second and the third.
    assert lefts == pytest.approx([15.5, 72.5, 151.5, 208.5, 265.5, 322.5, 379.5])
    assert all((cell.y, cell.width, cell.height) == (25, 45, 90) for cell in plate.cells)
    assert plate.cells[-1].x + 45 == pytest.approx(440 - 15.5)
    assert plate.dot is not None
    assert plate.dot[:2] == pytest.approx((134.5, 70))


def test_a_new_energy_plate_has_eight_characters_and_a_gap_of_49():
    plate = layout("green-small", "京AD12345", 1)
    assert (plate.width, plate.height) == (480, 140)
    assert len(plate.cells) == 8
    second, third = plate.cells[1:3]
    assert third.x - (second.x + second.width) == pytest.approx(49)
    gaps = [b.x - a.x - a.width for a, b in zip(plate.cells[2:], plate.cells[3:], strict=False)]
    assert gaps == pytest.approx([9] * 5)
    assert plate.cells[-1].x + 43 == pytest.approx(480 - 15.5, abs=0.5)


def test_a_double_row_plate_has_two_above_and_five_below():
    plate = layout("yellow", "京A12345", 2)
    assert (plate.width, plate.height) == (440, 220)
    assert [(c.x, c.y, c.width, c.height) for c in plate.cells[:2]] == [
        (110, 15, 80, 60),
        (250, 15, 80, 60),
    ]
    assert [c.x for c in plate.cells[2:]] == [27, 107, 187, 267, 347]
    assert all((c.y, c.width, c.height) == (90, 65, 110) for c in plate.cells[2:])


@pytest.mark.parametrize(
    ("kind", "text", "rows"),
    [
        ("embassy", "使014578", 1),
        ("embassy-old", "014578使", 1),
        ("armed-police", "WJ粤0033X", 1),
        ("armed-police", "WJ粤0033X", 2),
        ("macau", "MA1234", 1),
        ("macau", "MA1234", 2),
        ("macau-m", "M1234", 1),
        ("macau-m", "M1234", 2),
        ("army", "KG01017", 2),
        ("consulate", "沪A1639领", 2),
    ],
)
def test_characters_stand_on_the_plate_in_order_without_touching(kind, text, rows):
    plate = layout(kind, text, rows)
    assert "".join(cell.character for cell in plate.cells) == text
    assert [cell.index for cell in plate.cells] == list(range(len(text)))
    for cell in plate.cells:
        assert cell.x > 0 and cell.x + cell.width < plate.width
        assert cell.y > 0 and cell.y + cell.height < plate.height
    for one, other in zip(plate.cells, plate.cells[1:], strict=False):
        assert one.x + one.width <= other.x + 2.5 or one.y + one.height < other.y


@pytest.mark.parametrize(
    ("kind", "text", "red"),
    [
        ("police", "鄂F8888警", "警"),
        ("consulate", "沪A1639领", "领"),
        ("embassy", "使014578", "使"),
        ("army-2004", "海O00000", "海O"),
        ("armed-police", "WJ粤0033X", "WJ粤X"),
        ("armed-police", "WJ粤00331", "WJ粤"),
        ("hong-kong", "粤Z554D港", ""),
    ],
)
def test_the_red_characters_are_those_of_real_plates(kind, text, red):
    cells = layout(kind, text, 1).cells
    assert "".join(cell.character for cell in cells if cell.accent) == red


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize(
    "kind", ["blue", "green-mine", "embassy", "macau", "macau-mine", "armed-police"]
)
@pytest.mark.parametrize("length", range(1, 13))
def test_whatever_its_length_a_text_stands_on_its_plate(kind: str, length: int, rows: int):
    plate = layout(kind, "A123456789AB"[:length], rows)
    assert [cell.index for cell in plate.cells] == list(range(length))
    for cell in plate.cells:
        assert cell.x >= 0 and cell.x + cell.width <= plate.width
        assert cell.y >= 0 and cell.y + cell.height <= plate.height
    # WJ overlaps by 2 mm, as on real plates.
    for one, other in zip(plate.cells, plate.cells[1:], strict=False):
        assert one.y != other.y or one.x + one.width <= other.x + 2.01

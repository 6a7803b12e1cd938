"""Where everything stands on a plate, in millimetres, by GA 36-2018 (and WJ, army, Macau).

Texts of other lengths, of a schema of one's own, stand on the same plates, closer together.

Sources: GA 36 figures for 440x140, 480x140 and 440x220 plates; army, WJ, aviation and Macau
plates are measured on photographs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One character: its index in the text and its rectangle on the plate, mm."""

    index: int
    character: str
    x: float
    y: float
    width: float
    height: float
    style: str
    accent: bool = False  # painted in the accent colour (red)


@dataclass(frozen=True)
class Layout:
    """The plate's size, its characters, its dot or hyphen and its mounting holes, mm."""

    width: float
    height: float
    cells: tuple[Cell, ...]
    dot: tuple[float, float, float] | None = None
    hyphen: tuple[float, float, float, float] | None = None
    holes: tuple[tuple[float, float], ...] = ()
    dot_accent: bool = False


_HOLES_SINGLE = ((110.0, 13.0), (330.0, 13.0), (110.0, 127.0), (330.0, 127.0))
_HOLES_GREEN = ((125.0, 12.0), (355.0, 12.0), (125.0, 128.0), (355.0, 128.0))
_HOLES_DOUBLE = ((85.0, 14.0), (355.0, 14.0), (85.0, 206.0), (355.0, 206.0))
_RED_LAST = ("police", "consulate")
_MARGIN = 15.0  # mm at least, beside texts that are longer than GA 36 knows


def layout(kind: str, text: str, rows: int) -> Layout:
    """The layout of `text` on a plate of `kind` with `rows` rows."""
    if kind in ("macau", "macau-m") and len(text) in (5, 6):
        return _macau_double(text) if rows == 2 else _macau(text)
    if kind == "armed-police" and len(text) == 8:
        return _armed_police_double(text) if rows == 2 else _armed_police(text)
    if rows == 2:
        return _double(kind, text)
    if kind.startswith("green") and len(text) == 8:
        return _new_energy(text)
    return _single(kind, text)


def _row(
    text: str, first: int, x: float, y: float, size: tuple[float, float], pitch: float, style: str
) -> list[Cell]:
    return [
        Cell(first + i, c, x + i * pitch, y, size[0], size[1], style) for i, c in enumerate(text)
    ]


def _accented(cells: list[Cell], indices: tuple[int, ...]) -> tuple[Cell, ...]:
    return tuple(
        Cell(c.index, c.character, c.x, c.y, c.width, c.height, c.style, c.index in indices)
        for c in cells
    )


def _single(kind: str, text: str) -> Layout:
    """440x140: seven cells of 45x90, pitch 57; the wide gap with the dot after `split` cells."""
    split = _split_after(kind, text)
    # The wide gap of 34 replaces one of 12.
    length = 45.0 + (len(text) - 1) * 57.0 + 22.0
    closer = min(1.0, (440.0 - 2 * _MARGIN) / length)
    left = (440.0 - closer * length) / 2
    size, pitch = (closer * 45.0, 90.0), closer * 57.0
    cells = _row(text[:split], 0, left, 25.0, size, pitch, "single")
    after = left + split * pitch + closer * 22.0
    cells += _row(text[split:], split, after, 25.0, size, pitch, "single")
    dot = (after - closer * 17.0, 70.0, closer * 5.0)
    accent = _accent_indices(kind, text)
    return Layout(
        440.0, 140.0, _accented(cells, accent), dot, None, _HOLES_SINGLE, dot_accent=False
    )


def _split_after(kind: str, text: str) -> int:
    if kind.startswith("embassy"):
        return 4 if text.startswith("使") else 3
    return 2


def _accent_indices(kind: str, text: str) -> tuple[int, ...]:
    if kind.startswith("army"):
        return (0, 1)
    if kind in _RED_LAST:
        return (len(text) - 1,)
    if kind.startswith("embassy") and "使" in text:
        return (text.index("使"),)
    return ()


def _new_energy(text: str) -> Layout:
    """480x140: province 45, then 43 wide, gap 9, and 49 between the second and the third."""
    cells = [Cell(0, text[0], 15.5, 25.0, 45.0, 90.0, "green")]
    cells += [Cell(1, text[1], 69.5, 25.0, 43.0, 90.0, "green")]
    cells += _row(text[2:], 2, 161.5, 25.0, (43.0, 90.0), 52.0, "green")
    return Layout(480.0, 140.0, tuple(cells), (137.0, 70.0, 13.0), None, _HOLES_GREEN)


def _double(kind: str, text: str) -> Layout:
    """440x220: two of 80x60 above, five of 65x110 below."""
    upper = _row(text[:2], 0, 110.0, 15.0, (80.0, 60.0), 140.0, "upper")
    closer = min(1.0, 5 / max(len(text) - 2, 1))
    lower = _row(text[2:], 2, 27.0, 90.0, (closer * 65.0, 110.0), closer * 80.0, "lower")
    cells = _accented(upper + lower, _accent_indices(kind, text))
    return Layout(440.0, 220.0, cells, (220.0, 45.0, 6.0), None, _HOLES_DOUBLE)


def _armed_police(text: str) -> Layout:
    """440x140: a small red WJ, the province in red beside it, the dot, then the number."""
    cells = [
        Cell(0, text[0], 16.0, 30.0, 44.0, 80.0, "single"),
        Cell(1, text[1], 58.0, 30.0, 30.0, 80.0, "single"),
        Cell(2, text[2], 90.0, 42.0, 40.0, 60.0, "single"),
    ]
    cells += _row(text[3:], 3, 160.0, 25.0, (45.0, 90.0), 55.0, "single")
    accent = (0, 1, 2) + ((len(text) - 1,) if text[-1].isalpha() else ())
    return Layout(
        440.0, 140.0, _accented(cells, accent), (145.0, 72.0, 6.0), None, _HOLES_SINGLE, True
    )


def _armed_police_double(text: str) -> Layout:
    """440x220: WJ and the province above, five below."""
    cells = [
        Cell(0, text[0], 105.0, 15.0, 62.0, 60.0, "upper"),
        Cell(1, text[1], 170.0, 15.0, 50.0, 60.0, "upper"),
        Cell(2, text[2], 258.0, 15.0, 74.0, 60.0, "upper"),
    ]
    cells += _row(text[3:], 3, 27.0, 90.0, (65.0, 110.0), 80.0, "lower")
    accent = (0, 1, 2) + ((len(text) - 1,) if text[-1].isalpha() else ())
    return Layout(
        440.0, 220.0, _accented(cells, accent), (238.0, 45.0, 6.0), None, _HOLES_DOUBLE, True
    )


def _macau(text: str) -> Layout:
    """520x110 (European form): letters, a hyphen, two digits, a hyphen, two digits."""
    letters = len(text) - 4
    width, pitch, hyphen = 52.0, 62.0, 34.0
    total = len(text) * pitch - 10.0 + 2 * hyphen
    x = (520.0 - total) / 2
    cells: list[Cell] = []
    for i, character in enumerate(text):
        if i in (letters, letters + 2):
            x += hyphen
        cells.append(Cell(i, character, x, 17.0, width, 77.0, "font"))
        x += pitch
    # Two hyphens; the second one is the first one moved by two characters.
    first = cells[letters].x - hyphen - 4.0
    return Layout(520.0, 110.0, tuple(cells), None, (first, 2 * pitch + hyphen, 26.0, 9.0))


def _macau_double(text: str) -> Layout:
    """330x180: the letters above, four digits with a hyphen below."""
    letters = len(text) - 4
    left = (330.0 - letters * 62.0 + 10.0) / 2
    cells = _row(text[:letters], 0, left, 12.0, (52.0, 70.0), 62.0, "font")
    cells += _row(text[letters : letters + 2], letters, 30.0, 96.0, (52.0, 72.0), 62.0, "font")
    cells += _row(text[letters + 2 :], letters + 2, 186.0, 96.0, (52.0, 72.0), 62.0, "font")
    return Layout(330.0, 180.0, tuple(cells), None, (152.0, 0.0, 24.0, 9.0))

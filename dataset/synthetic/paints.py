"""The colours of each kind's paint, as cameras show them, drawn anew for every plate."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Paint:
    """Colours of one plate, RGB in 0..255; `second` makes a gradient or a second field."""

    ground: Rgb
    ink: Rgb
    accent: Rgb
    frame: Rgb
    second: Rgb | None = None
    field: bool = False  # True: `second` is the yellow field of a large new-energy plate


# Hue in degrees, saturation and value in 0..1: (low, high) each.
_BLUES = (
    ((208, 232), (0.75, 1.0), (0.35, 0.95)),  # daylight
    ((210, 236), (0.7, 1.0), (0.45, 1.0)),  # daylight again: half of all
    ((198, 215), (0.45, 0.85), (0.45, 0.9)),  # old, azure
    ((220, 250), (0.2, 0.5), (0.25, 0.55)),  # traffic camera, slate
    ((215, 240), (0.5, 0.95), (0.1, 0.35)),  # dark
)
_YELLOWS = (
    ((36, 50), (0.75, 1.0), (0.6, 1.0)),
    ((34, 48), (0.45, 0.8), (0.35, 0.8)),
)
_GREENS = (((120, 165), (0.35, 0.95), (0.5, 0.95)),)
_AVIATION = (((135, 170), (0.4, 0.9), (0.2, 0.5)),)
_WHITES = (((0, 360), (0.0, 0.07), (0.65, 1.0)),)
_BLACKS = (((200, 260), (0.0, 0.25), (0.03, 0.2)),)
_GROUNDS = {
    "blue": _BLUES,
    "yellow": _YELLOWS,
    "green": _GREENS,
    "white": _WHITES,
    "black": _BLACKS,
}


def choose_paint(rng: np.random.Generator, kind: str, colour: str | None) -> Paint:
    """The paint of a plate of `kind`, whose schema colour is `colour`."""
    grounds = _AVIATION if kind == "aviation" else _GROUNDS.get(colour or "blue", _WHITES)
    ground = _draw(rng, grounds)
    light = colour in ("blue", "black") or kind == "aviation"
    ink = _light_ink(rng) if light else _dark_ink(rng)
    accent = _hsv(rng.uniform(-12, 10) % 360, rng.uniform(0.7, 1.0), rng.uniform(0.55, 0.95))
    second, field = None, False
    if kind == "green-small":
        second = _tint(ground, rng.uniform(0.5, 1.0))
    elif kind == "green-large":
        second, field = _draw(rng, _YELLOWS), True
    return Paint(ground, ink, accent, ink, second, field)


def _light_ink(rng: np.random.Generator) -> Rgb:
    value = rng.uniform(185, 255)
    return (value, value, value)


def _dark_ink(rng: np.random.Generator) -> Rgb:
    value = rng.uniform(5, 60)
    return (value, value, value)


def _tint(colour: Rgb, amount: float) -> Rgb:
    """Moves `colour` towards near white by `amount`."""
    return tuple(c + (245.0 - c) * amount for c in colour)  # type: ignore[return-value]


def _draw(rng: np.random.Generator, ranges: tuple[tuple[tuple[float, float], ...], ...]) -> Rgb:
    hue, saturation, value = ranges[int(rng.integers(len(ranges)))]
    return _hsv(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value))


def _hsv(hue: float, saturation: float, value: float) -> Rgb:
    red, green, blue = colorsys.hsv_to_rgb(hue / 360.0, saturation, value)
    return (red * 255.0, green * 255.0, blue * 255.0)

"""Draws the flat plate: ground, frame, characters, dot, screws, wear, dirt and its holder."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .banks import blotches, cut
from .geometry import Layout
from .glyphs import GlyphSource, bend
from .lighting import saturated
from .paints import Paint, Rgb

MARGIN = 16.0  # mm round the plate, where a holder shows
_SHIFT = 4  # fractional bits of OpenCV's drawing


@dataclass(frozen=True)
class FlatPlate:
    """A plate seen straight on.

    `image` is uint8 RGBA [h, w, 4]; its left upper corner is `MARGIN` mm outside the plate's,
    and it has `scale` pixels per mm.
    """

    image: np.ndarray
    scale: float


def draw_plate(
    rng: np.random.Generator,
    layout: Layout,
    paint: Paint,
    glyphs: GlyphSource,
    scale: float,
    dirt: float,
    finer: float = 0.0,
    bent: float = 0.0,
) -> FlatPlate:
    """The plate at `scale` pixels per mm; `dirt` in 0..1 is how much of it is covered at most.

    Chinese characters lose the share `finer` of their strokes' width, which wander by the share
    `bent` of the character's cell at most.
    """
    height = round((layout.height + 2 * MARGIN) * scale)
    width = round((layout.width + 2 * MARGIN) * scale)
    ink, accent = _stencils(rng, layout, glyphs, scale, (height, width), finer, bent)
    planes = _ground(layout, paint, scale, (height, width))
    _add_frame(rng, planes, layout, paint, scale)
    _apply(planes, ink, paint.ink)
    if accent is not None:
        _apply(planes, accent, paint.accent)
    if scale > 0.3 and rng.random() < 0.6:
        _emboss(planes, ink, rng.uniform(-0.22, 0.22))
    if dirt > 0.02:
        _soil(rng, planes, dirt)
    picture = cv2.merge([saturated(plane) for plane in planes])
    if paint.second is not None:
        _emblem(picture, layout, scale)
    _add_screws(rng, picture, layout, scale)
    alpha = _outline_mask(layout, scale, (height, width))
    if rng.random() < 0.3:
        alpha = _add_holder(rng, picture, layout, scale)
    return FlatPlate(cv2.merge((picture, alpha)), scale)


def _stencils(
    rng: np.random.Generator,
    layout: Layout,
    glyphs: GlyphSource,
    scale: float,
    size: tuple[int, int],
    finer: float,
    bent: float,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Coverage of ink and of the accent colour, float32 [h, w] in 0..1."""
    ink = np.zeros(size, np.uint8)
    accent: np.ndarray | None = None
    jitter = rng.normal(0, 0.9, (len(layout.cells), 2))
    for cell, (dx, dy) in zip(layout.cells, jitter, strict=True):
        glyph = glyphs.mask(
            cell.character,
            cell.style,
            max(2, round(cell.width * scale)),
            max(3, round(cell.height * scale)),
            0.0 if cell.character.isascii() else finer,
        )
        if bent and not cell.character.isascii():
            glyph = bend(rng, glyph, bent)
        x = round((MARGIN + cell.x + dx) * scale)
        y = round((MARGIN + cell.y + dy) * scale)
        if cell.accent and accent is None:
            accent = np.zeros(size, np.uint8)
        target = accent if cell.accent and accent is not None else ink
        part = target[y : y + glyph.shape[0], x : x + glyph.shape[1]]
        np.maximum(part, glyph[: part.shape[0], : part.shape[1]], out=part)
    _add_marks(ink if not layout.dot_accent or accent is None else accent, layout, scale)
    gain, bias = _stroke_change(rng)
    fade = rng.uniform(0.75, 1.0) if rng.random() < 0.4 else 1.0
    worn = _wear(rng, size)
    return (
        _finish(ink, scale, gain, bias, fade, worn),
        None if accent is None else _finish(accent, scale, gain, bias, fade, worn),
    )


def _stroke_change(rng: np.random.Generator) -> tuple[float, float]:
    """Contrast and threshold that make strokes a little bolder or finer after a blur."""
    if rng.random() < 0.35:
        return 1.0, 0.0
    return 2.2, float(rng.uniform(-0.35, 0.45))


def _wear(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray | None:
    if rng.random() > 0.15:
        return None
    bank = blotches()
    patch = cut(bank[int(rng.integers(3, len(bank)))], rng, *size)
    return np.clip(1.5 - patch * rng.uniform(0.8, 1.6), 0.15, 1).astype(np.float32)


def _finish(
    mask: np.ndarray, scale: float, gain: float, bias: float, fade: float, worn: np.ndarray | None
) -> np.ndarray:
    coverage = mask.astype(np.float32) * (1 / 255)
    if gain != 1.0:
        # Blurred by about half a stroke, an edge moves by the threshold: bolder or finer.
        soft = cv2.GaussianBlur(coverage, (0, 0), max(0.5, 2.2 * scale))
        coverage = np.clip((soft - 0.5 + bias * 0.5) * gain + 0.5, 0, 1)
    coverage *= np.float32(fade)
    return coverage if worn is None else coverage * worn


def _add_marks(mask: np.ndarray, layout: Layout, scale: float) -> None:
    """The dot after the second character, or Macau's hyphens."""
    one = 1 << _SHIFT
    if layout.dot is not None:
        x, y, radius = layout.dot
        if radius < 10:  # new-energy plates have an emblem instead
            centre = (round((MARGIN + x) * scale * one), round((MARGIN + y) * scale * one))
            cv2.circle(mask, centre, round(radius * scale * one), 255, -1, cv2.LINE_AA, _SHIFT)
    if layout.hyphen is not None:
        x, offset, length, thickness = layout.hyphen
        y = layout.cells[-1].y + layout.cells[-1].height / 2 - thickness / 2
        for left in {x, x + offset}:
            start = (round((MARGIN + left) * scale), round((MARGIN + y) * scale))
            end = (
                round((MARGIN + left + length) * scale),
                max(start[1], round((MARGIN + y + thickness) * scale) - 1),
            )
            cv2.rectangle(mask, start, end, 255, -1)


def _ground(layout: Layout, paint: Paint, scale: float, size: tuple[int, int]) -> np.ndarray:
    """The unprinted plate, float32 [3, h, w]: planes are painted faster than pixels."""
    planes = np.empty((3, *size), np.float32)
    planes[:] = _planar(paint.ground)
    if paint.second is None:
        return planes
    second = _planar(paint.second)
    if paint.field:
        edge = round((MARGIN + 140) * scale)
        planes[:, :, :edge] = second
    else:
        top, bottom = MARGIN * scale, (MARGIN + layout.height) * scale
        rows = np.clip((np.arange(size[0], dtype=np.float32) - top) / (bottom - top), 0, 1)
        mix = (rows**0.8)[:, None]
        planes[:] = second + (planes - second) * mix
    return planes


def _planar(colour: Rgb) -> np.ndarray:
    return np.array(colour, np.float32)[:, None, None]


def _emblem(picture: np.ndarray, layout: Layout, scale: float) -> None:
    """The new-energy emblem between the second and the third character."""
    if layout.dot is None:
        return
    x, y, radius = layout.dot
    centre = (round((MARGIN + x) * scale), round((MARGIN + y) * scale))
    axes = (max(1, round(radius * scale)), max(1, round(radius * 1.15 * scale)))
    cv2.ellipse(picture, centre, axes, 0, 0, 360, (70, 120, 110), -1, cv2.LINE_AA)
    inner = (max(1, axes[0] * 2 // 3), max(1, axes[1] * 2 // 3))
    cv2.ellipse(picture, centre, inner, 0, 90, 270, (90, 150, 220), -1)
    cv2.ellipse(picture, centre, inner, 0, -90, 90, (235, 235, 235), -1)


def _rounded(layout: Layout, inset: float, radius: float, scale: float) -> np.ndarray:
    """A rounded rectangle as a polygon in OpenCV's fixed point, int32 [n, 1, 2]."""
    angles = np.linspace(0, np.pi / 2, 5)
    corners = []
    for quarter, (cx, cy) in enumerate(
        (
            (layout.width - inset - radius, layout.height - inset - radius),
            (inset + radius, layout.height - inset - radius),
            (inset + radius, inset + radius),
            (layout.width - inset - radius, inset + radius),
        )
    ):
        turned = angles + quarter * np.pi / 2
        corners.append(np.stack((cx + radius * np.cos(turned), cy + radius * np.sin(turned)), 1))
    points = (np.concatenate(corners) + MARGIN) * scale - 0.5
    return np.round(points * (1 << _SHIFT)).astype(np.int32)[:, None]


def _outline_mask(layout: Layout, scale: float, size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [_rounded(layout, 0.0, 9.0, scale)], 255, cv2.LINE_AA, _SHIFT)
    return mask


def _add_frame(
    rng: np.random.Generator, planes: np.ndarray, layout: Layout, paint: Paint, scale: float
) -> None:
    """The line near the edge, in the ink's colour."""
    if rng.random() < 0.08:
        return
    inset = rng.uniform(2.5, 6.5)
    line = np.zeros(planes.shape[1:], np.uint8)
    polygon = _rounded(layout, inset, 8.0, scale)
    thickness = max(1, round(rng.uniform(1.8, 3.2) * scale))
    cv2.polylines(line, [polygon], True, 255, thickness, cv2.LINE_AA, _SHIFT)
    strength = rng.uniform(0.5, 1.0) * min(1.0, 2.5 * scale / thickness)
    _apply(planes, line.astype(np.float32) * np.float32(strength / 255), paint.frame)


def _apply(planes: np.ndarray, coverage: np.ndarray, colour: Rgb) -> None:
    """Paints `colour` over planes [3, h, w] where `coverage` [h, w] is above 0."""
    for channel, value in enumerate(colour):
        planes[channel] += (np.float32(value) - planes[channel]) * coverage


def _emboss(planes: np.ndarray, ink: np.ndarray, strength: float) -> None:
    """One side of each stroke catches the light, the other lies in shade."""
    relief = (ink[:-1, :-1] - ink[1:, 1:]) * np.float32(strength * 255)
    planes[:, 1:, 1:] += relief


def _add_screws(
    rng: np.random.Generator, picture: np.ndarray, layout: Layout, scale: float
) -> None:
    style = rng.random()
    if style < 0.2 or not layout.holes:
        return
    colour = [float(rng.uniform(20, 250))] * 3
    if rng.random() < 0.2:
        colour = [float(v) for v in rng.uniform(60, 230, 3)]
    radius = rng.uniform(3.5, 8.0)
    wide = 1.6 if rng.random() < 0.3 else 1.0
    keep = rng.random(len(layout.holes)) < rng.uniform(0.4, 1.0)
    offset = rng.normal(0, 2.5, (len(layout.holes), 2))
    one = 1 << _SHIFT
    for present, (x, y), (dx, dy) in zip(keep, layout.holes, offset, strict=True):
        if not present:
            continue
        centre = (round((MARGIN + x + dx) * scale * one), round((MARGIN + y + dy) * scale * one))
        axes = (round(radius * wide * scale * one), round(radius * scale * one))
        cv2.ellipse(picture, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA, _SHIFT)
        if scale > 0.35:
            lit = (round(centre[0] - 0.3 * axes[0]), round(centre[1] - 0.3 * axes[1]))
            shine = [min(255.0, c + 70) for c in colour]
            small = (axes[0] // 3, axes[1] // 3)
            cv2.ellipse(picture, lit, small, 0, 0, 360, shine, -1, cv2.LINE_AA, _SHIFT)


def _soil(rng: np.random.Generator, planes: np.ndarray, dirt: float) -> None:
    bank = blotches()
    patch = cut(bank[int(rng.integers(len(bank)))], rng, *planes.shape[1:])
    amount = rng.uniform(0, dirt)
    weight = np.clip((patch - 0.35) * (2.0 * amount), 0, 0.8)
    colour = np.array([1.0, rng.uniform(0.85, 1), rng.uniform(0.7, 1)]) * rng.uniform(40, 190)
    _apply(planes, weight, (float(colour[0]), float(colour[1]), float(colour[2])))


def _add_holder(
    rng: np.random.Generator, picture: np.ndarray, layout: Layout, scale: float
) -> np.ndarray:
    """A frame round the plate, perhaps with a dealer's name below; returns the new outline."""
    height, width = picture.shape[:2]
    inner = rng.uniform(-1, 4)
    outer = rng.uniform(4, MARGIN)
    colour = np.full(3, rng.uniform(8, 70) if rng.random() < 0.65 else rng.uniform(120, 235))
    if rng.random() < 0.12:
        colour = rng.uniform(20, 220, 3)
    x0, y0 = round((MARGIN + inner) * scale), round((MARGIN + inner) * scale)
    x1 = round((MARGIN + layout.width - inner) * scale)
    y1 = round((MARGIN + layout.height - inner) * scale)
    for ring in (picture[:y0], picture[y1:], picture[y0:y1, :x0], picture[y0:y1, x1:]):
        ring[:] = colour
    if rng.random() < 0.25:
        _write_dealer(rng, picture, y1, colour)
    alpha = np.zeros((height, width), np.uint8)
    edge = round((MARGIN - outer) * scale)
    alpha[edge : height - edge, edge : width - edge] = 255
    return alpha


def _write_dealer(
    rng: np.random.Generator, picture: np.ndarray, y1: int, colour: np.ndarray
) -> None:
    """Small illegible writing in the middle of the lower edge."""
    height, width = picture.shape[:2]
    tall = height - y1
    if tall < 4:
        return
    ink = 255.0 - float(colour[0])
    x = width // 2 - int(rng.uniform(0.1, 0.3) * width)
    end = width - x
    while x < end:
        step = int(rng.integers(2, 2 + tall))
        picture[y1 + 1 : y1 + 1 + max(1, tall // 2), x : x + max(1, step // 2)] = ink
        x += step + 1

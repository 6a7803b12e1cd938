"""Pictures that hold no plate to be read: signs, bare scenes, nothing."""

from __future__ import annotations

import cv2
import numpy as np

from .banks import Backdrops, blotches, cut, sensor_noise
from .glyphs import GlyphSource

_SIGN_TEXT = "停车场出入口严禁驶限速公里米吨北京上海路街"
_LATIN = "ABCDEFGHKLMNPRSTXYZ0123456789"


def draw_negative(
    rng: np.random.Generator, backdrops: Backdrops, glyphs: GlyphSource
) -> tuple[str, np.ndarray]:
    """A name (`scene`, `sign` or `nothing`) and a picture, uint8 RGB."""
    width = int(rng.uniform(60, 240))
    height = max(16, int(width / rng.uniform(1.6, 4.5)))
    share = rng.random()
    if share < 0.45:
        return "scene", backdrops.draw(rng, height, width)
    if share < 0.8:
        return "sign", _sign(rng, backdrops, glyphs, height, width)
    return "nothing", _nothing(rng, height, width)


def _sign(
    rng: np.random.Generator, backdrops: Backdrops, glyphs: GlyphSource, height: int, width: int
) -> np.ndarray:
    """A coloured board with a few big characters that no plate has in this order."""
    picture = backdrops.draw(rng, height, width)
    ground = [float(v) for v in rng.uniform(0, 255, 3)]
    ink = 255.0 if sum(ground) < 380 else 15.0
    left, top = int(rng.uniform(0, 0.15) * width), int(rng.uniform(0, 0.2) * height)
    cv2.rectangle(picture, (left, top), (width - left, height - top), ground, -1)
    latin = rng.random() < 0.5
    pool = _LATIN if latin else _SIGN_TEXT
    # Three characters at most, or many small ones: never the five to eight of a plate.
    count = int(rng.integers(1, 4)) if rng.random() < 0.6 else int(rng.integers(10, 15))
    cell = (width - 2 * left) / count
    tall = int(min((height - 2 * top) * rng.uniform(0.4, 0.9), cell * 2.0))
    wide = max(2, int(min(cell * 0.9, tall * (0.55 if latin else 1.0))))
    for i in range(count):
        mask = glyphs.mask(
            pool[int(rng.integers(len(pool)))], "font", wide // 4 * 4 + 4, tall // 4 * 4 + 4
        )
        y, x = max(0, (height - mask.shape[0]) // 2), int(left + i * cell)
        part = picture[y : y + mask.shape[0], x : x + mask.shape[1]]
        cover = mask[: part.shape[0], : part.shape[1], None].astype(np.float32) / 255
        part[:] = (part + (ink - part) * cover).astype(np.uint8)
    return picture


def _nothing(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Black, white, one colour, a smooth patch, or noise."""
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = rng.uniform(0, 255, 3) if rng.random() < 0.5 else rng.choice((0, 255, 128))
    kind = rng.random()
    if kind < 0.4:
        bank = blotches()
        patch = cut(bank[int(rng.integers(len(bank)))], rng, height, width)
        picture += (patch[..., None] - 0.5) * rng.uniform(10, 200)
    elif kind < 0.6:
        picture += cut(sensor_noise(), rng, height, width) * rng.uniform(5, 70)
    return np.clip(picture, 0, 255).astype(np.uint8)

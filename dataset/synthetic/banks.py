"""Noise and scene pictures made once per process, that plates take cut-outs of.

They come from fixed seeds, so that a plate depends on its own seed alone.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from ...errors import InputError

_SCENE_SIZE = (128, 256)  # height, width of a scene picture
_SCENES = 72
_NOISE_SIZE = 640


@lru_cache(maxsize=1)
def sensor_noise() -> np.ndarray:
    """Normal noise of standard deviation 1, float32 [640, 640, 3]."""
    rng = np.random.default_rng(41)
    return rng.standard_normal((_NOISE_SIZE, _NOISE_SIZE, 3), np.float32)


@lru_cache(maxsize=1)
def blotches() -> np.ndarray:
    """Smooth patches, float32 [8, 256, 512] in 0..1, each of another grain."""
    rng = np.random.default_rng(42)
    pictures = []
    for grain in (3, 5, 8, 12, 18, 28, 44, 70):
        small = rng.random((grain, grain * 2), np.float32)
        large = cv2.resize(small, (512, 256), interpolation=cv2.INTER_CUBIC)
        fine = cv2.resize(rng.random((96, 192), np.float32), (512, 256))
        pictures.append(np.clip(0.75 * large + 0.25 * fine, 0, 1))
    return np.stack(pictures)


def decode_file(path: Path, how: int) -> np.ndarray | None:
    """A picture file as OpenCV decodes it, uint8; None where it is none."""
    data = np.fromfile(path, np.uint8)
    return cv2.imdecode(data, how) if data.size else None


def cut(bank: np.ndarray, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A cut-out [height, width, ...] of a picture, stretched where it is too small."""
    rows, columns = bank.shape[:2]
    take_h, take_w = min(height, rows), min(width, columns)
    top = int(rng.integers(rows - take_h + 1))
    left = int(rng.integers(columns - take_w + 1))
    part = bank[top : top + take_h, left : left + take_w]
    if (take_h, take_w) != (height, width):
        part = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
    return part


class Backdrops:
    """Scene pictures: drawn ones, and those of `folder` where one is given.

    Raises:
        InputError: the folder holds no pictures.
    """

    def __init__(self, folder: str | None = None) -> None:
        self._pictures = list(_drawn_scenes())
        if folder is not None:
            self._pictures += _read_pictures(Path(folder))

    def draw(self, rng: np.random.Generator, height: int, width: int) -> np.ndarray:
        """A piece of some scene, uint8 RGB [height, width, 3]."""
        picture = self._pictures[int(rng.integers(len(self._pictures)))]
        rows, columns = picture.shape[:2]
        share = rng.uniform(0.25, 1.0)
        take_h = max(8, int(rows * share))
        take_w = max(8, min(columns, int(take_h * width / max(height, 1))))
        top = int(rng.integers(rows - take_h + 1))
        left = int(rng.integers(columns - take_w + 1))
        part = picture[top : top + take_h, left : left + take_w]
        if rng.random() < 0.5:
            part = part[:, ::-1]
        return cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)


def _read_pictures(folder: Path) -> list[np.ndarray]:
    suffixes = (".jpg", ".jpeg", ".png")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
    pictures = []
    for path in paths:
        image = decode_file(path, cv2.IMREAD_COLOR)
        if image is not None and min(image.shape[:2]) >= 16:
            scale = 256 / max(image.shape[:2])
            size = (max(16, int(image.shape[1] * scale)), max(16, int(image.shape[0] * scale)))
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            pictures.append(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
    if not pictures:
        raise InputError(f"no readable pictures (.jpg, .png) of 16 pixels or more in {folder}")
    return pictures


@lru_cache(maxsize=1)
def _drawn_scenes() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(43)
    drawers = (_bodywork, _grille, _bumper, _texture, _clutter, _lamp)
    return tuple(drawers[i % len(drawers)](rng) for i in range(_SCENES))


def _body_colour(rng: np.random.Generator) -> np.ndarray:
    grey = rng.uniform(10, 240)
    tint = rng.normal(0, 28 if rng.random() < 0.4 else 8, 3)
    return np.clip(grey + tint, 0, 255)


def _bodywork(rng: np.random.Generator) -> np.ndarray:
    """Car paint: smooth shading with a fold or two."""
    height, width = _SCENE_SIZE
    rows = np.linspace(0, 1, height)[:, None]
    columns = np.linspace(0, 1, width)[None]
    shade = 1 + 0.5 * np.sin(rows * rng.uniform(1, 5) + columns * rng.uniform(-1, 1) + rng.random())
    picture = _body_colour(rng) * shade[..., None]
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 4))):
        y0, y1 = (int(v) for v in rng.integers(0, height, 2))
        colour = [float(c) for c in _body_colour(rng)]
        cv2.line(picture, (0, y0), (width, y1), colour, int(rng.integers(1, 6)), cv2.LINE_AA)
    return _grain(rng, picture)


def _grille(rng: np.random.Generator) -> np.ndarray:
    """Bars or a mesh before a dark hollow."""
    height, width = _SCENE_SIZE
    picture = np.full((height, width, 3), _body_colour(rng) * 0.25, np.uint8)
    pitch = int(rng.integers(6, 24))
    colour = [float(c) for c in _body_colour(rng)]
    for y in range(0, height, pitch):
        cv2.line(picture, (0, y), (width, y), colour, max(1, pitch // 3), cv2.LINE_AA)
    if rng.random() < 0.4:
        for x in range(0, width, pitch * 2):
            cv2.line(picture, (x, 0), (x, height), colour, max(1, pitch // 4), cv2.LINE_AA)
    return _grain(rng, picture)


def _bumper(rng: np.random.Generator) -> np.ndarray:
    """Two to four horizontal fields of different brightness."""
    height, width = _SCENE_SIZE
    picture = np.zeros((height, width, 3), np.uint8)
    edges = [0, *sorted(int(v) for v in rng.integers(10, height, 3)), height]
    for top, bottom in pairwise(edges):
        picture[top:bottom] = _body_colour(rng)
    return _grain(rng, cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 4)))


def _texture(rng: np.random.Generator) -> np.ndarray:
    """Asphalt, gravel, foliage."""
    height, width = _SCENE_SIZE
    cell = int(rng.integers(2, 10))
    small = rng.normal(0, rng.uniform(8, 50), (height // cell, width // cell, 1))
    noise = cv2.resize(small.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    picture = _body_colour(rng) + noise[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def _clutter(rng: np.random.Generator) -> np.ndarray:
    """Stickers and writing that are no plate."""
    picture = _bodywork(rng)
    height, width = _SCENE_SIZE
    for _ in range(int(rng.integers(2, 7))):
        letters = "".join(chr(int(c)) for c in rng.integers(97, 123, int(rng.integers(2, 8))))
        place = (int(rng.integers(0, width - 40)), int(rng.integers(15, height)))
        colour = [float(c) for c in _body_colour(rng)]
        cv2.putText(
            picture,
            letters,
            place,
            cv2.FONT_HERSHEY_SIMPLEX,
            rng.uniform(0.3, 1.2),
            colour,
            int(rng.integers(1, 4)),
            cv2.LINE_AA,
        )
    return _grain(rng, picture)


def _lamp(rng: np.random.Generator) -> np.ndarray:
    """Reflectors and lights on bodywork."""
    picture = _bodywork(rng)
    height, width = _SCENE_SIZE
    for _ in range(int(rng.integers(2, 8))):
        centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        axes = (int(rng.integers(4, 40)), int(rng.integers(4, 30)))
        lit = rng.random() < 0.5
        colour = [float(c) for c in (rng.uniform(120, 255, 3) if lit else _body_colour(rng))]
        thickness = -1 if rng.random() < 0.5 else int(rng.integers(1, 6))
        cv2.ellipse(
            picture, centre, axes, rng.uniform(0, 180), 0, 360, colour, thickness, cv2.LINE_AA
        )
    return _grain(rng, cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 2)))


def _grain(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    noisy = picture + rng.normal(0, rng.uniform(1, 8), picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)

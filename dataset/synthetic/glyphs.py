"""Glyph shapes: from a folder of glyph images, or from open fonts of installed packages.

Both sources answer the same question: the antialiased mask of one character in one style,
stretched to its cell at a scale in pixels per millimetre. Masks are cached, so that drawing a
plate costs a few copies.
"""

from __future__ import annotations

import importlib.resources
import math
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ...errors import InputError, quoted
from .banks import decode_file

# Names of the folder's files by style; the first that exists is used.
_FOLDER_NAMES = {
    "single": ("140_{}",),
    "green": ("green_{}", "140_{}"),
    "upper": ("220_up_{}", "220_{}", "140_{}"),
    "lower": ("220_down_{}", "220_{}", "140_{}"),
}
_IN_NO_FONT = "\U0010ffff"
_STEP = 1.15  # ratio between neighbouring scales
_FONT_HELP = "pip install 'chepai[render]'"


def quantise_scale(scale: float) -> float:
    """The next larger scale of the geometric series, so that few sizes are cached, px/mm."""
    return float(_STEP ** math.ceil(math.log(scale) / math.log(_STEP) - 1e-9))


class GlyphSource:
    """Masks of characters, from `folder` where it has them and from open fonts otherwise.

    Args:
        folder: glyph images named `140_X.jpg`, `220_X`, `220_up_X`, `220_down_X`, `green_X`,
            black on white; None draws everything from the open fonts.

    Raises:
        InputError: the folder holds no glyphs.
    """

    def __init__(self, folder: str | None = None) -> None:
        self._files = _list_folder(folder) if folder is not None else {}
        self._shapes: dict[Path, np.ndarray] = {}
        self._masks: dict[tuple[str, str, int, int, float], np.ndarray] = {}

    def mask(
        self, character: str, style: str, width: int, height: int, finer: float = 0.0
    ) -> np.ndarray:
        """Coverage of `character` in a cell of `width` x `height` pixels, uint8 [height, width].

        `style` is `single`, `green`, `upper`, `lower` or `font` (never from the folder); `finer`
        is the share of its strokes' width that is taken away, 0 to 1. Few values: each is cached.
        """
        key = (character, style, width, height, finer)
        found = self._masks.get(key)
        if found is None:
            found = self._fitted(*key)
            self._masks[key] = found
        return found

    def _fitted(
        self, character: str, style: str, width: int, height: int, finer: float
    ) -> np.ndarray:
        shape = self._from_folder(character, style)
        if shape is not None:
            return cv2.resize(_thinned(shape, finer), (width, height), interpolation=cv2.INTER_AREA)
        if character == "1" and style in _FOLDER_NAMES:
            return _bar(width, height)
        return _fit_cell(_thinned(_from_font(character), finer), width, height)

    def _from_folder(self, character: str, style: str) -> np.ndarray | None:
        # The folder has no letter O; the O of real plates has the shape of the zero.
        wanted = "0" if character == "O" else character
        for pattern in _FOLDER_NAMES.get(style, ()):
            path = self._files.get(pattern.format(wanted))
            if path is not None:
                if path not in self._shapes:
                    self._shapes[path] = _read_glyph(path, is_one=character == "1")
                return self._shapes[path]
        return None


def _list_folder(folder: str) -> dict[str, Path]:
    root = Path(folder)
    files = {p.stem: p for p in root.glob("*_*") if p.suffix.lower() in (".jpg", ".png", ".bmp")}
    if "140_A" not in files:
        raise InputError(f"no glyph images (140_A.jpg and so on) in the folder {folder}")
    return files


def _read_glyph(path: Path, is_one: bool) -> np.ndarray:
    grey = decode_file(path, cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise InputError(f"cannot read the glyph image {path}")
    mask = 255 - grey
    if is_one:
        # The 1 stands in a wider picture than the others: cut it to their aspect.
        height, width = mask.shape
        half = min(width, round(height * 0.52)) // 2
        mask = mask[:, width // 2 - half : width // 2 + half]
    return mask


@lru_cache(maxsize=512)
def _from_font(character: str) -> np.ndarray:
    """The character's ink, uint8 [h, w], cut to its bounding box."""
    # Pillow is wanted only here: plates from a folder need it for a few rare characters.
    from PIL import Image, ImageDraw, ImageFont, features

    latin = character.isascii()
    path = _latin_font() if latin else _chinese_font()
    font = ImageFont.truetype(str(path), 240)
    if bytes(font.getmask(character)) == bytes(font.getmask(_IN_NO_FONT)):
        raise InputError(
            f"the open fonts have no {quoted(character)}: give a folder of glyphs that has "
            f"140_{character}.jpg"
        )
    # Pillow without libraqm cannot choose a language's shapes.
    language = "zh-Hans" if not latin and features.check("raqm") else None
    box = font.getbbox(character, language=language)
    width, height = int(box[2] - box[0]), int(box[3] - box[1])
    picture = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(picture)
    draw.text((-box[0], -box[1]), character, fill=255, font=font, language=language)
    return np.asarray(picture)


def _thinned(ink: np.ndarray, finer: float) -> np.ndarray:
    """The same character, uint8 [h, w], whose strokes lost the share `finer` of their width."""
    if not finer:
        return ink
    depth = cv2.distanceTransform((ink > 127).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Inside of a stroke of even width the mean distance to its edge is a quarter of that width.
    lost = finer * 2 * depth[depth > 0].mean()
    return (np.clip(depth - lost + 0.5, 0, 1) * 255).astype(np.uint8)


def bend(rng: np.random.Generator, mask: np.ndarray, amount: float) -> np.ndarray:
    """The same character, uint8 [h, w], as another hand draws it.

    Its strokes are moved along a smooth random field, by at most the share `amount` of the cell's
    sides; what leaves the cell is lost.
    """
    height, width = mask.shape
    coarse = rng.uniform(-amount, amount, (4, 4, 2)).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    columns += field[..., 0] * width
    rows += field[..., 1] * height
    return cv2.remap(mask, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _fit_cell(ink: np.ndarray, width: int, height: int) -> np.ndarray:
    """Stretches the ink to fill a cell, but narrow characters (1, I) keep their width."""
    natural = ink.shape[1] * height / ink.shape[0]
    inked = width if natural > 0.36 * height else min(width, max(2, round(natural)))
    resized = cv2.resize(ink, (inked, height), interpolation=cv2.INTER_AREA)
    cell = np.zeros((height, width), np.uint8)
    left = (width - inked) // 2
    cell[:, left : left + inked] = resized
    return cell


def _bar(width: int, height: int) -> np.ndarray:
    """The 1 of plates: a bar in the middle of its cell, without the flag of fonts."""
    half = max(1.0, 0.11 * width)
    edges = np.abs(np.arange(width) + 0.5 - width / 2)
    row = np.clip(half + 0.5 - edges, 0, 1) * 255
    return np.repeat(row[None], height, axis=0).astype(np.uint8)


def _chinese_font() -> Path:
    return _package_file("noto_cjk_sans_jp_bold", "NotoSansCJKjp-Bold.otf")


def _latin_font() -> Path:
    return _package_file("fontpkg_fjalla_one", "files/FjallaOne-Regular.ttf")


def _package_file(package: str, name: str) -> Path:
    try:
        path = Path(str(importlib.resources.files(package))) / name
    except ModuleNotFoundError as error:
        raise InputError(
            f"drawing plates needs the font package {package}: {_FONT_HELP}"
        ) from error
    if not path.is_file():
        raise InputError(f"the font package {package} lacks {name}: {_FONT_HELP}")
    return path

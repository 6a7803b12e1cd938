"""Glyph shapes: from a folder of glyph images, or from open fonts of installed packages.

Both sources answer the same question: the antialiased mask of one character in one style,
stretched to its cell at a scale in pixels per millimetre. Masks are cached, so that drawing a
plate costs a few copies.
"""

from __future__ import annotations

import importlib.resources
import math
from pathlib import Path

import cv2
import numpy as np

from ...errors import InputError

# Names of the folder's files by style; the first that exists is used.
_FOLDER_NAMES = {
    "single": ("140_{}",),
    "green": ("green_{}", "140_{}"),
    "upper": ("220_up_{}", "220_{}", "140_{}"),
    "lower": ("220_down_{}", "220_{}", "140_{}"),
}
_MASTER_HEIGHT = 180  # pixels of the large mask that every size is made from
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
        self._masters: dict[tuple[str, str], np.ndarray] = {}
        self._masks: dict[tuple[str, str, int, int], np.ndarray] = {}

    def mask(self, character: str, style: str, width: int, height: int) -> np.ndarray:
        """Coverage of `character` in a cell of `width` x `height` pixels, uint8 [height, width].

        `style` is `single`, `green`, `upper`, `lower` or `font` (never from the folder).
        """
        key = (character, style, width, height)
        found = self._masks.get(key)
        if found is None:
            master = self._master(character, style, width / height)
            found = cv2.resize(master, (width, height), interpolation=cv2.INTER_AREA)
            self._masks[key] = found
        return found

    def _master(self, character: str, style: str, aspect: float) -> np.ndarray:
        key = (character, style)
        if key not in self._masters:
            mask = self._from_folder(character, style)
            self._masters[key] = mask if mask is not None else _from_font(character, aspect)
        return self._masters[key]

    def _from_folder(self, character: str, style: str) -> np.ndarray | None:
        # The folder has no letter O; the O of real plates has the shape of the zero.
        wanted = "0" if character == "O" else character
        for pattern in _FOLDER_NAMES.get(style, ()):
            path = self._files.get(pattern.format(wanted))
            if path is not None:
                return _read_glyph(path, is_one=character == "1")
        return None


def _list_folder(folder: str) -> dict[str, Path]:
    root = Path(folder)
    files = {p.stem: p for p in root.glob("*_*") if p.suffix.lower() in (".jpg", ".png", ".bmp")}
    if "140_A" not in files:
        raise InputError(f"no glyph images (140_A.jpg and so on) in the folder {folder}")
    return files


def _read_glyph(path: Path, is_one: bool) -> np.ndarray:
    grey = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise InputError(f"cannot read the glyph image {path}")
    mask = 255 - grey
    if is_one:
        # The 1 stands in a wider picture than the others: cut it to their aspect.
        height, width = mask.shape
        half = min(width, round(height * 0.52)) // 2
        mask = mask[:, width // 2 - half : width // 2 + half]
    return mask


def _from_font(character: str, aspect: float) -> np.ndarray:
    # Pillow is wanted only here: plates from a folder need it for a few rare characters.
    from PIL import Image, ImageDraw, ImageFont, features

    latin = character.isascii()
    path = _latin_font() if latin else _chinese_font()
    font = ImageFont.truetype(str(path), 240)
    # Pillow without libraqm cannot choose a language's shapes.
    language = "zh-Hans" if not latin and features.check("raqm") else None
    box = font.getbbox(character, language=language)
    width, height = int(box[2] - box[0]), int(box[3] - box[1])
    picture = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(picture)
    draw.text((-box[0], -box[1]), character, fill=255, font=font, language=language)
    return _fit_cell(np.asarray(picture), aspect)


def _fit_cell(ink: np.ndarray, aspect: float) -> np.ndarray:
    """Stretches the ink to fill a cell, but narrow characters (1, I) keep their width."""
    height = _MASTER_HEIGHT
    width = max(2, round(height * aspect))
    natural = ink.shape[1] * height / ink.shape[0]
    inked = width if natural > 0.36 * height else min(width, max(2, round(natural)))
    resized = cv2.resize(ink, (inked, height), interpolation=cv2.INTER_AREA)
    cell = np.zeros((height, width), np.uint8)
    left = (width - inked) // 2
    cell[:, left : left + inked] = resized
    return cell


def _chinese_font() -> Path:
    return _package_file("noto_cjk_sans_jp_bold", "NotoSansCJKjp-Bold.otf")


def _latin_font() -> Path:
    return _package_file("font_fjallaone", "files/FjallaOne-Regular.ttf")


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

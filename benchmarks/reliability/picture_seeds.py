"""Small whole pictures of every format and make: what hostile ones are made of."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import cv2
import numpy as np
from chepai.inference.files import sample_pictures
from PIL import Image

WIDTH, HEIGHT = 96, 32
_BGR = (2, 1, 0)


@cache
def seeds() -> dict[str, bytes]:
    """Whole files by name; the suffix of a name is that of its format."""
    return {**_photographs(), **_of_opencv(), **_of_pillow(), **_animated(), **_oriented()}


def noise(width: int = WIDTH, height: int = HEIGHT, channels: int = 3) -> np.ndarray:
    """Smooth noise uint8 [height, width, channels]: not too large when it is packed."""
    rng = np.random.default_rng(width * height + channels)
    small = rng.integers(0, 256, (4, 12, channels), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).reshape(
        height, width, channels
    )


def _photographs() -> dict[str, bytes]:
    return {f"sample-{i}.jpg": file.read_bytes() for i, file in enumerate(sample_pictures()[:4])}


def _of_opencv() -> dict[str, bytes]:
    colour, grey = noise(), noise(channels=1)
    deep = noise().astype(np.uint16) * 257
    made = {
        "plain.jpg": _cv(".jpg", colour),
        "progressive.jpg": _cv(".jpg", colour, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        "restarts.jpg": _cv(".jpg", colour, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
        "grey.jpg": _cv(".jpg", grey),
        "plain.png": _cv(".png", colour),
        "alpha.png": _cv(".png", noise(channels=4)),
        "deep.png": _cv(".png", deep),
        "deep-alpha.png": _cv(".png", noise(channels=4).astype(np.uint16) * 257),
        "one-bit.png": _cv(".png", (grey > 127).astype(np.uint8) * 255, cv2.IMWRITE_PNG_BILEVEL, 1),
        "plain.bmp": _cv(".bmp", colour),
        "alpha.bmp": _cv(".bmp", noise(channels=4)),
        "plain.webp": _cv(".webp", colour, cv2.IMWRITE_WEBP_QUALITY, 80),
        "alpha.webp": _cv(".webp", noise(channels=4)),
        "plain.gif": _cv(".gif", colour),
        "plain.tif": _cv(".tif", colour),
        "deep.tif": _cv(".tif", deep),
        "other.float.tif": _cv(".tif", noise().astype(np.float32)),
        "other.float-alpha.tif": _cv(".tif", noise(channels=4).astype(np.float32)),
        "plain.jp2": _cv(".jp2", colour),
        "plain.ppm": _cv(".ppm", colour),
        "text.pgm": _cv(".pgm", grey, cv2.IMWRITE_PXM_BINARY, 0),
        "other.hdr": _cv(".hdr", noise().astype(np.float32)),
        "other.ras": _cv(".ras", colour),
        "other.pfm": _cv(".pfm", noise().astype(np.float32)),
    }
    return made


def _of_pillow() -> dict[str, bytes]:
    tiffs = ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    return {
        "cmyk.jpg": _pil("JPEG", "CMYK"),
        "wide-sampled.jpg": _pil("JPEG", subsampling=2, quality=30),
        "palette.png": _pil("PNG", "P"),
        "palette-alpha.png": _pil("PNG", "P", transparency=0),
        "grey-alpha.png": _pil("PNG", "LA"),
        "one-bit.bmp": _pil("BMP", "1"),
        "palette.bmp": _pil("BMP", "P"),
        "grey.gif": _pil("GIF", "L"),
        "transparent.gif": _pil("GIF", "P", transparency=0),
        "lossless.webp": _pil("WEBP", lossless=True),
        "exif.webp": _pil("WEBP", exif=_exif(6)),
        "one-bit.tif": _pil("TIFF", "1", compression="group4"),
        "cmyk.tif": _pil("TIFF", "CMYK"),
        "alpha.tif": _pil("TIFF", "RGBA"),
        "palette.tif": _pil("TIFF", "P"),
        **{f"{name}.tif": _pil("TIFF", compression=name) for name in tiffs},
        "one-bit.pbm": _pil("PPM", "1"),
        "other.ico": _pil("ICO"),
        "other.tga": _pil("TGA"),
    }


def _animated() -> dict[str, bytes]:
    frames = [Image.fromarray(noise(WIDTH, HEIGHT + 2 * i)).resize((WIDTH, HEIGHT)) for i in (1, 2)]
    options: dict[str, Any] = {"save_all": True, "append_images": frames, "duration": 50}
    return {
        "animated.gif": _pil("GIF", **options, disposal=2),
        "animated.png": _pil("PNG", **options),
        "animated.webp": _pil("WEBP", **options),
        "pages.tif": _pil("TIFF", save_all=True, append_images=frames),
    }


def _oriented() -> dict[str, bytes]:
    turned = {f"turned-{turn}.jpg": _pil("JPEG", exif=_exif(turn)) for turn in range(1, 9)}
    return {
        **turned,
        "turned.png": _pil("PNG", exif=_exif(6)),
        "odd.jpg": _pil("JPEG", exif=_exif(99)),
    }


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def _cv(suffix: str, image: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(suffix, image, options)[1].tobytes()


def _pil(form: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(noise()[:, :, _BGR]).convert(mode).save(file, form, **options)
    return file.getvalue()

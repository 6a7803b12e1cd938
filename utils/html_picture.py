"""A picture inside an HTML page, so that the page needs nothing besides itself."""

from __future__ import annotations

import base64
import html
from os import PathLike

import cv2
import numpy as np

from ..plate.image import ImageError, load_image

WIDTH, MOST_HEIGHT = 240, 120
"""As pictures are shown, pixels."""
QUALITY = 85


def html_picture(source: str | PathLike[str] | bytes) -> str:
    """An `img` that holds its pixels, shown at most WIDTH x MOST_HEIGHT; or why there is none.

    Args:
        source: the path, or the bytes, of a picture's file.
    """
    try:
        image = load_image(source)
    except ImageError as error:
        return f"<i>{html.escape(error.reason)}</i>"
    except (OSError, ValueError, MemoryError, cv2.error) as error:
        return f"<i>{html.escape(str(error))}</i>"
    height, width = image.shape[:2]
    scale = min(WIDTH / width, MOST_HEIGHT / height)
    shown = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale < 1:
        # What is smaller than it is shown stays so: browsers enlarge as well as we do.
        image = cv2.resize(image, shown, interpolation=cv2.INTER_AREA)
    bgr = np.ascontiguousarray(image[..., ::-1])
    jpeg = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1]
    data = base64.b64encode(jpeg.tobytes()).decode("ascii")
    return (
        f'<img src="data:image/jpeg;base64,{data}" width="{shown[0]}" height="{shown[1]}" alt="">'
    )

"""Pictures are judged by their headers before a decoder sees them."""

from __future__ import annotations

import io
import threading

import cv2
import numpy as np
import pytest

pytest.importorskip("prometheus_client", reason="the extra serve is absent")

from chepai.plate.image import load_image, resize
from chepai.serving import pictures
from chepai.serving.pictures import PictureDecoder, Upload
from chepai.serving.rectangles import Rectangle
from PIL import Image


def noise(width: int, height: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def jpeg(width: int, height: int) -> bytes:
    return cv2.imencode(".jpg", noise(width, height))[1].tobytes()


@pytest.fixture
def decoder() -> PictureDecoder:
    return PictureDecoder(48, 144, max_pixels=200_000)


def test_a_region_is_the_models_pixels_of_its_cut(decoder: PictureDecoder):
    data = jpeg(300, 200)
    image = load_image(data)
    whole = decoder.decode(Upload("a", data))
    cuts = decoder.decode(Upload("a", data, (Rectangle(10, 20, 154, 68), Rectangle(0, 0, 99, 50))))
    assert np.array_equal(whole[0].pixels, resize(image, 48, 144))
    assert np.array_equal(cuts[0].pixels, image[20:68, 10:154])
    assert np.array_equal(cuts[1].pixels, resize(image[:50, :99], 48, 144))
    assert all(region.pixels.base is None for region in whole + cuts), "it keeps a photograph"


def test_a_bad_region_leaves_the_others(decoder: PictureDecoder):
    boxes = (Rectangle(0, 0, 60, 30), Rectangle(900, 0, 960, 30))
    good, bad = decoder.decode(Upload("a", jpeg(300, 200), boxes))
    assert good.error is None and "900,0,960,30" in bad.error


def progressive_with_scans(count: int, size: tuple[int, int] = (64, 32)) -> bytes:
    file = io.BytesIO()
    Image.fromarray(noise(*size)).save(file, "JPEG", progressive=True)
    return file.getvalue()[:-2] + b"\xff\xda\0\x02" * count + b"\xff\xd9"


@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        (b"", 422, "empty"),
        (b"text", 415, "JPEG, PNG, WebP, BMP, GIF and TIFF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", 415, "not a picture"),
        (jpeg(500, 401), 413, "500x401 pixels are too many; 200,000 at most"),
        (progressive_with_scans(100), 422, "too many scans"),
        (progressive_with_scans(20, (500, 400)), 422, "too many scans for its size"),
    ],
)
def test_refusals_never_reach_a_decoder(
    data: bytes,
    status: int,
    sentence: str,
    decoder: PictureDecoder,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(pictures, "load_image", lambda *_: pytest.fail("it was decoded"))
    regions = decoder.decode(Upload(None, data, (Rectangle(0, 0, 20, 20),) * 2))
    assert len(regions) == 2
    assert all(sentence in region.error and region.status == status for region in regions)


def test_an_ordinary_progressive_photograph_of_the_largest_size_is_read(decoder: PictureDecoder):
    file = io.BytesIO()
    Image.fromarray(noise(500, 400)).save(file, "JPEG", progressive=True)
    [region] = decoder.decode(Upload(None, file.getvalue()))
    assert region.error is None


def test_damage_behind_a_good_header_is_told(decoder: PictureDecoder):
    [region] = decoder.decode(Upload(None, jpeg(100, 50)[:-400]))
    assert region.status == 422 and "cut off" in region.error


def test_all_threads_together_decode_no_more_than_the_most(monkeypatch: pytest.MonkeyPatch):
    decoder = PictureDecoder(8, 24, max_pixels=10_000)
    lock, now, most = threading.Lock(), 0, 0

    def slowly(data: bytes, _: int) -> np.ndarray:
        nonlocal now, most
        image = load_image(data)
        with lock:
            now += image.shape[0] * image.shape[1]
            most = max(most, now)
        threading.Event().wait(0.005)
        with lock:
            now -= image.shape[0] * image.shape[1]
        return image

    monkeypatch.setattr(pictures, "load_image", slowly)
    uploads = [Upload(None, jpeg(*size)) for size in ((100, 100), (60, 60), (50, 40))] * 4
    results: list[str | None] = []
    threads = [
        threading.Thread(target=lambda u=upload: results.append(decoder.decode(u)[0].error))
        for upload in uploads
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [None] * 12 and 0 < most <= 10_000

"""Pictures of every make become RGB, or a reason; and the one resize."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai.plate.image import ImageError, load_image, resize

HEIGHT, WIDTH = 40, 120


def picture() -> np.ndarray:
    """RGB, different in every corner and channel, smooth enough for JPEG."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 2, y * 6, 255 - x * 2], axis=-1).astype(np.uint8)


def encoded(suffix: str, rgb: np.ndarray) -> bytes:
    image = rgb if rgb.ndim == 2 else rgb[:, :, [2, 1, 0, *range(3, rgb.shape[2])]]
    return cv2.imencode(suffix, image)[1].tobytes()


def pillow(image: np.ndarray, mode: str, kind: str, **options: object) -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(image).convert(mode).save(data, kind, **options)
    return data.getvalue()


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF block that holds nothing but the orientation (TIFF tag 0x112)."""
    tag = b"\x12\x01\x03\0\x01\0\0\0" + bytes([orientation, 0, 0, 0])
    block = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + tag + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


def assert_near(image: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    assert image.dtype == np.uint8
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() <= tolerance


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".tiff", ".ppm", ".jpg"])
def test_common_formats_keep_their_pixels_and_channel_order(suffix: str, tmp_path: Path):
    data = encoded(suffix, picture())
    file = tmp_path / f"皖A12345{suffix}"
    file.write_bytes(data)
    for source in (data, file, str(file)):
        assert_near(load_image(source), picture(), 1.5 if suffix == ".jpg" else 0)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_become_eight(suffix: str):
    deep = picture().astype(np.uint16) * 256 + 77
    # TIFF rounds where PNG cuts off.
    assert_near(load_image(encoded(suffix, deep)), picture(), 1)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_grey_becomes_three_equal_channels(suffix: str):
    grey = picture()[:, :, 0]
    assert_near(load_image(encoded(suffix, grey)), np.repeat(grey[:, :, None], 3, axis=2), 1)


def test_a_cmyk_jpeg_has_its_colours():
    assert_near(load_image(pillow(picture(), "CMYK", "JPEG", quality=95)), picture(), 2)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_has_the_pixels_that_decoding_to_bgr_gives(mode: str, options: dict, orientation):
    jpeg = with_orientation(pillow(picture(), mode, "JPEG", **options), orientation)
    reference = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(load_image(jpeg), reference[:, :, ::-1])


def test_palettes_and_single_bits_are_read():
    half = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    half[:, WIDTH // 2 :] = 255
    assert_near(load_image(pillow(half, "1", "PNG")), half, 0)
    assert_near(load_image(pillow(half, "P", "PNG")), half, 0)


def test_of_a_gif_the_first_frame_is_read():
    from PIL import Image

    red, blue = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 255
    second = Image.fromarray(blue)
    data = pillow(red, "RGB", "GIF", save_all=True, append_images=[second])
    assert_near(load_image(data), red, 1)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_transparency_lies_over_white(suffix: str):
    image = np.dstack([picture(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    image[:10, :, 3] = 0
    expected = picture()
    expected[:10] = 255
    assert_near(load_image(encoded(suffix, image)), expected, 1)


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda image: image),
        (3, lambda image: image[::-1, ::-1]),
        (6, lambda image: np.rot90(image, -1)),
        (8, np.rot90),
        (2, lambda image: image[:, ::-1]),
    ],
)
def test_a_jpeg_is_turned_as_its_exif_says(orientation: int, turn):
    data = with_orientation(encoded(".jpg", picture()), orientation)
    assert_near(load_image(data), turn(picture()), 1.5)


def test_arrays_are_taken_as_rgb():
    rgb = picture()
    assert_near(load_image(rgb), rgb, 0)
    assert_near(load_image(rgb[:, :, 0]), np.repeat(rgb[:, :, :1], 3, axis=2), 0)
    assert_near(load_image(rgb.astype(np.uint16) * 256), rgb, 0)
    assert load_image(rgb[:, ::-1]).flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".gif", ".tiff"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_file_that_is_cut_off_is_refused(suffix: str, share: float):
    data = encoded(suffix, picture())
    with pytest.raises(ImageError, match=r"cut off|damaged"):
        load_image(data[: int(len(data) * share)])


def test_a_thumbnails_end_does_not_hide_that_a_jpeg_is_cut_off():
    jpeg = encoded(".jpg", picture())
    block = b"\xff\xe1" + (len(jpeg) + 2).to_bytes(2, "big") + jpeg
    whole = jpeg[:2] + block + jpeg[2:]
    assert_near(load_image(whole), picture(), 1.5)
    with pytest.raises(ImageError, match="cut off"):
        load_image(whole[:-100])


def test_bytes_behind_a_jpegs_end_do_no_harm():
    assert_near(load_image(encoded(".jpg", picture()) + b"maker notes"), picture(), 1.5)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"file\ttext\n" * 50, "not an image"),
        (b"\xff\xd8 nothing \xff\xd9", "not an image"),
        (encoded(".png", np.zeros((1, 1, 3), np.uint8)), "1x1 pixels are too few"),
    ],
)
def test_what_is_no_picture_of_a_plate_has_a_reason(data: bytes, reason: str, tmp_path: Path):
    with pytest.raises(ImageError, match=reason):
        load_image(data)
    file = tmp_path / "some.jpg"
    file.write_bytes(data)
    with pytest.raises(ImageError, match=r"some\.jpg") as error:
        load_image(file)
    assert reason in error.value.reason
    assert "some.jpg" not in error.value.reason


def test_missing_files_folders_and_strange_arrays_have_a_reason(tmp_path: Path):
    with pytest.raises(ImageError, match="no such file"):
        load_image(tmp_path / "none.png")
    with pytest.raises(ImageError, match="directory"):
        load_image(tmp_path)
    with pytest.raises(ImageError, match="uint8 is wanted; received float64"):
        load_image(picture() / 255)
    with pytest.raises(ImageError, match=r"received \(2, 40, 120, 3\)"):
        load_image(np.stack([picture()] * 2))


def test_resizing_to_its_own_size_is_the_image_itself():
    image = picture()
    assert resize(image, HEIGHT, WIDTH) is image


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_shrinking_by_a_whole_factor_is_the_mean_of_the_cells(factor: int):
    image = np.random.default_rng(0).integers(0, 256, (12 * factor, 30 * factor, 3), np.uint8)
    cells = image.reshape(12, factor, 30, factor, 3).mean((1, 3))
    assert np.abs(resize(image, 12, 30) - cells).max() <= 0.5 + 1e-6


def test_shrinking_one_axis_leaves_the_other():
    image = np.random.default_rng(0).integers(0, 256, (24, 90, 3), np.uint8)
    cells = image.reshape(24, 30, 3, 3).mean(2)
    assert np.abs(resize(image, 24, 30) - cells).max() <= 0.5 + 1e-6


def test_growing_is_linear_between_pixel_centres():
    ramp = np.repeat(np.array([[0, 100]], np.uint8)[:, :, None], 3, axis=2)
    assert resize(ramp, 1, 4)[0, :, 0].tolist() == [0, 25, 75, 100]


@pytest.mark.parametrize("size", [(20, 60), (47, 143), (60, 100), (70, 220), (140, 440), (39, 700)])
def test_any_size_keeps_the_picture_and_its_place(size: tuple[int, int]):
    y, x = ((np.arange(count) + 0.5) / count for count in size)
    smooth = 128 + 60 * np.sin(3 * x[None, :]) * np.cos(2 * y[:, None])
    y, x = ((np.arange(count) + 0.5) / count for count in (48, 144))
    expected = 128 + 60 * np.sin(3 * x[None, :]) * np.cos(2 * y[:, None])
    image = np.repeat(smooth.round().astype(np.uint8)[:, :, None], 3, axis=2)
    found = resize(image, 48, 144)
    assert found.shape == (48, 144, 3)
    assert np.abs(found[:, :, 0] - expected).mean() < 1


def test_a_fine_pattern_shrinks_to_grey_instead_of_a_false_pattern():
    stripes = np.zeros((192, 576, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(resize(stripes, 48, 144).astype(int)) <= 1

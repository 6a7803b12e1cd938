"""Forms are understood however they are cut into pieces, and refused with a sentence."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the extra serve is absent")

from chepai.serving.errors import ServiceError
from chepai.serving.form import Form
from chepai.serving.rectangles import Rectangle
from chepai.serving.settings import make_settings

TYPE = "multipart/form-data; boundary=xx"
SETTINGS = make_settings(max_images=3, max_rects=2)


def part(name: str, data: bytes, file: str | None = None) -> bytes:
    told = f'Content-Disposition: form-data; name="{name}"' + (
        f'; filename="{file}"' if file else ""
    )
    return b"--xx\r\n" + told.encode() + b"\r\n\r\n" + data + b"\r\n"


def read(*parts: bytes, end: bytes = b"--xx--\r\n", type_: str = TYPE, step: int = 1 << 20):
    form = Form(type_, SETTINGS)
    body = b"".join(parts) + end
    for start in range(0, len(body), step):
        form.feed(body[start : start + step])
    return form.uploads()


@pytest.mark.parametrize("step", [1, 2, 7, 64, 1 << 20])
def test_pieces_of_any_size_give_the_same_pictures(step: int):
    data = np.random.default_rng(5).bytes(700) + b"\r\n--xy\r\n--x\r\n"
    uploads = read(
        part("img", data, "京A.jpg"), part("extra", b"?"), part("img", b"", "b.jpg"),
        part("rect", b"1,2,30,40"), step=step,
    )  # fmt: skip
    assert [(upload.name, upload.data) for upload in uploads] == [("京A.jpg", data), ("b.jpg", b"")]
    assert all(upload.rectangles == (Rectangle(1, 2, 30, 40),) for upload in uploads)


def test_rectangles_go_to_their_pictures():
    img = part("img", b"1"), part("img", b"2")
    first, second = read(*img, part("rect", b""), part("rect", b"0,0,20,20,5,5,30,30"))
    assert (first.plates, second.plates) == (1, 2) and first.rectangles == ()
    assert [upload.plates for upload in read(*img)] == [1, 1]


@pytest.mark.parametrize(
    ("parts", "options", "status", "sentence"),
    [
        ([], {}, 422, "no picture"),
        ([part("picture", b"1")], {}, 422, "send it as the field img"),
        ([part("img", b"1")], {"end": b""}, 400, "cut off"),
        ([b"nonsense"], {}, 400, "broken"),
        ([b'--xx\r\nX: "' + b"y" * 90_000], {}, 400, "broken"),
        ([b"--xx\r\n" + b"X: y\r\n" * 50], {}, 400, "broken"),
        ([part("img", b"1")], {"type_": "image/jpeg"}, 415, "not image/jpeg"),
        ([part("img", b"1")], {"type_": ""}, 415, "not nothing"),
        ([part("img", b"1")], {"type_": "multipart/form-data"}, 400, "boundary"),
        ([part("img", b"1")], {"type_": TYPE + "x" * 300}, 400, "boundary"),
        ([part("img", b"1")] * 4, {}, 413, "more than 3 pictures"),
        ([part("img", b"1")] + [part("rect", b"1,1,9,9")] * 2, {}, 422, "1 pictures have 2 rect"),
        ([part("img", b"1"), part("rect", b"1," * 40_000)], {}, 413, "longer than 65536"),
        ([part("img", b"1"), part("rect", b"1,2,3,4" + b",1,2,3,4" * 2)], {}, 422, "more than 2"),
        ([part("x", b"")] * 100, {}, 413, "too many parts"),
    ],
)
def test_what_is_wrong_has_its_status_and_sentence(
    parts: list[bytes], options: dict, status: int, sentence: str
):
    with pytest.raises(ServiceError, match=sentence) as refused:
        read(*parts, **options)
    assert refused.value.status == status

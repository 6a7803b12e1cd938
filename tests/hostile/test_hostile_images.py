"""Whatever strangers call a picture is read, or refused with a reason, in bounded time."""

from __future__ import annotations

import itertools
import re
import time

import numpy as np
import pytest
from chepai.inference.files import sample_pictures
from chepai.plate.image import ImageError, load_image
from chepai.plate.picture_guard import MOST_BYTES, MOST_PIXELS, refusal

pytest.importorskip("PIL", reason="the extra render is absent")

import hostile_images
from fuzz_images import Findings, try_door
from picture_mutations import mutated
from picture_parts import join, split
from picture_seeds import seeds

REASONS = re.compile(
    r"the file is (empty|cut off: its end is missing)|not an image, or damaged(; JPEG.* are read)?"
    r"|\d+x\d+ pixels are too (many; [\d,]+ at most|few for a plate; 12x6 at least)"
    r"|the JPEG has too many scans for its size|the PNG has more than 20,000 chunks"
    r"|\d+ bytes are too many .*|its pixels have \d+ bits a colour; 16 at most"
)
MOST_SECONDS = 5.0  # of the processor; 1 on a machine that has nothing else to do


def outcome(data: bytes) -> str:
    """`read`, or the reason of the refusal; fails where that is none, or comes late."""
    start = time.process_time()
    try:
        image = load_image(data)
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        found = "read"
    except ImageError as error:
        assert REASONS.fullmatch(error.reason), error.reason
        found = error.reason
    assert time.process_time() - start < MOST_SECONDS
    return found


def test_every_seed_of_a_known_format_is_read():
    unknown = {name for name, data in seeds().items() if outcome(data) != "read"}
    assert unknown == {name for name in seeds() if name.startswith("other.")}


@pytest.mark.parametrize(
    "group",
    ["flips", "wrong_magics", "declared_sizes", "odd_shapes", "costly", "nested", "no_pictures"],
)
def test_hostile_pictures_are_read_or_have_a_clear_reason(group: str):
    outcomes = {name: outcome(data) for name, data in getattr(hostile_images, group)()}
    assert any(found != "read" for found in outcomes.values())


def test_a_picture_cut_off_anywhere_is_never_read_as_if_it_were_whole():
    read = [name for name, data in hostile_images.truncations() if outcome(data) == "read"]
    # What lacks is the end of its last row, which decoders of these formats leave black.
    assert all(name.endswith((".tif", ".jp2", ".ppm", ".gif")) for name in read), read


def test_what_promises_gigabytes_is_refused_before_a_decoder_sees_it():
    for name, data in hostile_images.declared_sizes():
        if "60000x60000" in name or "2147483647x2147483647" in name:
            assert refusal(data) is not None, name


def test_what_costs_much_is_refused_before_a_decoder_sees_it():
    made = dict(hostile_images.costly())
    for name in ("900 million pixels of nothing.png", "1,000 scans.jpg", "16 MB of fill.jpg"):
        assert refusal(made[name]) is not None, name
    assert refusal(made["25 million pixels of 64 bits.tif"]).kind == "unknown"
    assert refusal(made["25 million pixels of 16 bits.tif"]).kind == "pixels"
    for name in ("100,000 chunks.png", "100,000 empty pieces.png"):
        assert refusal(made[name]).kind == "work", name
    assert refusal(bytes(MOST_BYTES + 1)).kind == "bytes"
    assert MOST_PIXELS == 25_000_000


@pytest.mark.parametrize("kind", ["tRNS", "tEXt", "IDAT", "IEND"])
def test_a_piece_that_claims_more_than_the_file_has_is_refused_before_a_decoder_sees_it(kind: str):
    made = dict(hostile_images.costly())
    assert refusal(made[f"{kind} of 4 GB.png"]).kind == "cut"


@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_of_the_most_pixels_is_read_and_one_row_more_is_not(bits: int):
    made, height = hostile_images.deep_tiff, MOST_PIXELS // 1000 // (bits // 8)
    assert outcome(made(1000, height, bits)) == "read"
    assert refusal(made(1000, height + 50, bits)).kind == "pixels"


def test_formats_that_are_slow_to_decode_may_have_fewer_pixels():
    def webp(width: int, height: int) -> bytes:
        sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        data = b"WEBPVP8X" + (10).to_bytes(4, "little") + b"\x10\0\0\0" + sizes
        return b"RIFF" + len(data).to_bytes(4, "little") + data

    assert refusal(webp(5000, MOST_PIXELS // 10_000)) is None
    assert refusal(webp(5000, MOST_PIXELS // 10_000 + 1)).kind == "pixels"


def test_what_stands_behind_a_whole_png_does_not_matter():
    png = hostile_images.seeds()["plain.png"]
    assert outcome(png + b"\xff" * 30) == "read"
    assert refusal(png[:-1]).kind == refusal(png[:-12]).kind == "cut"


def test_a_file_taken_to_parts_and_joined_is_the_same():
    for name, data in seeds().items():
        assert join(split(data)) == data, name


def test_mutations_are_the_same_again_and_differ_from_each_other():
    made = [mutated(number) for number in range(60)]
    assert made == [mutated(number) for number in range(60)]
    assert len({data for _, data in made}) > 55


def test_mutated_pictures_are_read_or_have_a_clear_reason():
    outcomes = [outcome(mutated(number, seed=1)[1]) for number in range(1500)]
    share = outcomes.count("read") / len(outcomes)
    assert 0.1 < share < 0.9, "mutations that all fail at once, or never, find nothing"


def test_the_readers_door_survives_inputs_in_a_process_of_its_own():
    findings = try_door("reader", 60, seed=3, limit=20.0, keep=None)
    assert findings.inputs == 60 and findings.read > 30
    assert not findings.crashes and not findings.hangs and not findings.unclear


def test_a_child_that_dies_or_hangs_is_seen_and_its_input_kept(tmp_path, monkeypatch):
    from fuzz_images import Child

    class Dying(Child):
        """Ends at the second input of each child: by a signal, or never; it hates number 3."""

        def __init__(self, door: str, first: int, end: int, size: int, seed: int) -> None:
            self._lines = iter([{}, *self._answers(first, end)])
            self._status = -11 if first < 2 else None

        def _answers(self, first: int, end: int):
            for number in itertools.islice(range(first, end), int(first != 3)):
                line = {"number": number, "name": "x", "outcome": "read"}
                yield {"trying": number}
                yield line | {"seconds": 0.1, "mb": 50.0, "most_mb": 60.0}

        def line(self, limit: float):
            return next(self._lines, None)

        def end(self):
            return self._status

    monkeypatch.setattr("fuzz_images.Child", Dying)
    findings = try_door("reader", 6, seed=0, limit=1.0, keep=tmp_path)
    assert [found["number"] for found in findings.crashes] == [1]
    assert [found["number"] for found in findings.hangs] == [3]
    assert findings.slow_once == [3, 5], "what is only slow once is tried again"
    assert findings.inputs == 6 and not findings.good
    assert sorted(file.name for file in tmp_path.iterdir()) == ["reader-1.bin", "reader-3.bin"]


def test_memory_that_grows_is_told_and_a_large_picture_is_not_growth():
    steady = Findings(peak_mb=500.0, held_mb=[100.0] * 9 + [400.0] + [101.0] * 10)
    assert steady.good and steady.growth < 0.02
    assert not Findings(held_mb=[100.0 + 10 * number for number in range(20)]).good
    assert not Findings(peak_mb=4000.0, held_mb=[100.0] * 20).good


def test_exactly_the_transparency_of_the_formula():
    levels = np.arange(256, dtype=np.uint8)
    image = np.zeros((256, 256, 4), np.uint8)
    image[:, :, :3], image[:, :, 3] = levels[None, :, None], levels[:, None]
    share = image[:, :, 3:].astype(np.float64) / 255
    wanted = np.rint(image[:, :, :3] * share + 255 * (1 - share))
    assert np.array_equal(load_image(image), wanted)


def test_a_whole_plate_costs_its_check_little():
    data = [file.read_bytes() for file in sample_pictures()]
    start = time.process_time()
    assert all(refusal(each) is None for each in data * 20)
    assert (time.process_time() - start) / (20 * len(data)) < 0.001

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import yaml
from chepai.dataset.file_util import read_records
from chepai.dataset.synthetic import sets
from chepai.dataset.synthetic.renderer import PlateRenderer
from chepai.errors import InputError
from chepai.plate.schema import load_schema

COUNT = 6


@pytest.fixture(scope="module")
def renderer():
    return PlateRenderer()


@pytest.fixture(scope="module")
def folder(renderer, tmp_path_factory):
    return sets.render_set("eval-v1", tmp_path_factory.mktemp("sets"), renderer, COUNT)


def test_a_set_reads_back_with_the_labels_that_were_rendered(folder, renderer):
    for scene in ("gate", "road"):
        records = read_records(folder / scene / "labels.tsv", load_schema("cn"))
        plates = list(sets.set_plates(renderer, "eval-v1", scene, COUNT))
        assert [record.text for record in records] == [plate.text for plate in plates]
        for record, plate in zip(records, plates, strict=True):
            assert np.array_equal(record.labels, plate.labels)
            written = cv2.imread(str(record.path))[..., ::-1]
            assert written.shape == plate.image.shape
            assert np.abs(written.astype(float) - plate.image).mean() < 6


def test_kinds_of_a_set_come_in_turn(renderer):
    kinds = len(renderer.kinds)
    chosen = sets.find_set("eval-v1")
    asked = [sets.set_request(chosen, "gate", i, renderer.kinds).kind for i in range(2 * kinds)]
    assert asked == renderer.kinds * 2


def test_every_province_of_a_kind_has_its_turn(renderer):
    chosen = sets.find_set("eval-v1")
    blue = renderer.kinds.index("blue")
    first = set()
    for turn in range(31):
        request = sets.set_request(
            chosen, "road", turn * len(renderer.kinds) + blue, renderer.kinds
        )
        plate = sets.render_request(renderer, request)
        assert plate.kind == "blue"
        first.add(plate.text[0])
    assert len(first) == 31


def test_the_set_says_how_it_was_made(folder):
    values = yaml.safe_load((folder / "set.yaml").read_text("utf-8"))
    assert values["name"] == "eval-v1"
    assert values["plates_per_scene"] == COUNT
    assert values["scenes"]["road"]["width"] == [38, 120]
    assert sorted(p.name for p in folder.iterdir()) == [
        "gate", "parking", "reject", "road", "set.yaml",
    ]  # fmt: skip


def test_worker_processes_write_the_same_files(folder, renderer, tmp_path):
    chosen = sets.find_set("eval-v1")
    requests = [sets.set_request(chosen, "gate", i, renderer.kinds) for i in range(3)]
    sets.write_plates(requests, tmp_path / "gate", renderer, workers=1)
    for index in range(3):
        name = f"{index:06d}.jpg"
        assert (tmp_path / "gate" / name).read_bytes() == (folder / "gate" / name).read_bytes()


def test_a_mix_has_every_scene_and_unknown_names_are_refused():
    scenes = {request.scene for request in sets.mixed_requests("mix", 200, 0)}
    assert scenes == {"gate", "parking", "road", "stored", "reject"}
    with pytest.raises(InputError, match="unknown scene 'sea'"):
        sets.mixed_requests("sea", 1, 0)
    with pytest.raises(InputError, match="no rendered set 'eval-v0'"):
        sets.find_set("eval-v0")


def test_a_sheet_shows_its_pictures_in_rows():
    pictures = [np.full((20, 40, 3), 10 * i, np.uint8) for i in range(10)]
    sheet = sets.contact_sheet(pictures, columns=4)
    assert sheet.shape == (3 * 62, 4 * 182, 3)
    assert sheet[62 + 31, 91].tolist() == [40, 40, 40]


def test_an_interrupted_rendering_leaves_no_labels_of_other_pictures(renderer, tmp_path):
    requests = sets.mixed_requests("gate", 4, seed=1)
    sets.write_plates(requests, tmp_path, renderer, 0)
    broken = [*sets.mixed_requests("gate", 2, seed=2), replace(requests[0], scene="nowhere")]
    with pytest.raises(InputError, match="nowhere"):
        sets.write_plates(broken, tmp_path, renderer, 0)
    assert not (tmp_path / "labels.tsv").exists()
    sets.write_plates(requests[:2], tmp_path, renderer, 0)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "000000.jpg",
        "000001.jpg",
        "labels.tsv",
    ]


def test_pictures_that_cannot_be_read_are_no_backgrounds(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(InputError, match="no readable pictures"):
        PlateRenderer(backgrounds=str(tmp_path))


def test_labels_of_something_else_are_not_replaced(renderer, tmp_path):
    (tmp_path / "labels.tsv").write_text("file\ttext\nmine.jpg\t京A12345\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"labels.tsv is not of rendered plates: give another"):
        sets.write_plates(sets.mixed_requests("gate", 1, seed=1), tmp_path, renderer, 0)
    assert "mine.jpg" in (tmp_path / "labels.tsv").read_text(encoding="utf-8")

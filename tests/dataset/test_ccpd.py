"""CCPD trees: names to labels, photographs to plates, official splits. The tree is made here."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai.commands import import_ccpd
from chepai.dataset.ccpd import parse_name, read_ccpd, text_of
from chepai.dataset.file_util import read_plates, read_records
from chepai.dataset.plate_cut import cut_box, rectify
from chepai.errors import InputError
from chepai.plate.image import ImageError, load_image
from chepai.plate.schema import load_schema
from chepai.run import main

CN = load_schema("cn")
# The example of CCPD's own description.
NAME = "025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg"
NUMBERS = "0_0_22_27_27_33_16"
CORNERS = np.array([[154, 383], [363, 402], [386, 473], [177, 454]], float)
QUARTERS = {"left top": (255, 0, 0), "right top": (0, 255, 0), "right bottom": (0, 0, 255)}


def photograph() -> np.ndarray:
    """Grey, with a plate whose quarters are red, green, blue and white, clockwise."""
    plate = np.full((100, 314, 3), 255, np.uint8)
    plate[:50, :157], plate[:50, 157:], plate[50:, 157:] = QUARTERS.values()
    source = np.float32([[0, 0], [314, 0], [314, 100], [0, 100]]) - 0.5
    matrix = cv2.getPerspectiveTransform(source, CORNERS.astype(np.float32))
    scene = np.full((600, 500, 3), 128, np.uint8)
    cv2.warpPerspective(plate, matrix, (500, 600), scene, borderMode=cv2.BORDER_TRANSPARENT)
    return scene


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    picture = cv2.imencode(".jpg", photograph()[:, :, ::-1])[1].tobytes()
    files = {
        "CCPD2019/ccpd_base": [NAME, NAME.replace("025-", "026-")],
        "CCPD2019/ccpd_blur": [NAME, NAME.replace(NUMBERS, "10_1_24_24_24_24_24")],
        "CCPD2019/ccpd_np": ["1234.jpg"],
        "CCPD2020/ccpd_green/val": [NAME.replace(NUMBERS, "0_0_3_24_28_24_31_33")],
    }
    for folder, names in files.items():
        (root / folder).mkdir(parents=True)
        for name in names:
            (root / folder / name).write_bytes(picture)
    splits = root / "CCPD2019" / "splits"
    splits.mkdir()
    (splits / "train.txt").write_text(f"ccpd_base/{NAME}\nccpd_base/lost.jpg\n")
    (splits / "ccpd_blur.txt").write_text("".join(f"ccpd_blur/{n}\n" for n in [NAME]))
    return root


def run(*arguments: str) -> int:
    import argparse

    parser = argparse.ArgumentParser()
    import_ccpd.add_arguments(parser)
    return import_ccpd.run(parser.parse_args(arguments))


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        (NUMBERS, "皖AY339S"),
        ("12_23_0_23_24_33_7", "京ZAZ09H"),
        ("0_0_3_24_28_24_31_33", "皖AD04079"),
        ("0_24_0_0_0_0_0", "皖AAAAA"),  # 24: no character
        ("34_0_0_0_0_0_0", None),
        ("0_0_35_0_0_0_0", None),
        ("a_b", None),
    ],
)
def test_class_numbers_spell_the_plate(numbers: str, text: str | None):
    assert text_of(numbers) == text


def test_a_name_gives_text_box_and_corners():
    plate = parse_name(Path("ccpd_base") / NAME, "ccpd_base")
    assert plate is not None
    assert (plate.text, plate.colour, plate.box) == ("皖AY339S", "blue", (154, 383, 386, 473))
    assert plate.corners.tolist() == CORNERS.tolist()


@pytest.mark.parametrize("name", ["1234.jpg", "a-b-c-d-e-f-g.jpg", NAME.replace("&402", "")])
def test_other_names_give_nothing(name: str):
    assert parse_name(Path(name), "ccpd_base") is None


def test_a_rectified_plate_stands_upright_with_its_true_aspect():
    plate = rectify(photograph(), CORNERS, "皖AY339S", None)
    height, width = plate.shape[:2]
    assert width == 210  # the longer edge: from (154, 383) to (363, 402)
    assert width / height == pytest.approx(440 / 140, rel=0.02)
    corner = 5
    assert np.abs(plate[corner, corner].astype(int) - (255, 0, 0)).max() < 30
    assert np.abs(plate[corner, -corner].astype(int) - (0, 255, 0)).max() < 30
    assert np.abs(plate[-corner, -corner].astype(int) - (0, 0, 255)).max() < 30
    assert plate[-corner, corner].min() > 225
    inside = plate[2:-2, 2:-2].reshape(-1, 3).astype(int)
    assert not (np.abs(inside - 128).max(1) < 20).any()  # none of the grey around it
    assert rectify(photograph(), CORNERS, "皖AY339S", (94, 24)).shape == (24, 94, 3)


def test_a_box_is_cut_upright_and_clipped():
    scene = photograph()
    assert np.array_equal(cut_box(scene, (154, 383, 386, 473), None), scene[383:473, 154:386])
    assert cut_box(scene, (-5, 590, 50, 700), None).shape == (10, 50, 3)


def test_the_whole_tree_is_cut_with_label_files(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "out"
    assert run(str(tree), "--output", str(output), "--workers", "2") == 0
    records = read_records(output / "labels.tsv", CN)
    assert sorted(record.path.relative_to(output).as_posix() for record in records) == [
        "ccpd_base/皖AY339S.jpg",
        "ccpd_base/皖AY339S_1.jpg",
        "ccpd_blur/皖AY339S.jpg",
        "ccpd_blur/苏B00000.jpg",
        "ccpd_green/皖AD04079.jpg",
    ]
    assert {record.colour for record in records if len(record.text) == 8} == {"green"}
    assert load_image(records[0].path).shape == (67, 210, 3)
    for name, count in (("train", 1), ("validation", 1), ("test", 1), ("ccpd_blur", 2)):
        assert len(read_records(output / f"{name}.tsv", CN)) == count
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["ccpd_base", "2", "2", "0"] in lines
    assert ["ccpd_np", "0", "0", "1"] in lines
    assert ["CCPD2019/splits/train.txt", "2", "1"] in lines
    assert ["1", "of", "1", "test", "pictures"] in [line[:5] for line in lines]


def test_cutting_by_box_to_a_size_makes_lprnets_folder(tree: Path, tmp_path: Path):
    output = tmp_path / "out"
    base = tree / "CCPD2019" / "ccpd_base"
    assert run(str(base), "--output", str(output), "--cut", "box", "--size", "94x24") == 0
    records = read_records(output / "ccpd_base", CN)
    assert [record.text for record in records] == ["皖AY339S", "皖AY339S"]
    assert load_image(records[0].path).shape == (24, 94, 3)


def test_broken_photographs_and_impossible_texts_are_counted(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    base = tree / "CCPD2019" / "ccpd_base"
    (base / NAME).write_bytes(b"no picture")
    (base / NAME.replace(NUMBERS, "0_24_0_0_0_0_0")).write_bytes(b"")
    (base / NAME.replace(NUMBERS, "31_0_0_0_0_0_0")).write_bytes(b"")
    assert run(str(base), "--output", str(tmp_path / "out")) == 1
    out = capsys.readouterr().out
    for reason in ("1: not an image", "1: text of no kind of plate", "1: text not in the schema"):
        assert reason in out
    assert read_ccpd(base).unlabelled == {}


def test_wrong_arguments_are_named(tmp_path: Path):
    with pytest.raises(InputError, match="no CCPD tree"):
        run(str(tmp_path), "--output", str(tmp_path / "out"))
    (tmp_path / "ccpd_base").mkdir()
    with pytest.raises(InputError, match="holds no photograph"):
        run(str(tmp_path), "--output", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="there is no folder"):
        run(str(tmp_path / "none"), "--output", str(tmp_path / "out"))
    with pytest.raises(InputError, match="--size wants"):
        run(str(tmp_path), "--output", "x", "--size", "94")
    with pytest.raises(InputError, match="--clpd"):
        run("--output", "x")


def test_what_other_systems_hide_beside_photographs_are_none(tree: Path):
    folder = tree / "CCPD2019" / "ccpd_base"
    before = len(read_ccpd(tree / "CCPD2019").plates)
    (folder / f"._{NAME}").write_bytes(b"resource fork")
    assert len(read_ccpd(tree / "CCPD2019").plates) == before


def test_what_was_cut_is_read_by_its_folders_too(tree: Path, tmp_path: Path):
    assert run(str(tree), "--output", str(tmp_path / "cut")) == 0
    records = read_plates(tmp_path / "cut" / "ccpd_blur", CN)
    assert {record.text for record in records} == {"皖AY339S", "苏B00000"}
    whole = read_plates(tmp_path / "cut", CN)
    assert {record.rows for record in whole} == {1}


@pytest.mark.parametrize("factor", [1e4, 1e100])
def test_corners_far_outside_are_left_out(factor: float):
    with pytest.raises(ImageError, match="corners lie outside the photograph"):
        rectify(photograph(), CORNERS * factor, "皖AY339S", None)


def test_photographs_become_an_array_but_no_tfrecords(tree: Path, tmp_path: Path, capsys):
    data, output = str(tree / "CCPD2019"), tmp_path / "array"
    assert main(["make-tfrecord", data, "--output", str(output), "--format", "array"]) == 0
    assert np.load(output / "plates.npy").shape == (4, 48, 144, 3)
    assert main(["make-tfrecord", data, "--output", str(tmp_path / "records")]) == 2
    assert "of photographs the plates are wanted: cut them first" in capsys.readouterr().err
    assert main(["audit", "--data", data]) == 2
    assert "CCPD's photographs: cut its plates first, import-ccpd" in capsys.readouterr().err

"""A CCPD tree is trained on and tested where it lies, and pictures are kept where that is asked."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from chepai.configs import load_config
from chepai.dataset.ccpd_records import is_ccpd
from chepai.dataset.file_util import read_plates
from chepai.dataset.pictures import Pictures, picture_of, readable_source
from chepai.dataset.sources import training_source
from chepai.errors import InputError
from chepai.plate.image import load_image, resize
from chepai.plate.schema import load_schema

CN = load_schema("cn")
NAME = "025-95_113-20&30_80&50-80&50_20&50_20&30_80&30-0_0_22_27_27_33_16-37-15.png"
GREEN = NAME.replace("0_0_22_27_27_33_16", "0_0_3_24_28_24_31_33")
IMPOSSIBLE = NAME.replace("0_0_22_27_27_33_16", "31_0_22_27_27_33_16")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Grey photographs with a red box where the plate is; lossless under the name of a JPEG."""
    scene = np.full((90, 120, 3), 128, np.uint8)
    scene[30:50, 20:80] = (0, 0, 255)
    data = cv2.imencode(".png", scene)[1].tobytes()
    for folder, name in (
        ("ccpd_base", NAME), ("ccpd_base", IMPOSSIBLE), ("ccpd_green", GREEN),
    ):  # fmt: skip
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name.replace(".png", ".jpg")).write_bytes(data)
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "train.txt").write_text(f"ccpd_base/{NAME[:-4]}.jpg\n")
    (tmp_path / "splits" / "test.txt").write_text(f"ccpd_green/{GREEN[:-4]}.jpg\n")
    return tmp_path


def test_plates_are_cut_by_their_box_and_labelled_by_their_name(tree: Path):
    records = read_plates(tree, CN)
    assert [(r.text, r.colour) for r in records] == [("皖AY339S", "blue"), ("皖AD04079", "green")]
    assert len(records.skipped) == 1 and "警" in records.skipped[0]
    cut = picture_of(records[0])
    assert isinstance(cut, np.ndarray) and cut.shape == (20, 60, 3)
    assert (cut == (255, 0, 0)).all()


def test_a_split_is_named_behind_the_tree(tree: Path):
    assert [r.text for r in read_plates(f"{tree}:train", CN)] == ["皖AY339S"]
    assert [r.text for r in read_plates(f"{tree}:test", CN)] == ["皖AD04079"]
    with pytest.raises(InputError, match="holds no plate of the split validation"):
        read_plates(f"{tree}:validation", CN)


def test_what_was_cut_out_of_a_tree_is_no_tree(tree: Path):
    assert is_ccpd(tree) and is_ccpd(tree / "ccpd_base") and is_ccpd(f"{tree}:test")
    (tree / "labels.tsv").write_text("file\ttext\n")
    assert not is_ccpd(tree)


@pytest.mark.parametrize("cache", [False, True])
def test_training_sees_the_cut_plates(tree: Path, cache: bool):
    overrides = [f"data.train=['{tree}:train']", "data.workers=0", "augment.enabled=false"]
    config = load_config("lprnet", overrides=[*overrides, f"data.cache={cache}"])
    source = training_source(config, CN)
    for images, labels in (next(iter(source.batches(0))), next(iter(source.evaluation()))):
        assert np.array(images).shape == (1, 24, 94, 3)
        assert (np.array(images) == (255, 0, 0)).all()
        assert np.array(labels)[0, CN.index("length")] == CN.heads[8].indices["7"]


def test_kept_pictures_are_read_once_and_stay_the_same(tree: Path):
    records = read_plates(tree, CN)
    pictures = Pictures(records, keep=(24, 94))
    (first,) = pictures([1])
    records[1].path.unlink()
    (again,) = pictures([1])
    assert again is first
    assert first.shape == (24, 94, 3)
    with pytest.raises(InputError, match="cannot read the image"):
        Pictures(records)([1])
    # A reader is given the path, and says why it cannot be read.
    assert readable_source(records[1]) == records[1].path


def test_whole_pictures_are_kept_as_reading_sees_them(tmp_path: Path):
    picture = np.random.default_rng(1).integers(0, 256, (30, 100, 3), dtype=np.uint8)
    path = tmp_path / "皖A12345.png"
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    records = read_plates(tmp_path, CN)
    (kept,) = Pictures(records, keep=(24, 94))([0])
    np.testing.assert_array_equal(kept, resize(load_image(path), 24, 94))

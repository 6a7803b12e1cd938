"""CCPD2019 and CCPD2020 trees: the file names are the labels.

`025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg`: area,
tilts, box, four corners from the right bottom clockwise, class numbers of the characters,
brightness, blur. Plates of seven characters are blue, of eight (`ccpd_green`) green; `ccpd_np`
has cars without plates. Data set and tables: Xu et al., ECCV 2018, github.com/detectRecog/CCPD.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..utils.label_lines import read_text
from .plate_cut import PhotographedPlate

# In each table the last, O, stands for "no character".
PROVINCES = "皖沪津渝冀晋蒙辽吉黑苏浙京闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新警学"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
MARKS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
_SPLIT_NAMES = {"train": "train", "val": "validation", "test": "test"}
_SPLIT_FOLDERS = ("splits", "split")
_GREEN_LENGTH = 8


@dataclass
class CcpdTree:
    """What a tree holds.

    Attributes:
        plates: all with a label, by subset and name.
        unlabelled: subset -> pictures without one (ccpd_np, or names that are none of CCPD's).
        splits: official split file -> (names listed, those that are in the tree).
    """

    plates: list[PhotographedPlate] = field(default_factory=list)
    unlabelled: Counter[str] = field(default_factory=Counter)
    splits: dict[str, tuple[int, int]] = field(default_factory=dict)


def text_of(numbers: str) -> str | None:
    """The plate that class numbers spell, or None for wrong ones.

    >>> text_of("0_0_22_27_27_33_16")
    '皖AY339S'
    """
    characters = []
    for position, number in enumerate(numbers.split("_")):
        table = (PROVINCES, LETTERS)[position] if position < 2 else MARKS
        if not number.isdecimal() or int(number) > len(table):
            return None
        characters.append(f"{table} "[int(number)])
    return "".join(characters).replace(" ", "")


def parse_name(path: Path, subset: str) -> PhotographedPlate | None:
    """The plate that a CCPD picture's name describes, or None where it describes none."""
    fields = path.stem.split("-")
    if len(fields) != 7:
        return None
    text = text_of(fields[4])
    try:
        box = [int(value) for value in fields[2].replace("&", "_").split("_")]
        points = [float(value) for value in fields[3].replace("&", "_").split("_")]
        corners = np.array(points).reshape(4, 2)
    except ValueError:
        return None
    if not text or len(box) != 4:
        return None
    # From right bottom, left bottom, left top, right top to left top, right top, …
    corners = corners[[2, 3, 0, 1]]
    colour = "green" if len(text) == _GREEN_LENGTH else "blue"
    x1, y1, x2, y2 = box
    return PhotographedPlate(path, text, corners, (x1, y1, x2, y2), subset, colour=colour, rows=1)


def pictures_in(folder: Path) -> Iterator[Path]:
    """The photographs below a folder; not what other systems hide beside them."""
    return (path for path in folder.rglob("*.jpg") if not path.name.startswith("."))


def read_ccpd(root: str | Path) -> CcpdTree:
    """Finds every `ccpd_*` folder and split file below `root` (a whole tree, or one subset).

    Train, validation and test are what `splits/train.txt`, `val.txt` and `test.txt` say, and the
    folders of that name in CCPD2020.

    Raises:
        InputError: there is no such folder, or no subset in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"there is no folder {root}; name the one that CCPD was unpacked into")
    subsets = sorted(
        folder
        for folder in [root, *root.rglob("ccpd_*")]
        if folder.is_dir() and folder.name.startswith("ccpd_")
    )
    if not subsets:
        raise InputError(f"{root} holds no folder named ccpd_…, so it is no CCPD tree")
    tree = CcpdTree()
    split_of = _read_splits(root)
    present = set()
    for folder in subsets:
        for path in sorted(pictures_in(folder)):
            name = f"{folder.name}/{path.name}"
            present.add(name)
            plate = parse_name(path, folder.name)
            if plate is None:
                tree.unlabelled[folder.name] += 1
                continue
            # CCPD2020 has its splits as folders: ccpd_green/train/….
            inner = _SPLIT_NAMES.get(path.relative_to(folder).parts[0])
            tree.plates.append(replace(plate, split=split_of.get(name, inner)))
    for file in _split_files(root):
        names = _listed(file)
        tree.splits[file.relative_to(root).as_posix()] = (len(names), len(present & set(names)))
    return tree


def _split_files(root: Path) -> list[Path]:
    return sorted(file for folder in _SPLIT_FOLDERS for file in root.rglob(f"{folder}/*.txt"))


def _listed(file: Path) -> list[str]:
    """What a split file lists, as `ccpd_base/….jpg`."""
    lines = (line.strip().replace("\\", "/") for line in read_text(file).splitlines())
    return ["/".join(line.split("/")[-2:]) for line in lines if line]


def _read_splits(root: Path) -> dict[str, str]:
    """Picture -> train, validation or test. The `ccpd_….txt` files are parts of the test set."""
    split_of: dict[str, str] = {}
    for file in _split_files(root):
        split = _SPLIT_NAMES.get(file.stem, "test" if file.stem.startswith("ccpd_") else None)
        if split is not None:
            split_of.update(dict.fromkeys(_listed(file), split))
    return split_of

"""Pictures whose pixels say which labels are theirs, for the tests of sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from chepai.configs import AugmentConfig, Config, load_config, parse_config
from chepai.dataset.augment import augmentation_names
from chepai.dataset.records import PlateRecord
from chepai.plate.schema import LabelSchema

COUNT = 53
"""Not a multiple of any batch size here, and below the 65 classes of the second head."""


def still_config(*overrides: str) -> Config:
    """A small configuration that leaves the pixels alone unless `overrides` say otherwise."""
    base = ["train.batch_size=8", "data.workers=2", "model.height=16", "model.width=32"]
    config = load_config("quick", overrides=[*base, *overrides])
    if any("augment" in override for override in overrides):
        return config
    values = config.model_dump()
    return parse_config({**values, "augment": no_augmentation().model_dump()})


def no_augmentation() -> AugmentConfig:
    """Every strength 0."""
    return AugmentConfig(**dict.fromkeys(augmentation_names(), 0.0))


def number_image(number: int) -> np.ndarray:
    """Uniform pixels from which `number_of` reads the number, through JPEG too."""
    return np.full((20, 40, 3), 4 * number, np.uint8)


def number_of(image: np.ndarray) -> int:
    """The number of a `number_image`."""
    return round(float(image.mean()) / 4)


def number_labels(number: int, schema: LabelSchema) -> np.ndarray:
    """Labels that name the number in the second head (below 25) and third; the rest vary."""
    labels = np.full(len(schema.heads), -1, np.int32)
    labels[:3] = number % 7, number % 23, number
    return labels


def write_records(folder: Path, schema: LabelSchema, count: int = COUNT) -> list[PlateRecord]:
    """JPEG files and their records."""
    records = []
    for number in range(count):
        path = folder / f"{number:03d}.jpg"
        path.write_bytes(cv2.imencode(".jpg", number_image(number))[1].tobytes())
        labels = number_labels(number, schema)
        records.append(PlateRecord(path, labels, "", None, None, number + 1))
    return records


@dataclass
class DrawnPlate:
    """What `NumberRenderer` makes."""

    image: np.ndarray
    labels: np.ndarray


class NumberRenderer:
    """A renderer whose plates tell the first random number that they were drawn with."""

    def __init__(self, schema: LabelSchema) -> None:
        self._schema = schema

    def render(self, rng: np.random.Generator, scene: str) -> DrawnPlate:
        number = int(rng.integers(60))
        labels = number_labels(number, self._schema)
        labels[3] = len(scene)
        return DrawnPlate(number_image(number), labels)


def number_renderer(_: object, schema: LabelSchema) -> NumberRenderer:
    """The factory of `NumberRenderer`, picklable."""
    return NumberRenderer(schema)


def failing_renderer(_: object, __: LabelSchema) -> NumberRenderer:
    """A factory that cannot make one."""
    raise FileNotFoundError("no glyphs in nowhere/")

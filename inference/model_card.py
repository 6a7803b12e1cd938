"""What a model must tell its reader: it travels inside the exported file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from ..plate.alphabet import output_sizes
from ..plate.schema import LabelSchema
from .calibration import Calibration

# The key of the card in an ONNX file's metadata.
METADATA_KEY = "chepai"
FAMILIES = ("multi_label", "ctc", "attention")
PRECISIONS = ("fp32", "fp16", "int8")
# Raised when the pixels that a model receives change: another resize, another channel order.
PREPROCESSING = 1


@dataclass(frozen=True)
class ModelCard:
    """Schema, input and origin of one model.

    Attributes:
        name: the model's own name, for reports.
        schema: what its heads mean.
        height, width: of its input, pixels; the input is uint8 RGB.
        preprocessing: version of the resize and channel order it was trained with.
        preset: the preset that it was trained from, where known.
        family: `multi_label`, `ctc` or `attention`: how the text comes out.
        calibration: what `calibrate` found; None where it was never run on these weights.
        precision: `fp32`, `fp16` or `int8`, in which the file computes.
        versions: package versions at export.
    """

    name: str
    schema: LabelSchema
    height: int
    width: int
    preprocessing: int = PREPROCESSING
    preset: str | None = None
    family: str = "multi_label"
    calibration: Calibration | None = None
    precision: str = "fp32"
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def output_sizes(self) -> dict[str, int]:
        """The model's outputs by name, in order, and how many classes each has."""
        return output_sizes(self.schema, self.family)

    def to_json(self) -> str:
        """The card as one line of JSON."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["schema"] = self.schema.to_dict()
        values["calibration"] = self.calibration and self.calibration.to_dict()
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, source: str) -> ModelCard:
        """Reads `to_json`'s text; `source` names the file in errors.

        Keys that a later version added are ignored.

        Raises:
            InputError: the text is damaged, or asks for pixels that this version cannot make.
        """
        try:
            values = json.loads(text)
            schema = LabelSchema.from_dict(values["schema"])
            known = {key: values[key] for key in cls.__dataclass_fields__ if key in values}
            found = known.get("calibration")
            calibration = None if found is None else Calibration.from_dict(found)
            card = cls(**known | {"schema": schema, "calibration": calibration})
            _check_kinds(card)
            size = (int(card.height), int(card.width))
        except (
            ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError,
        ) as error:  # fmt: skip
            raise InputError(
                f"{source}: its chepai metadata is damaged ({error}); export the model again"
            ) from error
        if min(size) < 1 or card.preprocessing != PREPROCESSING:
            raise InputError(
                f"{source} wants pictures prepared as version {card.preprocessing}, this chepai "
                f"prepares version {PREPROCESSING}; export the model again with this version"
            )
        return card


def _check_kinds(card: ModelCard) -> None:
    """Raises ValueError where a value is of another kind than its field: files say anything."""
    texts = (card.name, card.family, card.precision, card.preset or "", *card.versions.values())
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("names and versions are texts")
    if card.family not in FAMILIES or card.precision not in PRECISIONS:
        raise ValueError(f"there is no family {card.family} in {card.precision}")

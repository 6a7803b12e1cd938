"""What a reader says about one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DEFAULT_MIN_CONFIDENCE = 0.83


@dataclass(frozen=True)
class Reading:
    """One picture's plate, or the reason why there is none.

    Attributes:
        text: the plate's characters; empty where the picture could not be read.
        confidence: the smallest of the characters' probabilities and the length's, 0 to 1.
        accepted: whether `confidence` reaches the threshold that the reader was given.
        characters: (character, probability) from left to right, upper row first.
        colour: one of the schema's colours, or None where the schema has none.
        rows: 1 or 2, or None where the schema does not tell them apart.
        raw_valid: whether the likeliest character of each place makes a plate that exists. Where
            not, `text` is the likeliest plate that does, or, with any text, that raw reading.
            None where nothing was read.
        error: why the picture could not be read; None where it could.
        file: the path as it was given; None for arrays and bytes.
    """

    text: str
    confidence: float
    accepted: bool
    characters: tuple[tuple[str, float], ...] = ()
    colour: str | None = None
    rows: int | None = None
    raw_valid: bool | None = None
    error: str | None = None
    file: str | None = None

    @classmethod
    def failed(cls, error: str, file: str | None = None) -> Reading:
        """The reading of a picture that could not be read."""
        return cls(text="", confidence=0.0, accepted=False, error=error, file=file)

    def to_dict(self) -> dict[str, Any]:
        """Plain values under the names that JSON, CSV and the service use."""
        return {
            "file": self.file,
            "text": self.text,
            "confidence": round(self.confidence, 6),
            "accepted": self.accepted,
            "characters": [[char, round(value, 6)] for char, value in self.characters],
            "colour": self.colour,
            "rows": self.rows,
            "raw_valid": self.raw_valid,
            "error": self.error,
        }

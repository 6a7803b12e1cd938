"""What a calibration looks like, for several rooms' tests."""

from __future__ import annotations

from chepai.inference.calibration import Calibration

CALIBRATION = Calibration(
    temperatures={"char_1": 1.5, "char_2": 0.8, "char_3": 2.0, "length": 3.0},
    min_confidence=0.9125,
    precision=0.995,
    certainty=0.95,
    constrained=True,
    plates=1000,
    accepted=790,
    wrong=0,
    coverage=0.79,
)

"""The named difficulty mixes. All ranges are (low, high); shares are probabilities.

Set by eye against photographed plates. The frozen evaluation sets depend on them: a change
that makes plates easier or harder makes a new set version (see `sets.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError

Range = tuple[float, float]

# Sizes that datasets of cropped plates are stored in (width, height).
# The smallest is the most frequent: small and tilted is what a network learns last.
_STORED_SIZES = (
    *((94, 24),) * 5,
    *((96, 32), (128, 48), (136, 36), (160, 48), (168, 48), (240, 80)),
)


@dataclass(frozen=True)
class Scene:
    """Ranges that one plate's circumstances are drawn from.

    Widths are in pixels of the plate; blur and motion in hundredths of the plate's width;
    angles in degrees; brightness is a factor; `trim` is the share of crops that go inside the
    plate's frame, up to the characters; `blue` is the share of plates that are blue whatever the
    kinds' weights; `sizes` are those (width, height) that resampled pictures are stored in;
    `finer` holds shares of their strokes' width that Chinese characters lose, one of which is
    drawn; `bent` is how far their strokes wander at most, as a share of the character's cell.
    """

    name: str
    width: Range
    yaw: float
    pitch: float
    roll: float
    rectified: float
    slack: Range
    brightness: Range
    night: float
    cast: float
    shadow: float
    glare: float
    haze: float
    rain: float
    blur: Range
    motion: float
    motion_length: Range
    noise: Range
    jpeg: Range
    sharpen: float
    resampled: float
    grey: float
    dirt: Range
    cast_strength: Range = (0.04, 0.2)
    trim: float = 0.0
    blue: float = 0.0
    sizes: tuple[tuple[int, int], ...] = _STORED_SIZES
    finer: tuple[float, ...] = ()
    bent: float = 0.0


GATE = Scene(
    "gate",
    width=(110, 320),
    yaw=15,
    pitch=12,
    roll=4,
    rectified=0.55,
    slack=(-0.015, 0.08),
    brightness=(0.65, 1.25),
    night=0.06,
    cast=0.35,
    shadow=0.15,
    glare=0.05,
    haze=0.05,
    rain=0.02,
    blur=(0.0, 0.9),
    motion=0.08,
    motion_length=(0.5, 2.0),
    noise=(0, 7),
    jpeg=(55, 96),
    sharpen=0.3,
    resampled=0.3,
    grey=0.05,
    dirt=(0, 0.25),
)
PARKING = Scene(
    "parking",
    width=(60, 200),
    yaw=40,
    pitch=30,
    roll=18,
    rectified=0.35,
    slack=(-0.02, 0.09),
    brightness=(0.5, 1.3),
    night=0.2,
    cast=0.6,
    shadow=0.35,
    glare=0.12,
    haze=0.08,
    rain=0.05,
    blur=(0.1, 1.4),
    motion=0.12,
    motion_length=(0.8, 3.5),
    noise=(0, 14),
    jpeg=(35, 95),
    sharpen=0.35,
    resampled=0.5,
    grey=0.06,
    dirt=(0, 0.4),
)
ROAD = Scene(
    "road",
    width=(38, 120),
    yaw=30,
    pitch=22,
    roll=10,
    rectified=0.4,
    slack=(-0.025, 0.10),
    brightness=(0.5, 1.3),
    night=0.12,
    cast=0.6,
    shadow=0.2,
    glare=0.1,
    haze=0.15,
    rain=0.12,
    blur=(0.2, 1.6),
    motion=0.25,
    motion_length=(0.8, 4.0),
    noise=(0, 12),
    jpeg=(30, 92),
    sharpen=0.35,
    resampled=0.5,
    grey=0.06,
    dirt=(0, 0.4),
)
# For training: no frozen set shows it.
STORED = Scene(
    "stored",
    width=(80, 400),
    yaw=40,
    pitch=30,
    roll=18,
    rectified=0.25,
    slack=(-0.02, 0.06),
    brightness=(0.5, 1.35),
    night=0.15,
    cast=0.7,
    shadow=0.2,
    glare=0.08,
    haze=0.12,
    rain=0.03,
    blur=(0.0, 1.3),
    motion=0.12,
    motion_length=(0.8, 3.0),
    noise=(0, 12),
    jpeg=(35, 95),
    sharpen=0.35,
    resampled=0.9,
    grey=0.05,
    dirt=(0, 0.4),
    cast_strength=(0.04, 0.3),
    trim=0.6,
    # Printed provinces are finer than drawn ones: photographed strokes are a third thinner.
    finer=(0.0, 0.15, 0.3, 0.45),
    # Plate makers draw them differently, as they do not draw letters and digits.
    bent=0.05,
)
# For training: parked cars photographed from beside them, as CCPD's are, cut as they stand and
# stored small.
HANDHELD = Scene(
    "handheld",
    width=(90, 340),
    yaw=40,
    pitch=28,
    roll=16,
    rectified=0.0,
    slack=(-0.012, 0.02),
    brightness=(0.4, 1.5),
    night=0.12,
    cast=0.35,
    shadow=0.15,
    glare=0.06,
    haze=0.1,
    rain=0.02,
    blur=(0.0, 0.9),
    motion=0.1,
    motion_length=(0.5, 2.0),
    noise=(0, 7),
    jpeg=(60, 97),
    sharpen=0.3,
    resampled=0.97,
    grey=0.0,
    dirt=(0, 0.25),
    cast_strength=(0.04, 0.15),
    trim=0.1,
    blue=0.7,
    sizes=((94, 24),),
    finer=STORED.finer,
    bent=STORED.bent,
)
SCENES = {scene.name: scene for scene in (GATE, PARKING, ROAD, STORED, HANDHELD)}
SCENE_NAMES = (*SCENES, "reject")


def find_scene(name: str) -> Scene:
    """The scene of that name; InputError names the ones there are."""
    if name not in SCENES:
        raise InputError(f"unknown scene {name!r}; there are: {', '.join(SCENE_NAMES)}")
    return SCENES[name]

"""Where the camera stands and what it cuts out: perspective, then a crop as detectors make."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .geometry import Cell, Layout
from .plate import MARGIN, FlatPlate
from .scenes import Scene

_DEEPEST_BITE = 0.04  # of the characters' height that a tight crop may cut off


@dataclass(frozen=True)
class View:
    """A crop of `width` x `height` pixels and where the plate's millimetres lie in it.

    `matrix` maps (x, y, 1) in mm to homogeneous pixels, float64 [3, 3].
    """

    matrix: np.ndarray
    width: int
    height: int

    def shifted(self, dx: float, dy: float) -> View:
        """The same crop window, moved right by `dx` and down by `dy` pixels."""
        move = np.array([[1, 0, -dx], [0, 1, -dy], [0, 0, 1]], np.float64)
        return View(move @ self.matrix, self.width, self.height)

    def points(self, mm: np.ndarray) -> np.ndarray:
        """Pixels [n, 2] of points [n, 2] in mm."""
        mapped = np.c_[mm, np.ones(len(mm))] @ self.matrix.T
        return mapped[:, :2] / mapped[:, 2:]

    def visible_share(self, cell: Cell) -> float:
        """How much of a character's rectangle lies inside the crop, 0..1, by its bounding box."""
        x0, y0, x1, y1 = cell.x, cell.y, cell.x + cell.width, cell.y + cell.height
        corners = self.points(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
        low, high = corners.min(0), corners.max(0)
        inside = np.minimum(high, (self.width, self.height)) - np.maximum(low, 0)
        return float(np.prod(np.clip(inside / np.maximum(high - low, 1e-6), 0, 1)))


def look_at(rng: np.random.Generator, layout: Layout, scene: Scene, width: float) -> View:
    """A view of the plate that is about `width` pixels wide in it."""
    corners = np.array(
        [(0, 0), (layout.width, 0), (layout.width, layout.height), (0, layout.height)], np.float64
    )
    if rng.random() < scene.rectified:
        view = _rectified(rng, corners, width)
    else:
        projected = _project(rng, corners, scene)
        projected *= width / np.ptp(projected[:, 0])
        view = _box(rng, corners, projected, scene)
    if scene.trim and rng.random() < scene.trim:
        return _trimmed(rng, view, layout)
    return view


def _project(rng: np.random.Generator, corners: np.ndarray, scene: Scene) -> np.ndarray:
    """Corners [4, 2] on the image plane: turned about three axes, then seen from a distance."""
    # Normal draws: most plates hang nearly straight, some do not.
    spread = rng.normal(0, 0.5, 3) if rng.random() < 0.75 else rng.uniform(-1, 1, 3)
    spread = np.clip(spread, -1.2, 1.2)
    yaw, pitch, roll = np.radians(spread * (scene.yaw, scene.pitch, scene.roll))
    centred = corners - corners.mean(0)
    x = centred[:, 0] * np.cos(yaw)
    depth = centred[:, 0] * np.sin(yaw)
    y = centred[:, 1] * np.cos(pitch)
    depth = depth + centred[:, 1] * np.sin(pitch)
    # Cameras above the road shear a plate that is turned away from them.
    y = y + x * np.tan(yaw) * np.sin(np.radians(rng.uniform(0, 25)))
    distance = 440.0 * rng.uniform(3.0, 14.0)
    scale = distance / (distance + depth)
    x, y = x * scale, y * scale
    turned = np.stack((x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)), 1)
    turned[:, 1] *= rng.uniform(0.9, 1.12)
    return turned


def _box(
    rng: np.random.Generator, corners: np.ndarray, projected: np.ndarray, scene: Scene
) -> View:
    """The axis-aligned box round the corners, with slack as a detector leaves it."""
    low, high = projected.min(0), projected.max(0)
    size = high - low
    left, right = rng.uniform(*scene.slack, 2) * size[0]
    top, bottom = rng.uniform(scene.slack[0] * 2, scene.slack[1] * 2, 2) * size[1]
    origin = low - (left, top)
    width = max(12, round(size[0] + left + right))
    height = max(6, round(size[1] + top + bottom))
    target = (projected - origin).astype(np.float32)
    return View(_homography(corners, target), width, height)


def _rectified(rng: np.random.Generator, corners: np.ndarray, width: float) -> View:
    """The corners straightened, a little wrong, cut tight (inside the frame) or loose."""
    aspect = corners[2, 1] / corners[2, 0]
    height = width * aspect * rng.uniform(0.9, 1.15)
    target = corners * (width / corners[2, 0], height / corners[2, 1])
    wrong = rng.uniform(0.0, 0.022) * width
    target += rng.normal(0, 1, (4, 2)) * (wrong, wrong * 0.6)
    skew = rng.normal(0, 0.04) * height
    target[:2, 0] += skew
    if rng.random() < 0.45:
        low, high = -0.018, 0.01
    else:
        low, high = 0.0, 0.09
    left, right = rng.uniform(low, high, 2) * width
    top, bottom = rng.uniform(low * 2.2, high * 1.6, 2) * height
    target += (left, top)
    size = (max(12, round(width + left + right)), max(6, round(height + top + bottom)))
    return View(_homography(corners, target.astype(np.float32)), *size)


def _trimmed(rng: np.random.Generator, view: View, layout: Layout) -> View:
    """The view cut between its edges and the characters, a little into them at most."""
    cells = [
        view.points(np.array([(c.x + x, c.y + y) for x in (0, c.width) for y in (0, c.height)]))
        for c in layout.cells
    ]
    inked = np.concatenate(cells)
    edges = np.array([[0.0, 0.0], [view.width, view.height]])
    bite = _DEEPEST_BITE * min(np.ptp(cell[:, 1]) for cell in cells)
    inner = np.array([inked.min(0) + bite, inked.max(0) - bite])
    # The four sides of one crop are cut about alike.
    share = np.clip(rng.random() + rng.normal(0, 0.2, (2, 2)), 0, 1)
    low, high = np.round(edges + share * (inner - edges)).astype(int)
    moved = view.shifted(*low)
    return View(moved.matrix, max(12, int(high[0] - low[0])), max(6, int(high[1] - low[1])))


def _homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    return cv2.getPerspectiveTransform(source.astype(np.float32), target)


def photograph(plate: FlatPlate, view: View, backdrop: np.ndarray) -> np.ndarray:
    """The plate before `backdrop` (uint8 [h, w, 3]) through `view`; uint8 RGB [h, w, 3]."""
    to_mm = np.array(
        [
            [1 / plate.scale, 0, 0.5 / plate.scale - MARGIN],
            [0, 1 / plate.scale, 0.5 / plate.scale - MARGIN],
            [0, 0, 1],
        ],
        np.float64,
    )
    seen = cv2.warpPerspective(
        plate.image, view.matrix @ to_mm, (view.width, view.height), flags=cv2.INTER_LINEAR
    )
    alpha = seen[..., 3:].astype(np.float32) * np.float32(1 / 255)
    mixed = backdrop + (seen[..., :3].astype(np.float32) - backdrop) * alpha
    return mixed.astype(np.uint8)

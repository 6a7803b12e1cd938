"""Rendered plates as files: the frozen evaluation sets, and any number of any scene.

Plate i of a scene is a function of (the set's seed, the scene, i), so a part of a set is its
beginning, and any number of processes writes the same files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import yaml

from ...configs import RenderConfig
from ...errors import InputError
from ...files import atomic_path, remove_partials, write_text
from ...plate.schema import LabelSchema
from ...utils.progress import progress
from ..rendered_source import SCENES as TRAINED_SCENES
from ..rendered_source import scene_shares
from ..worker_pool import OrderedMap
from .renderer import PlateRenderer, RenderedPlate
from .scenes import SCENE_NAMES, SCENES

_JPEG_QUALITY = 95
_NUMBERED = re.compile(r"\d{6,}\.jpg")
_HEADER = ("file", "text", "colour", "rows", "kind")


@dataclass(frozen=True)
class RenderedSet:
    """A frozen set: `plates` of each scene; every kind, and every province of a kind, equally often
    where `balanced`.
    """

    name: str
    seed: int
    plates: int
    scenes: tuple[str, ...] = ("gate", "parking", "road", "reject")
    balanced: bool = True


SETS = {"eval-v1": RenderedSet("eval-v1", seed=1, plates=10_000)}


@dataclass(frozen=True)
class PlateRequest:
    """One plate to be rendered; `kind` None draws it by weight, `turn` None its province."""

    scene: str
    seed: tuple[int, ...]
    kind: str | None = None
    turn: int | None = None
    path: Path | None = None


def find_set(name: str) -> RenderedSet:
    """The set of that name; InputError names the ones there are."""
    if name not in SETS:
        raise InputError(f"there is no rendered set {name!r}; there are: {', '.join(SETS)}")
    return SETS[name]


def set_request(chosen: RenderedSet, scene: str, index: int, kinds: list[str]) -> PlateRequest:
    """Plate `index` of a scene of a set; `kinds` are the renderer's."""
    if scene not in chosen.scenes:
        raise InputError(f"{chosen.name} has no scene {scene!r}; it has {', '.join(chosen.scenes)}")
    seed = (chosen.seed, chosen.scenes.index(scene), index)
    if not chosen.balanced or scene == "reject":
        return PlateRequest(scene, seed)
    return PlateRequest(scene, seed, kinds[index % len(kinds)], index // len(kinds))


class SetWriter:
    """Renders requests and writes them as JPEG files. Picklable, for worker processes."""

    def __init__(self, renderer: PlateRenderer) -> None:
        self._renderer = renderer

    def __call__(self, request: PlateRequest) -> tuple[str, ...]:
        """Writes `request.path`; returns the row of `labels.tsv`."""
        plate = render_request(self._renderer, request)
        assert request.path is not None
        write_jpeg(request.path, plate.image)
        return _row(request.path.name, plate)


def render_request(renderer: PlateRenderer, request: PlateRequest) -> RenderedPlate:
    """The plate that a request asks for."""
    rng = np.random.default_rng(request.seed)
    return renderer.render(rng, request.scene, request.kind, request.turn)


def set_plates(
    renderer: PlateRenderer, name: str, scene: str, count: int | None = None
) -> Iterator[RenderedPlate]:
    """The first `count` plates (all, if None) of a scene of a set, without writing them."""
    chosen = find_set(name)
    for index in range(chosen.plates if count is None else count):
        yield render_request(renderer, set_request(chosen, scene, index, renderer.kinds))


def render_set(
    name: str,
    output: str | Path,
    renderer: PlateRenderer,
    count: int | None = None,
    workers: int = 0,
    scene: str | None = None,
) -> Path:
    """Writes `<output>/<name>/<scene>/` with pictures and `labels.tsv`, and `set.yaml`.

    Args:
        scene: the only scene to write; None writes all.
        count: plates of each scene; None is the whole set, fewer are its beginning.
        workers: processes; 0 renders in this one.

    Returns:
        The set's folder.
    """
    chosen = find_set(name)
    count = chosen.plates if count is None else min(count, chosen.plates)
    folder = Path(output) / name
    for each in chosen.scenes if scene is None else (scene,):
        requests = [set_request(chosen, each, i, renderer.kinds) for i in range(count)]
        write_plates(requests, folder / each, renderer, workers)
    write_text(folder / "set.yaml", describe_set(chosen, count, renderer.schema))
    return folder


def mixed_requests(scene: str, count: int, seed: int) -> list[PlateRequest]:
    """`count` requests of one scene, or of `mix`: the shares that trainings use."""
    if scene != "mix":
        if scene not in SCENE_NAMES:
            raise InputError(f"unknown scene {scene!r}: {', '.join(SCENE_NAMES)} or mix")
        return [PlateRequest(scene, (seed, i)) for i in range(count)]
    shares = scene_shares(RenderConfig())
    drawn = np.random.default_rng([seed]).choice(len(shares), size=count, p=shares)
    return [PlateRequest(TRAINED_SCENES[int(which)], (seed, i)) for i, which in enumerate(drawn)]


def write_plates(
    requests: list[PlateRequest], folder: Path, renderer: PlateRenderer, workers: int
) -> None:
    """Writes the pictures 000000.jpg, … and `labels.tsv` (last, so a whole set has one)."""
    placed = [replace(request, path=folder / f"{i:06d}.jpg") for i, request in enumerate(requests)]
    make_folder(folder)
    _check_own(folder)
    remove_partials(folder)
    _clear(folder, len(placed))
    rows = OrderedMap(SetWriter(renderer), placed, workers)
    lines = ["\t".join(row) for row in progress(rows, len(placed), f"{folder.name} plates")]
    write_text(folder / "labels.tsv", "\n".join(["\t".join(_HEADER), *lines, ""]))


def _check_own(folder: Path) -> None:
    """Refuses a folder with the labels of something else."""
    labels = folder / "labels.tsv"
    if not labels.is_file():
        return
    with labels.open("rb") as stream:
        first = stream.readline(1024)
    if first.rstrip(b"\r\n") != "\t".join(_HEADER).encode():
        raise InputError(f"{labels} is not of rendered plates: give another --output")


def _clear(folder: Path, count: int) -> None:
    """Removes what another run left: labels of other pictures, and pictures beyond these."""
    (folder / "labels.tsv").unlink(missing_ok=True)
    for file in folder.glob("[0-9]*.jpg"):
        if _NUMBERED.fullmatch(file.name) and int(file.stem) >= count:
            file.unlink()


def describe_set(chosen: RenderedSet, count: int, schema: LabelSchema) -> str:
    """The set's parameters as YAML: what decides its plates, besides the glyphs."""
    scenes = {name: asdict(SCENES[name]) for name in chosen.scenes if name in SCENES}
    values = {
        "name": chosen.name,
        "seed": chosen.seed,
        "plates_per_scene": count,
        "balanced": chosen.balanced,
        "schema": schema.name,
        "schema_fingerprint": schema.fingerprint,
        "scenes": {name: _plain(parameters) for name, parameters in scenes.items()},
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def contact_sheet(images: list[np.ndarray], columns: int = 8) -> np.ndarray:
    """The pictures side by side in tiles of 180x60, uint8 RGB."""
    tiles = []
    for image in images:
        how = cv2.INTER_AREA if image.shape[1] > 180 else cv2.INTER_LINEAR
        tile = cv2.resize(image, (180, 60), interpolation=how)
        tiles.append(cv2.copyMakeBorder(tile, 1, 1, 1, 1, cv2.BORDER_CONSTANT))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack(rows)


def write_jpeg(path: Path, image: np.ndarray) -> None:
    """Writes uint8 RGB [h, w, 3], in the format that the path's suffix names."""
    with atomic_path(path) as temporary:
        quality = (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY)
        encoded = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)[1]
        encoded.tofile(temporary)


def make_folder(folder: Path) -> None:
    """Makes the folder; InputError where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from error


def _row(file: str, plate: RenderedPlate) -> tuple[str, ...]:
    rows = "" if plate.rows is None else str(plate.rows)
    return (file, plate.text, plate.colour or "", rows, plate.kind)


def _plain(values: dict[str, object]) -> dict[str, object]:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}

"""A whole rendered plate: text, flat plate, camera, light, sensor; with its labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...plate.codec import encode
from ...plate.schema import NO_PLATE, LabelSchema, load_schema
from . import camera, lighting, sensor
from .banks import Backdrops
from .geometry import Layout, layout
from .glyphs import GlyphSource, quantise_scale
from .negatives import draw_negative
from .paints import Paint, choose_paint
from .plate import draw_plate
from .scenes import GATE, PARKING, ROAD, Scene, find_scene
from .texts import PlateText, TextSampler

_TRUNCATED = 0.45  # share of truncated plates among what is not to be read
_FEWEST_PIXELS = 110.0  # a smaller plate is drawn this wide, then its pixels are averaged
_VISIBLE_CHROMA = 16.0  # below this a coloured plate's colour cannot be told
_CHROMATIC = ("blue", "yellow", "green")


@dataclass(frozen=True)
class RenderedPlate:
    """A picture and what it shows.

    `image` uint8 RGB [h, w, 3]; `labels` int32 [heads], -1 where unknown; `text` is empty and
    `rows` None when there is no whole plate; `colour` is None where it cannot be seen.
    """

    image: np.ndarray
    labels: np.ndarray
    text: str
    colour: str | None
    rows: int | None
    kind: str


class PlateRenderer:
    """Renders plates. Cheap to make and to send to another process; caches fill while it works.

    Args:
        glyphs: folder of glyph images; None draws with the open fonts.
        backgrounds: folder of scene pictures added to the drawn ones.
        schema: whose kinds are drawn and whose labels are given; `cn` when None.
        two_rows: share of plates of two rows where no kind is asked for; see `TextSampler`.

    Raises:
        InputError: a folder without pictures, or a schema without kinds or of too few.
    """

    def __init__(
        self,
        glyphs: str | None = None,
        backgrounds: str | None = None,
        schema: LabelSchema | None = None,
        two_rows: float | None = None,
    ) -> None:
        self._arguments = (glyphs, backgrounds, schema, two_rows)
        self.schema = load_schema("cn") if schema is None else schema
        self._glyphs = GlyphSource(glyphs)
        self._backdrops = Backdrops(backgrounds)
        self._texts = TextSampler(self.schema, two_rows)

    @property
    def kinds(self) -> list[str]:
        """The names of the kinds that can be drawn, sorted."""
        return self._texts.names

    def render(
        self,
        rng: np.random.Generator,
        scene: str,
        kind: str | None = None,
        turn: int | None = None,
    ) -> RenderedPlate:
        """One plate of `scene`, one of `SCENE_NAMES`, which depends on `rng` alone.

        `kind` asks for one kind instead of drawing it by weight, `turn` for the province whose
        turn it is (see `TextSampler.draw`); neither is heard for reject.

        Raises:
            InputError: an unknown scene, or glyphs that no installed font has.
        """
        if scene == "reject":
            return self._reject(rng)
        found = find_scene(scene)
        if kind is None and found.blue and "blue" in self.kinds and rng.random() < found.blue:
            kind = "blue"
        return self._whole(rng, found, self._texts.draw(rng, kind, turn))

    def _whole(self, rng: np.random.Generator, scene: Scene, plate: PlateText) -> RenderedPlate:
        where = layout(plate.kind, plate.text, plate.rows)
        width = _draw_width(rng, scene)
        view = camera.look_at(rng, where, scene, max(width, _FEWEST_PIXELS))
        return self._finish(rng, scene, plate, where, view, width)

    def _finish(
        self,
        rng: np.random.Generator,
        scene: Scene,
        plate: PlateText,
        where: Layout,
        view: camera.View,
        width: float,
    ) -> RenderedPlate:
        paint = choose_paint(rng, plate.kind, plate.colour)
        night = bool(rng.random() < scene.night)
        tone = lighting.choose_tone(rng, scene, night, paint)
        drawn = max(width, _FEWEST_PIXELS)
        scale = quantise_scale(drawn / where.width * 1.02)
        dirt = rng.uniform(*scene.dirt)
        finer = float(rng.choice(scene.finer)) if scene.finer else 0.0
        flat = draw_plate(rng, where, paint, self._glyphs, scale, dirt, finer, scene.bent)
        backdrop = self._backdrops.draw(rng, view.height, view.width)
        image = camera.photograph(flat, view, backdrop)
        contrast = tone.contrast(paint.ground, paint.ink)
        image = _develop(rng, image, scene, tone, night, (drawn, width), contrast)
        colour = _visible_colour(plate, paint, tone)
        labels = encode(self.schema, plate.text, colour, plate.rows)
        return RenderedPlate(image, labels, plate.text, colour, plate.rows, plate.kind)

    def _reject(self, rng: np.random.Generator) -> RenderedPlate:
        scene = (GATE, PARKING, ROAD)[int(rng.integers(3))]
        if rng.random() < _TRUNCATED:
            return self._truncated(rng, scene)
        kind, image = draw_negative(rng, self._backdrops, self._glyphs)
        night = bool(rng.random() < scene.night)
        tone = lighting.choose_tone(rng, scene, night)
        width = float(image.shape[1])
        widths = (width, width * rng.uniform(0.4, 1))
        image = _develop(rng, image, scene, tone, night, widths, 128.0)
        labels = np.full(len(self.schema.heads), -1, np.int32)
        return RenderedPlate(image, self._unreadable(labels), "", None, None, kind)

    def _truncated(self, rng: np.random.Generator, scene: Scene) -> RenderedPlate:
        """A plate that the crop cuts; characters that are whole keep their labels."""
        plate = self._texts.draw(rng)
        where = layout(plate.kind, plate.text, plate.rows)
        width = _draw_width(rng, scene)
        view = camera.look_at(rng, where, scene, max(width, _FEWEST_PIXELS))
        view = _cut(rng, view, where)
        whole = self._finish(rng, scene, plate, where, view, width)
        labels = whole.labels.copy()
        for cell in where.cells:
            if view.visible_share(cell) < 0.9:
                head = self.schema.characters[cell.index]
                labels[self.schema.index(head.name)] = -1
        return RenderedPlate(
            whole.image, self._unreadable(labels), "", whole.colour, whole.rows, "truncated"
        )

    def _unreadable(self, labels: np.ndarray) -> np.ndarray:
        head = self.schema.head_of("length")
        if head is not None:
            labels[self.schema.index(head.name)] = head.indices.get(NO_PLATE, -1)
        return labels

    def __reduce__(self) -> tuple[type[PlateRenderer], tuple[object, ...]]:
        return PlateRenderer, self._arguments


def _draw_width(rng: np.random.Generator, scene: Scene) -> float:
    low, high = scene.width
    # Even in the logarithm: a plate twice as far away is as frequent.
    return float(low * (high / low) ** rng.random())


def _cut(rng: np.random.Generator, view: camera.View, where: Layout) -> camera.View:
    """Moves the window until at least one character lies mostly outside of it."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    upright = rng.random() < 0.25
    share = rng.uniform(0.4, 0.7) if upright else rng.uniform(0.12, 0.65)
    for _ in range(20):
        dx, dy = (0.0, share * view.height) if upright else (share * view.width, 0.0)
        moved = view.shifted(side * dx, side * dy)
        if min(moved.visible_share(cell) for cell in where.cells) < 0.35:
            return moved
        share += 0.05
    return moved


def _develop(
    rng: np.random.Generator,
    image: np.ndarray,
    scene: Scene,
    tone: lighting.Tone,
    night: bool,
    widths: tuple[float, float],
    contrast: float,
) -> np.ndarray:
    """Light, lens, sensor and file; `widths` are the plate's pixels before and after."""
    drawn, width = widths
    field = lighting.light_field(rng, scene, *image.shape[:2])
    image = tone.apply(image if field is None else image * field)
    if rng.random() < scene.glare:
        image = lighting.add_glare(rng, image)
    if rng.random() < (0.4 if night else 0.15):
        image = lighting.add_bloom(rng, image)
    image = sensor.blur(rng, image, scene, drawn)
    image = sensor.shrink(image, width / drawn)
    if rng.random() < scene.rain:
        image = sensor.add_rain(rng, image)
    image = sensor.add_noise(rng, image, scene, night, contrast)
    if rng.random() < scene.sharpen:
        image = sensor.sharpen(rng, image)
    if rng.random() < 0.5:
        return sensor.restore_size(rng, sensor.compress(rng, image, scene), scene)
    return sensor.compress(rng, sensor.restore_size(rng, image, scene), scene)


def _visible_colour(plate: PlateText, paint: Paint, tone: lighting.Tone) -> str | None:
    if tone.mono:
        return None
    if plate.colour in _CHROMATIC and tone.chroma(paint.ground) < _VISIBLE_CHROMA:
        return None
    return plate.colour

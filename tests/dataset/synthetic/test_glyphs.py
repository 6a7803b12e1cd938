from __future__ import annotations

import cv2
import numpy as np
import pytest
from chepai.dataset.synthetic.glyphs import GlyphSource, bend, quantise_scale
from chepai.errors import InputError
from chepai.plate.schema import load_schema

PROVINCES = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
ALPHABET = "".join(sorted(load_schema("cn").alphabet))


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of softened masks: where strokes are counts, not how thick they are."""
    soft = [cv2.GaussianBlur(mask, (0, 0), 1.5).ravel() for mask in (one, other)]
    return float(np.corrcoef(*soft)[0, 1])


def test_the_open_fonts_have_every_character_and_all_differ():
    fonts = GlyphSource()
    masks = {c: fonts.mask(c, "single", 24, 48) for c in ALPHABET if c != "O"}
    for character, mask in masks.items():
        assert mask.dtype == np.uint8
        assert mask.shape == (48, 24)
        assert 0.08 < (mask > 128).mean() < 0.85, character
    characters = list(masks)
    flat = np.stack([masks[c].ravel() for c in characters]).astype(float)
    alike = np.corrcoef(flat) - 2 * np.eye(len(characters))
    # A font without a character shows its box for a missing one: two such would be the same.
    worst = np.unravel_index(alike.argmax(), alike.shape)
    assert alike.max() < 0.98, [characters[i] for i in worst]


def test_the_font_shows_the_simplified_shapes_of_real_plates(shared_data):
    fonts, folder = GlyphSource(), GlyphSource(str(shared_data / "glyphs"))
    real = {c: folder.mask(c, "single", 24, 48) for c in PROVINCES}
    right = 0
    for character in PROVINCES:
        drawn = fonts.mask(character, "single", 24, 48)
        best = max(real, key=lambda c, drawn=drawn: likeness(drawn, real[c]))
        right += best == character
    assert right >= 27


def test_a_folder_is_completed_from_the_fonts(shared_data):
    folder = GlyphSource(str(shared_data / "glyphs"))
    zero = folder.mask("0", "single", 45, 90)
    assert np.array_equal(folder.mask("O", "single", 45, 90), zero)
    assert (folder.mask("民", "single", 45, 90) > 128).any()
    # The upper and the lower row have shapes of their own.
    upper = folder.mask("A", "upper", 45, 90)
    assert not np.array_equal(upper, folder.mask("A", "lower", 45, 90))


def test_a_narrow_character_is_not_stretched():
    one = GlyphSource().mask("1", "single", 45, 90)
    inked = np.flatnonzero((one > 128).any(0))
    assert np.ptp(inked) < 25
    assert abs(inked.mean() - 22) < 5


def test_a_folder_without_glyphs_is_refused(tmp_path):
    with pytest.raises(InputError, match="no glyph images"):
        GlyphSource(str(tmp_path))


def test_few_scales_are_cached_and_none_is_too_small():
    scales = np.geomspace(0.2, 0.9, 200)
    quantised = [quantise_scale(float(scale)) for scale in scales]
    assert all(q >= s * (1 - 1e-9) for q, s in zip(quantised, scales, strict=True))
    assert len(set(quantised)) < 15


@pytest.mark.parametrize("finer", [0.15, 0.3, 0.45])
def test_finer_strokes_lose_that_share_of_their_width(tmp_path, finer):
    picture = np.full((180, 90), 255, np.uint8)
    picture[20:160, 30:50] = 0  # a stroke of 20 pixels
    cv2.imwrite(str(tmp_path / "140_A.png"), picture)
    mask = GlyphSource(str(tmp_path)).mask("A", "single", 90, 180, finer)
    assert (mask[90] / 255).sum() == pytest.approx(20 * (1 - finer), abs=1)
    assert mask[90].argmax() == pytest.approx(30 + 20 * finer / 2, abs=1)


def test_finer_strokes_break_no_province():
    fonts = GlyphSource()
    for character in PROVINCES:
        bold, fine = (fonts.mask(character, "single", 90, 180, finer) for finer in (0.0, 0.45))
        assert 0.4 < (fine > 127).sum() / (bold > 127).sum() < 0.8, character
        assert likeness(bold, fine) > 0.7, character


def test_a_bent_character_moves_no_further_than_asked():
    mask = np.zeros((180, 90), np.uint8)
    mask[60:120, 30:60] = 255
    for seed in range(20):
        bent = bend(np.random.default_rng(seed), mask, 0.05)
        assert (bent[69:111, 35:55] == 255).all(), "what lies deeper than the bend stays inked"
        bent[51:129, 25:65] = 0
        assert not bent.any()


def test_a_character_that_no_font_has_is_refused():
    with pytest.raises(InputError, match=r"the open fonts have no 'ก': give a folder of glyphs"):
        GlyphSource().mask("ก", "single", 24, 48)


def test_an_empty_glyph_file_is_named(tmp_path):
    (tmp_path / "140_A.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"cannot read the glyph image .*140_A.jpg"):
        GlyphSource(str(tmp_path)).mask("A", "single", 24, 48)

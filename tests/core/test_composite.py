"""What is protected stays, whatever the blend; what is edited meets it without a seam."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from benchmarks._edits import build_cases, draw_masks, load_photos
from benchmarks.seam import Way, measure_level_step, score_case
from bleed_guard.core.composite import Blend, build_overlay, paste_back
from bleed_guard.core.job import Box
from bleed_guard.core.mask import harden
from bleed_guard.core.settings import BLEND_NAMES, GuardSettings

DEFAULT = Way(Blend(GuardSettings().blend), GuardSettings().feather)

all_blends = pytest.mark.parametrize("blend", list(Blend), ids=[blend.value for blend in Blend])


def test_the_settings_offer_exactly_these_blends() -> None:
    assert tuple(blend.value for blend in Blend) == BLEND_NAMES


@st.composite
def edits(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reference, generated and mask of one size, 1 x 1 to 40 x 40."""
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    seed = np.random.default_rng(draw(st.integers(0, 99)))
    reference = seed.integers(0, 256, (*shape, 3), np.uint8)
    drift = draw(st.sampled_from([0, 1, 25, -60, 255]))
    generated = np.clip(reference.astype(int) + drift, 0, 255).astype(np.uint8)
    if draw(st.booleans()):
        generated = draw(hnp.arrays(np.uint8, reference.shape))
    levels = st.sampled_from([0, 1, 127, 128, 255])
    return reference, generated, draw(hnp.arrays(np.uint8, shape, elements=levels, fill=levels))


@given(edits(), st.sampled_from(list(Blend)), st.integers(0, 64), st.booleans())
def test_protected_pixels_are_identical(
    edit: tuple[np.ndarray, np.ndarray, np.ndarray], blend: Blend, feather: int, is_cropped: bool
) -> None:
    reference, generated, mask = edit
    known = Box(0, 0, max(mask.shape[1] // 2, 1), mask.shape[0]) if is_cropped else None
    before = reference.copy(), generated.copy()
    result = paste_back(reference, generated, mask, blend=blend, feather=feather, known=known)
    assert result.shape == reference.shape
    assert result.dtype == np.uint8
    protected = mask < 128
    assert np.array_equal(result[protected], reference[protected])
    assert np.array_equal(before[0], reference)
    assert np.array_equal(before[1], generated)


@given(edits(), st.sampled_from(list(Blend)), st.integers(0, 64))
def test_the_overlay_keeps_protected_pixels_under_pillows_compositing(
    edit: tuple[np.ndarray, np.ndarray, np.ndarray], blend: Blend, feather: int
) -> None:
    reference, generated, mask = edit
    overlay = build_overlay(reference, mask, blend=blend, feather=feather)
    canvas = Image.fromarray(generated).convert("RGBA")
    canvas.alpha_composite(Image.fromarray(overlay))
    composite = np.asarray(canvas.convert("RGB"))
    protected = mask < 128
    assert np.array_equal(composite[protected], reference[protected])
    if blend in (Blend.HARD, Blend.FEATHER):
        pasted = paste_back(reference, generated, mask, blend=blend, feather=feather)
        assert np.abs(composite.astype(int) - pasted).max() <= 1


def row(*levels: int) -> np.ndarray:
    """uint8 1 x N x 3."""
    return np.repeat(np.array([levels], np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ("mask", "feather", "expected"),
    [
        pytest.param([0, 255, 255, 255, 255, 0], 0, [0, 100, 100, 100, 100, 0], id="no feather"),
        pytest.param([0, 255, 255, 255, 255, 0], 1, [0, 50, 100, 100, 50, 0], id="1 px"),
        pytest.param(
            [0, *[255] * 8, 0], 3, [0, 25, 50, 75, 100, 100, 75, 50, 25, 0], id="3 px evenly"
        ),
        pytest.param([0, 255, 255, 255, 0, 0], 8, [0, 50, 100, 50, 0, 0], id="thinner than that"),
        pytest.param([0, 0, 255, 0, 0, 0], 8, [0, 0, 100, 0, 0, 0], id="one px is all edit"),
        pytest.param([255, 255, 255, 0, 0, 0], 1, [100, 100, 50, 0, 0, 0], id="picture's border"),
        pytest.param([0, 127, 128, 255, 255, 0], 1, [0, 0, 50, 100, 50, 0], id="on from 128"),
    ],
)
def test_feather_runs_inward(mask: list[int], feather: int, expected: list[int]) -> None:
    reference, generated = row(*[0] * len(mask)), row(*[100] * len(mask))
    levels = np.array([mask], np.uint8)
    result = paste_back(reference, generated, levels, blend="feather", feather=feather)
    assert result[0, :, 0].tolist() == expected


def picture(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@all_blends
@pytest.mark.parametrize("feather", [0, 4, 64])
def test_a_full_mask_is_all_edit(blend: Blend, feather: int) -> None:
    generated = picture(2)
    mask = np.full((24, 32), 255, np.uint8)
    result = paste_back(picture(1), generated, mask, blend=blend, feather=feather)
    assert np.array_equal(result, generated)


@all_blends
def test_a_blank_mask_is_all_reference(blend: Blend) -> None:
    reference = picture(1)
    result = paste_back(reference, picture(2), np.full((24, 32), 127, np.uint8), blend=blend)
    assert np.array_equal(result, reference)


def scratch() -> np.ndarray:
    mask = np.zeros((48, 64), np.uint8)
    mask[20, 5:60] = 255
    return mask


@all_blends
def test_a_scratch_one_px_wide_is_repaired(blend: Blend) -> None:
    """Flat grey with a white scratch; the model gives the grey without it."""
    clean = np.full((48, 64, 3), 90, np.uint8)
    scratched = clean.copy()
    scratched[20, 5:60] = 255
    noisy = np.random.default_rng(3).integers(-1, 2, clean.shape)
    generated = (clean + noisy).astype(np.uint8)
    result = paste_back(scratched, generated, scratch(), blend=blend, feather=4)
    assert np.abs(result[20, 5:60].astype(int) - 90).max() <= 3


@all_blends
@pytest.mark.parametrize(
    "level",
    [pytest.param(0, id="black"), pytest.param(128, id="grey"), pytest.param(255, id="white")],
)
def test_flat_pictures_stay_flat(blend: Blend, level: int) -> None:
    flat = np.full((24, 32, 3), level, np.uint8)
    mask = np.zeros((24, 32), np.uint8)
    mask[8:16, 8:24] = 255
    assert np.array_equal(paste_back(flat, flat.copy(), mask, blend=blend), flat)


@pytest.mark.parametrize("blend", ["membrane", "membrane + feather"])
@pytest.mark.parametrize("shape", list(draw_masks()))
def test_a_drift_of_25_levels_vanishes(blend: str, shape: str) -> None:
    mask = draw_masks()[shape]
    gradient = np.linspace(40, 180, mask.size).reshape(mask.shape)
    reference = np.repeat(gradient[..., None], 3, axis=2).astype(np.uint8)
    result = paste_back(reference, reference + np.uint8(25), mask, blend=blend)
    assert np.abs(result.astype(int) - reference).max() <= 1


def coffee() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.coffee()[60:260, 150:450])


def box_mask() -> np.ndarray:
    mask = np.zeros((200, 300), np.uint8)
    mask[60:150, 80:220] = 255
    return mask


def test_what_lies_outside_the_known_box_is_no_drift() -> None:
    """Only the crop was generated: what stands around it, grey here, teaches nothing."""
    reference, mask = coffee(), box_mask()
    drifted = np.clip(reference.astype(int) + 12, 0, 255).astype(np.uint8)
    generated = np.full_like(reference, 90)
    known = Box(70, 60, 220, 150)
    generated[known.slices] = drifted[known.slices]
    inside = (mask == 255) & (reference.max(axis=2) < 240)
    for box, largest in ((known, 1.0), (None, 200.0)):
        result = paste_back(reference, generated, mask, blend="membrane", known=box)
        error = np.abs(result.astype(int) - reference)[inside].mean()
        assert error <= largest
    assert error > 20


def repaint_latents(reference: np.ndarray, mask: np.ndarray, cell: int) -> np.ndarray:
    """Plain green in every latent, `cell` px wide, that the mask covers half, over a drift."""
    height, width = mask.shape
    size = width // cell, height // cell
    latents = cv2.resize(mask, size, interpolation=cv2.INTER_AREA) >= 128
    grown = cv2.resize(latents.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    drifted = np.where(reference < 244, reference + np.uint8(12), reference)
    return np.where(grown[..., None] > 0, np.array(GREEN, np.uint8), drifted)


GREEN = 30, 110, 60
GREEN_WITHOUT_DRIFT = 18, 98, 48

COLOR_MASKS = {
    "an edge between latents": (8, [(slice(60, 150), slice(84, 220))], GREEN_WITHOUT_DRIFT),
    "a strip that a latent covers": (8, [(slice(0, 208), slice(0, 301))], GREEN),
    "gaps that latents cover": (
        8,
        [(slice(top, top + 25), slice(60, 240)) for top in (36, 64, 92)],
        GREEN_WITHOUT_DRIFT,
    ),
    "a crop enlarged twice": (16, [(slice(55, 137), slice(0, 304))], GREEN_WITHOUT_DRIFT),
}


@pytest.mark.parametrize("name", list(COLOR_MASKS))
def test_new_content_just_outside_the_mask_is_no_drift(name: str) -> None:
    """Hosts repaint whole latents: the edit keeps its colours, less the drift farther out."""
    cell, parts, expected = COLOR_MASKS[name]
    reference = cv2.resize(skimage.data.coffee(), (304, 208), interpolation=cv2.INTER_AREA)
    mask = np.zeros((208, 304), np.uint8)
    for part in parts:
        mask[part] = 255
    generated = repaint_latents(reference, mask, cell)
    result = paste_back(reference, generated, mask, latent_cell=cell)
    middle = cv2.erode(mask, np.ones((11, 11), np.uint8)) == 255
    assert np.abs(result[middle].astype(int) - expected).max() <= 2


def test_a_picture_that_was_pasted_back_before_is_feathered() -> None:
    """Around the mask it is the reference already, so nothing tells its drift: a hard edge inside
    must not pass for a perfect match."""
    reference, mask = coffee(), box_mask()
    pasted = np.where(mask[..., None] == 255, reference // 2, reference)
    result = paste_back(reference, pasted, mask, blend="membrane + feather", feather=4)
    feathered = paste_back(reference, pasted, mask, blend="feather", feather=4)
    assert np.array_equal(result, feathered)


@pytest.mark.parametrize("feather", [0, 4])
def test_a_feather_takes_no_more_than_it_may(feather: int) -> None:
    """Noise, which fits a flat picture nowhere at the edge, is as the model made it farther inside
    than the feather, and no nearer."""
    mask = box_mask()
    reference = np.full((*mask.shape, 3), 90, np.uint8)
    generated = np.random.default_rng(3).integers(0, 256, reference.shape, np.uint8)
    result = paste_back(reference, generated, mask, blend="membrane + feather", feather=feather)
    edit = paste_back(reference, generated, mask, blend="membrane")
    inner = np.s_[60 + feather : 150 - feather, 80 + feather : 220 - feather]
    assert np.array_equal(result[inner], edit[inner])
    rim = np.s_[60 + max(feather - 1, 0), 100:200]  # the last row it reaches
    assert np.array_equal(result[rim], edit[rim]) == (feather == 0)


@all_blends
def test_blends_have_no_direction(blend: Blend) -> None:
    """Of pictures laid on their side the result is the same, laid on its side."""
    mask = np.zeros((48, 64), np.uint8)
    mask[8:40, 10:13] = mask[8:14, 10:50] = mask[30:31, 5:60] = 255
    pictures = picture(1, 48, 64), picture(2, 48, 64), mask
    result = paste_back(*pictures, blend=blend, feather=6)
    first, second, turned = (one.swapaxes(0, 1).copy() for one in pictures)
    again = paste_back(first, second, turned, blend=blend, feather=6).swapaxes(0, 1)
    assert np.abs(again.astype(int) - result).max() <= 1


def test_sizes_are_named_when_they_differ() -> None:
    with pytest.raises(ValueError, match=r"reference 32 x 24, generated 32 x 24, mask 24 x 32"):
        paste_back(picture(1), picture(2), np.zeros((32, 24), np.uint8))


def test_an_unknown_blend_is_refused() -> None:
    with pytest.raises(ValueError, match="poisson"):
        paste_back(picture(1), picture(2), scratch()[:24, :32], blend="poisson")


def test_the_default_blend_hides_the_edge_and_changes_nothing_outside() -> None:
    """Quick form of the seam benchmark: one photograph x five masks x eleven drifts."""
    cases = list(build_cases(1))
    scores = [score_case(case, DEFAULT) for case in cases]
    feathered = [score_case(case, Way(Blend.FEATHER, DEFAULT.feather)) for case in cases]
    assert sum(score.changed for score in scores) == 0
    assert np.mean([score.seam for score in scores]) <= 1.05
    assert max(score.seam for score in scores) <= 1.2
    old, less = (np.nanmean([score.ghost for score in some]) for some in (feathered, scores))
    assert less < old


@pytest.mark.parametrize("shape", list(draw_masks()))
def test_25_levels_of_offset_leave_no_step_on_a_photograph(shape: str) -> None:
    assert measure_level_step(load_photos()["coffee"], draw_masks()[shape], DEFAULT) <= 1.0


def test_the_hard_mask_decides() -> None:
    mask = np.random.default_rng(4).integers(0, 256, (24, 32), np.uint8)
    for blend in Blend:
        soft = paste_back(picture(1), picture(2), mask, blend=blend)
        hard = paste_back(picture(1), picture(2), harden(mask), blend=blend)
        assert np.array_equal(soft, hard)


@all_blends
def test_any_memory_layout(blend: Blend) -> None:
    """Pictures as OpenCV, torch and Pillow hand them over: reversed, transposed, read-only."""
    mask = np.zeros((24, 32), np.uint8)
    mask[6:18, 8:24] = 255
    expected = paste_back(picture(1), picture(2), mask, blend=blend)
    flipped = np.ascontiguousarray(picture(1)[..., ::-1])[..., ::-1]
    turned = np.asfortranarray(picture(2))
    turned.flags.writeable = False
    result = paste_back(flipped, turned, np.asfortranarray(mask), blend=blend)
    assert np.array_equal(result, expected)


def fade_in(change: np.ndarray, depth: int, feather: int) -> np.ndarray:
    """Share of `change` (levels, H x W) that multi-band lets in, by depth in a band's mask."""
    mask = np.zeros(change.shape, np.uint8)
    mask[:, 20 : 20 + 2 * depth] = 255
    flat = np.full((*change.shape, 3), 100, np.uint8)
    generated = (flat + change[..., None]).astype(np.uint8)
    result = paste_back(flat, generated, mask, blend="multi-band", feather=feather)
    middle = change.shape[0] // 2
    row = (result[middle, :, 0].astype(float) - 100) / change[middle]
    return row[20 : 20 + depth]


def even_width(depth: int, width: int) -> np.ndarray:
    return np.minimum(np.arange(1, depth + 1) / width, 1)


@pytest.mark.parametrize(
    ("depth", "width"), [(64, 16), (20, 16), (10, 8), (7, 4)], ids=lambda value: str(value)
)
def test_multi_band_lets_in_coarse_structure_slowly(depth: int, width: int) -> None:
    """Over four times the finest zone, 4 px here, or as far as the mask is deep enough."""
    share = fade_in(np.full((160, 200), 100), depth, feather=3)
    assert share == pytest.approx(even_width(depth, width), abs=0.11)
    assert share[-1] == pytest.approx(1, abs=0.01)
    assert (np.diff(share) >= 0).all()


def test_multi_band_lets_in_fine_structure_within_the_feather() -> None:
    board = np.where(np.indices((160, 200)).sum(axis=0) % 2, 50, -50)
    share = fade_in(board, 64, feather=3)
    assert share == pytest.approx(even_width(64, 4), abs=0.02)

"""What reaches everywhere is told as it was done: which effects, in which order, how strong."""

from __future__ import annotations

import io
from collections.abc import Mapping

import cv2
import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.effects import Far, find_window, look_far, measure_structure
from bleed_guard.core.job import Box, Cause
from bleed_guard.core.mask import edge_distance

WIDTH, HEIGHT = 192, 144
HOLE = Box(24, 40, 64, 80)


def draw_photo() -> np.ndarray:
    """Smooth shapes with a little texture: uint8 H x W x 3."""
    dice = np.random.default_rng(3)
    coarse = dice.integers(40, 200, (9, 12, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(dice.normal(0, 12, smooth.shape), (0, 0), 1)
    return np.clip(smooth + fine, 10, 245).astype(np.uint8)


PHOTO = draw_photo()
MASK = np.zeros((HEIGHT, WIDTH), np.uint8)
MASK[HOLE.slices] = 255
DISTANCE = edge_distance(MASK)
EDITED = np.where(MASK[..., None] > 0, 255 - PHOTO, PHOTO)


def to_levels(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def shift(x: float, y: float) -> np.ndarray:
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    return cv2.warpAffine(EDITED, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)


def scale(factor: float) -> np.ndarray:
    """Smaller or larger, and back again."""
    size = round(WIDTH * factor), round(HEIGHT * factor)
    small = Image.fromarray(EDITED).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(small.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))


def recolor(gain: float, *offset: float, picture: np.ndarray = EDITED) -> np.ndarray:
    return to_levels((picture - 128.0) * gain + 128 + np.array(offset))


def correct() -> np.ndarray:
    """As the host's color correction: a and b of CIELAB by a curve, luma as it was."""
    lab = cv2.cvtColor(EDITED, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 1:] = lab[..., 1:] * (1.1, 0.9) + (-5, 6)
    made = cv2.cvtColor(to_levels(lab), cv2.COLOR_LAB2RGB).astype(np.float32)
    luma = (EDITED - made) @ np.array([0.299, 0.587, 0.114])
    return to_levels(made + luma[..., None])


def smooth(levels: float) -> np.ndarray:
    return cv2.bilateralFilter(EDITED, 5, levels, 3)


def encode(form: str, quality: int, picture: np.ndarray = EDITED, **options: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format=form, quality=quality, **options)
    return np.asarray(Image.open(file).convert("RGB"))


def add_noise(sigma: float, picture: np.ndarray = EDITED) -> np.ndarray:
    return to_levels(picture + np.random.default_rng(5).normal(0, sigma, picture.shape))


def look(result: np.ndarray, crop: Box | None = None, original: np.ndarray = PHOTO) -> Far:
    return look_far(original, result, MASK, DISTANCE, crop)


MIRRORED = np.ascontiguousarray(EDITED[::-1, ::-1])
JPEG_50, JPEG_92 = encode("JPEG", 50), encode("JPEG", 92)
HIGH = encode("JPEG", 100, subsampling=0)
RECOLORED = recolor(1, 8, 2, -6, picture=shift(2, 1))
WARM = {"red": 8, "green": 2, "blue": -6, "contrast": 1}
SHIFTED = {"x": 2, "y": 1}
CASES: dict[str, tuple[np.ndarray, Mapping[str, Mapping[str, float]]]] = {
    "nothing": (EDITED, {}),
    "shift": (shift(2, 1), {"shift": SHIFTED}),
    "small shift": (shift(0.5, 0), {"shift": {"x": 0.5, "y": 0}}),
    "shift up": (shift(0, -3.25), {"shift": {"x": 0, "y": -3.25}}),
    "large shift": (shift(12, 0), {"shift": {"x": 12, "y": 0}}),
    "half": (scale(0.5), {"resize": {"scale": 0.5}}),
    "three quarters": (scale(0.75), {"resize": {"scale": 0.75}}),
    "larger": (scale(1.25), {"resize": {"scale": 1.25}}),
    "color": (recolor(1, 8, 2, -6), {"color_shift": WARM}),
    "contrast": (recolor(0.9, 0, 0, 0), {"color_shift": {"red": 0, "contrast": 0.9}}),
    "one level": (recolor(1, 1, 1, 1), {"color_shift": {"red": 1, "green": 1, "blue": 1}}),
    "smooth": (smooth(25), {"face_restore": {"levels": 25}}),
    "very smooth": (smooth(60), {"face_restore": {"levels": 60}}),
    "JPEG 50": (JPEG_50, {"jpeg": {"quality": 50}}),
    "JPEG 92": (JPEG_92, {"jpeg": {"quality": 92}}),
    "half, JPEG": (encode("JPEG", 90, scale(0.5)), {"resize": {"scale": 0.5}, "jpeg": {}}),
    "WebP 90": (encode("WEBP", 90), {"webp": {"quality": 90}}),
    "a lattice without a comb": (HIGH, {"avif": {"lattice": 1}}),
    "correction": (correct(), {"color_correction": {}}),
    "noise": (add_noise(4), {}),
    "mirrored": (MIRRORED, {}),
    "mirrored JPEG": (encode("JPEG", 80, MIRRORED), {"jpeg": {"quality": 80}}),
    "shift, color, JPEG": (
        encode("JPEG", 90, RECOLORED),
        {"shift": SHIFTED, "color_shift": WARM, "jpeg": {"quality": 90}},
    ),
    "scaled by 0.4, WebP": (
        encode("WEBP", 90, scale(0.4)),
        {"resize": {"scale": 0.4}, "webp": {"quality": 90}},
    ),
    "smooth, JPEG": (encode("JPEG", 60, smooth(40)), {"face_restore": {}, "jpeg": {}}),
    "noise, JPEG": (encode("JPEG", 85, add_noise(4)), {"jpeg": {}}),
}
"""What a picture was made to, and the effects in their order with what they are told by."""

EXACT = list(CASES)[: list(CASES).index("WebP 90")]
TOLERANCE = {"scale": 0, "levels": 0, "quality": 0, "x": 0.05, "y": 0.05, "contrast": 0.012}


@pytest.mark.parametrize("name", CASES)
def test_what_was_done_is_told_in_its_order(name: str) -> None:
    result, told = CASES[name]
    seen = look(result)
    assert [effect.cause.value for effect in seen.effects] == list(told)
    assert seen.is_redrawn == name.startswith("mirrored")
    for effect in seen.effects:
        assert 0.1 < effect.explained <= 1
        for key, value in told[effect.cause.value].items():
            assert effect.evidence[key] == pytest.approx(value, abs=TOLERANCE.get(key, 0.2)), key
        for key in ("explained", "comb", "lattice"):
            assert effect.evidence.get(key, effect.explained) == pytest.approx(
                effect.explained, abs=0.001
            )
    if name in EXACT:
        check_that_nothing_is_left(seen, result)


def check_that_nothing_is_left(seen: Far, result: np.ndarray) -> None:
    """The effects make of the edit what the result is."""
    picture = EDITED
    for effect in seen.effects:
        picture = effect.apply(picture)
    gap = np.abs(picture.astype(int) - result).max(axis=2)
    assert np.mean(gap[20:-20, 20:-20]) < 0.15
    assert max(seen.noise, seen.excess, seen.slow_excess, seen.calm_excess) < 0.25


@pytest.mark.parametrize("name", ["shift", "half", "smooth"])
def test_an_effect_explains_all_and_fits_as_it_is(name: str) -> None:
    (effect,) = look(CASES[name][0]).effects
    assert effect.explained > 0.99
    assert effect.match == pytest.approx(1, abs=0.01)


def test_a_shift_within_the_error_of_measuring_is_none() -> None:
    assert look(shift(0.2, 0.1)).find(Cause.SHIFT) is None


def test_a_scale_between_those_that_are_tried_is_told_nearly() -> None:
    effect = look(scale(0.6 * 0.97)).find(Cause.RESIZE)
    assert effect is not None
    assert effect.evidence["scale"] == pytest.approx(0.582, abs=0.01)


def test_half_a_level_is_no_color_shift_and_a_strange_contrast_another_picture() -> None:
    half = EDITED.copy()
    half[np.random.default_rng(3).random(MASK.shape) < 0.5] += 1
    assert look(half).find(Cause.COLOR_SHIFT) is None
    assert look(recolor(1.8, 0, 0, 0)).find(Cause.COLOR_SHIFT) is not None
    assert look(recolor(2.3, 0, 0, 0)).find(Cause.COLOR_SHIFT) is None


def test_a_color_correction_moves_chroma_and_leaves_luma() -> None:
    result = CASES["correction"][0]
    effect = look(result).find(Cause.COLOR_CORRECTION)
    assert effect is not None
    corrected = effect.apply(EDITED)
    away = DISTANCE > 4
    gap = np.abs(corrected.astype(int) - result)[away]
    assert gap.mean() < 0.7
    lab, was = (cv2.cvtColor(one, cv2.COLOR_RGB2LAB) for one in (result, PHOTO))
    chroma = np.abs(lab.astype(int) - was)[DISTANCE > 40].mean(axis=0)[1:].max()
    assert effect.evidence["chroma"] == pytest.approx(chroma, rel=0.05)
    assert 0 <= float(effect.evidence["luma"]) < 0.5
    assert float(effect.evidence["explained"]) > 0.95


@pytest.mark.parametrize("quality", [60, 85])
def test_a_format_is_foretold_in_a_small_picture_too(quality: int) -> None:
    """All of it lies near the mask."""
    photo, mask = np.ascontiguousarray(PHOTO[:48, 100:148]), np.zeros((48, 48), np.uint8)
    mask[14:30, 14:30] = 255
    edited = np.where(mask[..., None] > 0, 255 - photo, photo)
    seen = look_far(photo, encode("JPEG", quality, edited), mask, edge_distance(mask))
    assert [effect.evidence["quality"] for effect in seen.effects] == [quality]
    assert seen.noise < 0.3


def test_a_format_the_original_had_too_is_not_found() -> None:
    """Its traces are there, but they are not new."""
    for form in ("JPEG", "WEBP"):
        original = encode(form, 60, PHOTO)
        result = np.where(MASK[..., None] > 0, 255 - original, original)
        result[(DISTANCE > 10)[..., None] & (np.indices(result.shape)[0] % 4 == 0)] ^= 1
        assert look(result, original=original).effects == ()


def test_greys_are_on_every_lattice_and_tell_no_format() -> None:
    grey = PHOTO[..., :1].repeat(3, axis=2)
    noisy = add_noise(3, grey)[..., :1].repeat(3, axis=2)
    assert look(noisy, original=grey).effects == ()


def test_few_colors_are_on_a_lattice_by_chance() -> None:
    """The nearest colors of a decoder's to a flat red: nothing was decoded."""
    flat = np.full_like(PHOTO, (200, 60, 60))
    for level in range(1, 9):
        assert (
            look(recolor(1, level, -level, 0, picture=flat), original=flat).find(Cause.AVIF) is None
        )
        assert look(recolor(1, level, 0, 2, picture=flat), original=flat).find(Cause.WEBP) is None


def test_a_formats_rounding_of_colors_is_no_shift_of_them() -> None:
    flat = np.full_like(PHOTO, (200, 61, 62))
    for form, cause in (("JPEG", Cause.JPEG), ("WEBP", Cause.WEBP)):
        coded = encode(form, 80, flat)
        assert np.abs(coded.astype(int) - flat).max() > 0
        seen = look_far(flat, coded, MASK, DISTANCE, codec=cause)
        assert [effect.cause for effect in seen.effects] == [cause]


@pytest.mark.parametrize("sigma", [1.0, 2.0, 5.0])
def test_noise_is_told_by_its_standard_deviation(sigma: float) -> None:
    seen = look(add_noise(sigma))
    assert seen.effects == ()
    assert seen.noise == pytest.approx(np.hypot(sigma, 1 / np.sqrt(12)), rel=0.05)
    assert seen.excess == pytest.approx((sigma**2 + 1 / 12) / 0.6, rel=0.1)


def test_noise_without_fine_grain_is_slow() -> None:
    """An autoencoder's error goes on over its cells; a sensor's noise does not."""
    grain = np.random.default_rng(5).normal(0, 1, EDITED.shape)
    slow = cv2.GaussianBlur(grain, (0, 0), 4)
    coarse = look(to_levels(EDITED + slow * 3 / slow.std()))
    fine = look(add_noise(3))
    assert coarse.noise == pytest.approx(fine.noise, rel=0.1)
    assert coarse.slow_excess > 10 * fine.slow_excess
    assert coarse.calm_excess == coarse.slow_excess


def test_noise_beneath_a_format_is_more_than_the_format_errs() -> None:
    noisy = look(CASES["noise, JPEG"][0])
    assert noisy.excess > 1.5
    assert noisy.calm_excess > 0.5 > look(JPEG_92).calm_excess
    for name in ("WebP 90", "JPEG 50"):
        coded = look(CASES[name][0])
        assert coded.excess < 1
        assert coded.slow_excess < 1.2


# --- where it is looked for --------------------------------------------------------------------


def test_nothing_is_seen_where_little_changed() -> None:
    few = EDITED.copy()
    far = np.flatnonzero(DISTANCE > 56)
    few.reshape(-1, 3)[far[::25]] ^= 1
    found = look(few)
    assert found.changed == pytest.approx(0.04, abs=0.002)
    assert (found.effects, found.noise, found.excess) == ((), 0, 0)
    few.reshape(-1, 3)[far[::15]] ^= 2
    assert look(few).noise > 0
    assert look(EDITED).changed == 0
    assert look(recolor(1, 8, 2, -6)).changed == 1


def test_what_lies_near_the_mask_is_a_feathers() -> None:
    near = EDITED.copy()
    near[(DISTANCE > 0) & (DISTANCE <= 56)] ^= 31
    assert look(near).changed == 0
    near[DISTANCE == 57] ^= 31
    assert look(near).changed > 0


def test_a_crop_is_another_matter() -> None:
    box = Box(0, 0, 148, 144)
    noisy = EDITED.copy()
    noisy[box.slices] = add_noise(6)[box.slices]
    assert look(noisy).noise > 2
    assert look(noisy, box).changed == 0
    assert look(noisy, Box(0, 0, WIDTH, HEIGHT)) == look(noisy)
    noisy[:, 148:] = recolor(1, 8, 2, -6)[:, 148:]
    found = look(noisy, box)
    assert [effect.cause for effect in found.effects] == [Cause.COLOR_SHIFT]
    assert found.changed == 1


def test_an_effect_is_found_by_its_cause() -> None:
    chain = look(CASES["half, JPEG"][0])
    assert chain.find(Cause.JPEG) is chain.effects[1]
    assert chain.find(Cause.RESIZE) is chain.effects[0]
    assert chain.find(Cause.SHIFT) is None


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("bottom", [True, False])
def test_the_window_lies_in_the_corner_far_from_the_mask(right: bool, bottom: bool) -> None:
    mask = np.zeros((1400, 1810), np.uint8)
    mask[0 if bottom else 700 : 700 if bottom else 1400] = 255
    mask[:, 0 if right else 900 : 900 if right else 1810] = 255
    box = find_window(edge_distance(mask))
    assert (box.width, box.height) == (512, 512)
    assert box.left % 16 == box.top % 16 == 0, "on the grid of JPEG's macroblocks"
    assert (box.left, box.top) == (1296 if right else 0, 880 if bottom else 0)


def test_the_window_lies_in_the_middle_of_a_side_or_the_picture() -> None:
    for left, top in ((640, 0), (0, 432), (1296, 432), (640, 880), (640, 432)):
        mask = np.full((1400, 1810), 255, np.uint8)
        mask[max(top - 60, 0) : top + 572, max(left - 60, 0) : left + 572] = 0
        assert find_window(edge_distance(mask)) == Box(left, top, left + 512, top + 512)


def test_the_window_lies_where_the_mask_leaves_anything() -> None:
    """Between the squares that are tried first, and at the border that is on no grid."""
    for x, y in ((570, 100), (1250, 1395), (1805, 1398)):
        mask = np.full((1400, 1810), 255, np.uint8)
        mask[y : y + 3, x : x + 3] = 0
        box = find_window(edge_distance(mask))
        assert box.around(Box(x, y, x + 2, y + 2)) == box
        assert (box.width, box.height) == (512, 512)
        changed = np.zeros((1400, 1810, 3), np.uint8)
        changed[mask == 0] = 9
        seen = look_far(np.zeros_like(changed), changed, mask, edge_distance(mask))
        assert seen.changed == 1


def test_the_window_of_a_small_picture_is_all_of_it() -> None:
    assert find_window(edge_distance(MASK)) == Box(0, 0, WIDTH, HEIGHT)
    tall = np.zeros((700, 100), np.uint8)
    tall[:60] = 255
    assert find_window(edge_distance(tall)) == Box(0, 176, 100, 688)


def test_structure_tells_another_picture() -> None:
    free = MASK == 0
    assert measure_structure(PHOTO, PHOTO, free) == pytest.approx(1)
    assert measure_structure(PHOTO, 255 - PHOTO, free) == pytest.approx(-1)
    assert measure_structure(PHOTO, recolor(0.5, 30, 30, 30), DISTANCE > 40) > 0.99
    assert abs(measure_structure(PHOTO, MIRRORED, free)) < 0.2
    assert look(MIRRORED).structure == pytest.approx(
        measure_structure(PHOTO, MIRRORED, DISTANCE > 56)
    )


SLOPE = to_levels(np.indices(PHOTO.shape[:2]).sum(axis=0)[..., None] * 0.2 + [90, 120, 150])


def test_a_smooth_picture_is_redrawn_only_by_another_picture() -> None:
    """It has no structure of its own that noise, a format or a stamp could spoil."""
    stamped = SLOPE.copy()
    stamped[90:130, 100:180] = 20
    coarse = np.random.default_rng(3).normal(0, 6, (18, 24, 3)).astype(np.float32)
    blotched = to_levels(SLOPE + cv2.resize(coarse, (WIDTH, HEIGHT)))
    for result in (add_noise(6, SLOPE), blotched, encode("WEBP", 80, SLOPE), stamped):
        assert not look(result, original=SLOPE).is_redrawn
    assert look(PHOTO, original=SLOPE).is_redrawn
    assert look(SLOPE).is_redrawn


def test_a_patch_of_another_picture_is_no_redraw() -> None:
    """Even if it has more structure than all the rest."""
    quiet = to_levels(128 + (PHOTO - 128.0) * 0.1)
    result = quiet.copy()
    result[100:, 110:] = np.random.default_rng(5).integers(0, 256, (44, 82, 3))
    assert 0.05 < look(result, original=quiet).changed < 0.5
    assert measure_structure(quiet, result, DISTANCE > 56) < 0.5
    assert not look(result, original=quiet).is_redrawn


def test_flat_pictures_have_one_structure() -> None:
    flat = np.full_like(PHOTO, 90)
    assert measure_structure(flat, PHOTO, MASK == 0) == 1
    assert measure_structure(PHOTO, flat, MASK == 0) == 1

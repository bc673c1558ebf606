"""What reaches everywhere is told as it was done: which effects, in which order, how strong."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

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
RESULTS = {
    "nothing": EDITED,
    "shift": shift(2, 1),
    "small shift": shift(0.5, 0),
    "shift up": shift(0, -3.25),
    "large shift": shift(12, 0),
    "half": scale(0.5),
    "three quarters": scale(0.75),
    "larger": scale(1.25),
    "color": recolor(1, 8, 2, -6),
    "contrast": recolor(0.9, 0, 0, 0),
    "one level": recolor(1, 1, 1, 1),
    "correction": correct(),
    "smooth": smooth(25),
    "very smooth": smooth(60),
    "JPEG 50": encode("JPEG", 50),
    "JPEG 92": encode("JPEG", 92),
    "WebP 50": encode("WEBP", 50),
    "WebP 90": encode("WEBP", 90),
    "a lattice without a comb": encode("JPEG", 100, subsampling=0),
    "noise": add_noise(4),
    "mirrored": MIRRORED,
    "mirrored JPEG": encode("JPEG", 80, MIRRORED),
    "shift, color, JPEG": encode("JPEG", 90, recolor(1, 8, 2, -6, picture=shift(2, 1))),
    "half, JPEG": encode("JPEG", 90, scale(0.5)),
    "scaled by 0.4, WebP": encode("WEBP", 90, scale(0.4)),
    "smooth, JPEG": encode("JPEG", 60, smooth(40)),
    "noise, JPEG": encode("JPEG", 85, add_noise(4)),
}


Seen = Callable[[str], Far]


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What is seen in one of the results, looked for once."""
    return cache(lambda name: look(RESULTS[name]))


CHAINS = {
    "nothing": "",
    "shift": "shift",
    "small shift": "shift",
    "shift up": "shift",
    "large shift": "shift",
    "half": "resize",
    "three quarters": "resize",
    "larger": "resize",
    "color": "color_shift",
    "contrast": "color_shift",
    "one level": "color_shift",
    "correction": "color_correction",
    "smooth": "face_restore",
    "very smooth": "face_restore",
    "JPEG 50": "jpeg",
    "JPEG 92": "jpeg",
    "WebP 50": "webp",
    "WebP 90": "webp",
    "a lattice without a comb": "avif",
    "noise": "",
    "mirrored": "",
    "mirrored JPEG": "jpeg",
    "shift, color, JPEG": "shift color_shift jpeg",
    "half, JPEG": "resize jpeg",
    "scaled by 0.4, WebP": "resize webp",
    "smooth, JPEG": "face_restore jpeg",
    "noise, JPEG": "jpeg",
}


@pytest.mark.parametrize("name", RESULTS)
def test_the_effects_are_those_that_were_done_in_their_order(seen: Seen, name: str) -> None:
    assert " ".join(effect.cause.value for effect in seen(name).effects) == CHAINS[name]
    assert seen(name).is_redrawn == name.startswith("mirrored")


EXACT = (
    "shift", "small shift", "shift up", "large shift", "half", "three quarters", "larger", "color",
    "one level", "smooth", "very smooth", "JPEG 50", "JPEG 92", "half, JPEG",
)  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_the_effects_make_of_the_picture_what_the_result_is(seen: Seen, name: str) -> None:
    picture = EDITED
    for effect in seen(name).effects:
        picture = effect.apply(picture)
    gap = np.abs(picture.astype(int) - RESULTS[name]).max(axis=2)
    assert np.mean(gap[20:-20, 20:-20]) < 0.1
    assert seen(name).noise < 0.2
    assert seen(name).excess < 0.1
    assert seen(name).slow_excess < 0.1


@pytest.mark.parametrize("name", ["shift", "half", "smooth"])
def test_an_effect_that_was_done_explains_all_and_fits_as_it_is(seen: Seen, name: str) -> None:
    (effect,) = seen(name).effects
    assert effect.explained == pytest.approx(1, abs=0.01)
    assert effect.match == pytest.approx(1, abs=0.01)
    assert effect.evidence["explained"] == round(effect.explained, 3)


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("shift", 2, 1),
        ("small shift", 0.5, 0),
        ("shift up", 0, -3.25),
        ("large shift", 12, 0),
        ("shift, color, JPEG", 2, 1),
    ],
)
def test_a_shift_is_told_to_a_fraction_of_a_pixel(
    seen: Seen, name: str, x: float, y: float
) -> None:
    effect = seen(name).find(Cause.SHIFT)
    assert effect is not None
    assert effect.evidence["x"] == pytest.approx(x, abs=0.05)
    assert effect.evidence["y"] == pytest.approx(y, abs=0.05)


def test_a_shift_within_the_error_of_measuring_is_none() -> None:
    assert look(shift(0.2, 0.1)).find(Cause.SHIFT) is None


@pytest.mark.parametrize(
    ("name", "factor"),
    [("half", 0.5), ("three quarters", 0.75), ("larger", 1.25), ("half, JPEG", 0.5)],
)
def test_a_scale_is_told(seen: Seen, name: str, factor: float) -> None:
    effect = seen(name).find(Cause.RESIZE)
    assert effect is not None
    assert effect.evidence["scale"] == factor


def test_a_scale_between_those_that_are_tried_is_told_nearly() -> None:
    effect = look(scale(0.6 * 0.97)).find(Cause.RESIZE)
    assert effect is not None
    assert effect.evidence["scale"] == pytest.approx(0.582, abs=0.01)


@pytest.mark.parametrize(
    ("name", "steps", "contrast"),
    [
        ("color", (8, 2, -6), 1),
        ("one level", (1, 1, 1), 1),
        ("contrast", (0, 0, 0), 0.9),
        ("shift, color, JPEG", (8, 2, -6), 1),
    ],
)
def test_a_color_shift_is_told_by_channel(
    seen: Seen, name: str, steps: tuple[float, ...], contrast: float
) -> None:
    effect = seen(name).find(Cause.COLOR_SHIFT)
    assert effect is not None
    told = [effect.evidence[channel] for channel in ("red", "green", "blue")]
    assert told == pytest.approx(list(steps), abs=0.2)
    assert effect.evidence["contrast"] == pytest.approx(contrast, abs=0.012)
    assert float(effect.evidence["explained"]) > 0.9


def test_half_a_level_is_no_color_shift_and_a_strange_contrast_another_picture() -> None:
    half = EDITED.copy()
    half[np.random.default_rng(3).random(MASK.shape) < 0.5] += 1
    assert look(half).find(Cause.COLOR_SHIFT) is None
    assert look(recolor(1.8, 0, 0, 0)).find(Cause.COLOR_SHIFT) is not None
    assert look(recolor(2.3, 0, 0, 0)).find(Cause.COLOR_SHIFT) is None


def test_a_color_correction_moves_chroma_and_leaves_luma(seen: Seen) -> None:
    effect = seen("correction").find(Cause.COLOR_CORRECTION)
    assert effect is not None
    corrected = effect.apply(EDITED)
    away = DISTANCE > 4
    gap = np.abs(corrected.astype(int) - RESULTS["correction"])[away]
    assert gap.mean() < 0.7
    lab, was = (cv2.cvtColor(one, cv2.COLOR_RGB2LAB) for one in (RESULTS["correction"], PHOTO))
    chroma = np.abs(lab.astype(int) - was)[DISTANCE > 40].mean(axis=0)[1:].max()
    assert effect.evidence["chroma"] == pytest.approx(chroma, rel=0.05)
    assert 0 <= float(effect.evidence["luma"]) < 0.5
    assert float(effect.evidence["explained"]) > 0.95


@pytest.mark.parametrize(("name", "levels"), [("smooth", 25), ("very smooth", 60)])
def test_a_smoothing_is_told_by_the_edges_that_outlast_it(
    seen: Seen, name: str, levels: float
) -> None:
    effect = seen(name).find(Cause.FACE_RESTORE)
    assert effect is not None
    assert effect.evidence["levels"] == levels


@pytest.mark.parametrize(
    ("name", "cause", "quality"),
    [
        ("JPEG 50", Cause.JPEG, 50),
        ("JPEG 92", Cause.JPEG, 92),
        ("mirrored JPEG", Cause.JPEG, 80),
        ("WebP 50", Cause.WEBP, 50),
        ("WebP 90", Cause.WEBP, 90),
        ("shift, color, JPEG", Cause.JPEG, 90),
        ("scaled by 0.4, WebP", Cause.WEBP, 90),
    ],
)
def test_a_files_quality_is_told(seen: Seen, name: str, cause: Cause, quality: int) -> None:
    effect = seen(name).find(cause)
    assert effect is not None
    assert effect.evidence["quality"] == quality
    trace = effect.evidence["comb" if cause is Cause.JPEG else "lattice"]
    assert trace == pytest.approx(effect.explained, abs=0.001)
    assert 0.4 < effect.explained <= 1


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


def test_noise_beneath_a_format_is_more_than_the_format_errs(seen: Seen) -> None:
    assert seen("noise, JPEG").excess > 1.5
    assert seen("noise, JPEG").calm_excess > 0.5 > seen("JPEG 92").calm_excess
    for name in ("WebP 50", "WebP 90", "JPEG 50"):
        assert seen(name).excess < 1
        assert seen(name).slow_excess < 1.2


# --- where it is looked for --------------------------------------------------------------------


def test_nothing_is_seen_where_little_changed(seen: Seen) -> None:
    few = EDITED.copy()
    far = np.flatnonzero(DISTANCE > 56)
    few.reshape(-1, 3)[far[::25]] ^= 1
    found = look(few)
    assert found.changed == pytest.approx(0.04, abs=0.002)
    assert (found.effects, found.noise, found.excess) == ((), 0, 0)
    few.reshape(-1, 3)[far[::15]] ^= 2
    assert look(few).noise > 0
    assert seen("nothing").changed == 0
    assert seen("color").changed == 1


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


def test_an_effect_is_found_by_its_cause(seen: Seen) -> None:
    chain = seen("half, JPEG")
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


def test_the_window_of_a_small_picture_is_all_of_it() -> None:
    assert find_window(edge_distance(MASK)) == Box(0, 0, WIDTH, HEIGHT)
    tall = np.zeros((700, 100), np.uint8)
    tall[:60] = 255
    assert find_window(edge_distance(tall)) == Box(0, 176, 100, 688)


def test_structure_tells_another_picture(seen: Seen) -> None:
    free = MASK == 0
    assert measure_structure(PHOTO, PHOTO, free) == pytest.approx(1)
    assert measure_structure(PHOTO, 255 - PHOTO, free) == pytest.approx(-1)
    assert measure_structure(PHOTO, recolor(0.5, 30, 30, 30), DISTANCE > 40) > 0.99
    assert abs(measure_structure(PHOTO, MIRRORED, free)) < 0.2
    assert seen("mirrored").structure == pytest.approx(
        measure_structure(PHOTO, MIRRORED, DISTANCE > 56)
    )


def test_flat_pictures_have_one_structure() -> None:
    flat = np.full_like(PHOTO, 90)
    assert measure_structure(flat, PHOTO, MASK == 0) == 1
    assert measure_structure(PHOTO, flat, MASK == 0) == 1

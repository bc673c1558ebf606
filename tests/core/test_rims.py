"""What lies somewhere is found where it was put: rims, rectangles, patches."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.effects import Effect, Far, look_far
from bleed_guard.core.job import Box, Cause
from bleed_guard.core.mask import blur_mask, edge_distance
from bleed_guard.core.rims import (
    Leftover,
    Patch,
    Rim,
    find_patch,
    find_rectangle,
    measure_cells,
    measure_pull,
    measure_rim,
    take_away,
)
from bleed_guard.core.signals import Comb, Lattice

WIDTH, HEIGHT = 256, 192
HOLE = Box(60, 70, 110, 120)


def draw_photo() -> np.ndarray:
    """Smooth shapes with a little texture: uint8 H x W x 3."""
    dice = np.random.default_rng(3)
    coarse = dice.integers(40, 200, (12, 16, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(dice.normal(0, 12, smooth.shape), (0, 0), 1)
    return np.clip(smooth + fine, 10, 245).astype(np.uint8)


def make_mask(hole: Box = HOLE, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[hole.slices] = 255
    return mask


PHOTO, MASK = draw_photo(), make_mask()
DISTANCE = edge_distance(MASK)
EDITED = np.where(MASK[..., None] > 0, 255 - PHOTO, PHOTO)


def far(*effects: Effect, **values: Any) -> Far:
    traces = {"comb": Comb(0.0, 0.0, 50), "before": Lattice(0.0, 0.0), "after": Lattice(0.0, 0.0)}
    fields = {"changed": 0.0, "structure": 1.0, "effects": effects, **traces, **values}
    return Far(Box(0, 0, WIDTH, HEIGHT), **fields)


def leave(result: np.ndarray, mask: np.ndarray = MASK, seen: Far | None = None) -> Leftover:
    return take_away(PHOTO, result, mask, edge_distance(mask), seen or far())


# --- what is left ------------------------------------------------------------------------------


def test_without_effects_all_that_changed_is_left() -> None:
    result = EDITED.copy()
    result[10:20, 30:40] += 7
    leftover = leave(result)
    changed = np.abs(result.astype(int) - PHOTO).max(axis=2)
    assert np.array_equal(leftover.left, changed)
    assert np.array_equal(leftover.known, MASK == 0)
    assert np.array_equal(leftover.strong, (changed > 0) & (MASK == 0))
    assert np.array_equal(leftover.gap, result.astype(np.float32) - PHOTO)
    assert not leftover.floor.any()
    assert not leftover.coded.any()
    assert not leftover.slow_coded.any()


def test_what_is_left_slowly_is_its_mean_over_the_neighbours() -> None:
    result = PHOTO.copy()
    result[40:80, 140:200, 1] -= 9
    result[40:80, 140:200, 2] += 4
    slow = leave(result).slow
    assert slow[60, 170] == pytest.approx(9, abs=0.01)
    assert slow[60, 140] == pytest.approx(5, abs=0.01), "5 columns of 9 are in it"
    assert slow[60, 134] == 0


def shifted(x: int, y: int) -> Effect:
    return Effect(Cause.SHIFT, lambda one: np.roll(one, (y, x), (0, 1)), evidence={"x": x, "y": y})


def test_what_an_effect_foretells_is_not_left() -> None:
    effect = shifted(3, -2)
    leftover = leave(effect.apply(EDITED), seen=far(effect))
    away = DISTANCE > 4
    assert not leftover.left[away].any()
    assert not leftover.strong.any()
    assert np.array_equal(leftover.known, away), "nearer, the new content was moved too"


def test_a_resize_carries_new_content_farther_the_smaller_it_was() -> None:
    reaches = []
    for scale in (0.3, 0.5, 1.0, 2.0):
        effect = Effect(Cause.RESIZE, lambda one: one, evidence={"scale": scale})
        known = leave(EDITED, seen=far(effect)).known
        reaches.append(int(DISTANCE[~known].max()))
    assert reaches == [12, 8, 5, 5]


@pytest.mark.parametrize(
    ("cause", "reach"), [(Cause.FACE_RESTORE, 2), (Cause.COLOR_SHIFT, 0), (Cause.JPEG, 0)]
)
def test_other_effects_carry_new_content_little_or_not(cause: Cause, reach: int) -> None:
    known = leave(EDITED, seen=far(Effect(cause, lambda one: one))).known
    assert np.array_equal(known, reach < DISTANCE)


def lift(by: int) -> Effect:
    return Effect(Cause.COLOR_SHIFT, lambda one: one + np.uint8(by))


def test_effects_are_taken_away_one_after_the_other() -> None:
    first, second = shifted(5, 0), lift(4)
    leftover = leave(second.apply(first.apply(EDITED)), seen=far(first, second))
    assert not leftover.left[leftover.known].any()


def test_a_strong_effect_says_little_of_small_differences() -> None:
    """A quarter of what it moves, and a level for its rounding."""
    floor = leave(EDITED, seen=far(lift(8))).floor
    assert np.allclose(floor, 3)


def test_what_several_effects_leave_unsaid_adds_up() -> None:
    floor = leave(EDITED, seen=far(lift(8), lift(4))).floor
    assert np.allclose(floor, 5)


def coding(by: int) -> Effect:
    """A format that errs by so much, in a checkerboard."""
    error = np.where(np.indices(MASK.shape).sum(axis=0) % 2, by, 0).astype(np.uint8)[..., None]
    return Effect(Cause.JPEG, lambda one: one + error)


def test_a_formats_usual_error_says_nothing_and_twice_that_at_the_masks_edge() -> None:
    leftover = leave(coding(8).apply(EDITED), seen=far(coding(8)))
    middle = np.s_[20:-20, 20:-20]
    near = DISTANCE[middle] <= 16
    assert np.allclose(leftover.coded[middle], 4, atol=0.1)
    assert np.allclose(leftover.floor[middle], np.where(near, 13, 5), atol=0.1)
    assert np.allclose(leftover.slow_coded[middle], 4, atol=0.1)
    plain = leave(EDITED, seen=far(lift(8)))
    assert not plain.coded.any()
    assert not plain.slow_coded.any()


def test_noise_raises_what_says_nothing() -> None:
    assert leave(EDITED, seen=far(noise=5.0)).floor.max() == 0
    noisy = leave(EDITED, seen=far(noise=5.0, excess=2.0)).floor
    assert np.allclose(noisy, 14)
    foretold = leave(EDITED, seen=far(lift(0), noise=5.0)).floor
    assert np.allclose(foretold, 15)


# --- rims --------------------------------------------------------------------------------------


def blend(weight: np.ndarray, photo: np.ndarray = PHOTO) -> np.ndarray:
    share = weight.astype(np.float32)[..., None] / 255
    return np.rint((255 - photo.astype(np.float32)) * share + photo * (1 - share)).astype(np.uint8)


def rim_of(result: np.ndarray, mask: np.ndarray = MASK) -> Rim:
    return measure_rim(leave(result, mask), mask, edge_distance(mask))


def add_rings(**rings: float) -> np.ndarray:
    """The edit, and on each ring outside the mask so many levels: `r1=8` on the first."""
    result = EDITED.copy()
    for name, levels in rings.items():
        result[int(name[1:]) == DISTANCE] += np.uint8(levels)
    return result


def test_a_rim_is_measured_ring_by_ring() -> None:
    rim = rim_of(add_rings(r1=12, r2=8, r3=6, r4=3, r5=1))
    pixels = int(((DISTANCE > 0) & (DISTANCE <= 5)).sum())
    counts = [np.count_nonzero(ring == DISTANCE) for ring in range(1, 6)]
    assert (rim.reach, rim.pixels) == (5, pixels)
    assert (rim.touched, rim.even, rim.grey, rim.beyond) == (1, 1, 0, 0)
    assert rim.strength == pytest.approx(np.dot(counts, [12, 8, 6, 3, 1]) / pixels)
    assert rim.decay == pytest.approx(np.mean([12, 8, 6]) / np.mean([6, 3, 1]))


def test_a_rim_may_be_one_pixel_wide() -> None:
    rim = rim_of(add_rings(r1=12))
    assert (rim.reach, rim.pixels) == (1, (DISTANCE == 1).sum())
    assert (rim.even, rim.decay, rim.strength) == (1, 1, 12)


def test_a_rim_ends_where_too_little_stands_out() -> None:
    """One pixel in eight is not touched by chance, one in nine may be."""
    for every, reach in ((7, 3), (10, 2)):
        result = add_rings(r1=9, r2=9)
        third = np.flatnonzero(DISTANCE == 3)
        result.reshape(-1, 3)[third[::every]] += 9
        assert rim_of(result).reach == reach


def test_a_rim_does_not_reach_over_a_ring_that_is_untouched() -> None:
    assert rim_of(add_rings(r1=9, r2=9, r4=9)).reach == 2


def test_no_rim_where_the_first_ring_is_untouched() -> None:
    assert rim_of(EDITED) == Rim()
    assert rim_of(add_rings(r2=9)) == Rim()
    some = EDITED.copy()
    first = np.flatnonzero(DISTANCE == 1)
    some.reshape(-1, 3)[first[::20]] += 9
    assert rim_of(some) == Rim(touched=len(first[::20]) / len(first))


def test_a_rim_counts_those_of_its_first_two_rings_that_are_touched() -> None:
    result = add_rings(r1=9)
    second = np.flatnonzero(DISTANCE == 2)
    result.reshape(-1, 3)[second[::2]] += 9
    assert rim_of(result).touched == pytest.approx(0.75, abs=0.01)


def test_what_stands_out_everywhere_is_no_rim() -> None:
    """A fifth of all pixels is touched, of the first rings all."""
    result = add_rings(r1=9, r2=9, r3=9)
    scattered = np.random.default_rng(8).random(MASK.shape) < 0.2
    result[scattered & (MASK == 0)] += 5
    assert rim_of(result).reach == 3


@pytest.mark.parametrize("mask_blur", [1, 4, 9])
def test_a_blurs_rim_reaches_as_far_as_it_changed_pixels(mask_blur: int) -> None:
    result = blend(blur_mask(MASK, mask_blur))
    changed = (result != PHOTO).any(axis=2) & (MASK == 0)
    rim = rim_of(result)
    assert rim.pixels == pytest.approx(changed.sum(), rel=0.02)
    assert rim.reach == pytest.approx(DISTANCE[changed].max(), abs=1)
    assert rim.decay > 2


def make_soft(width: int = 8, level: int = 90) -> np.ndarray:
    """The mask in a frame of grey."""
    soft = np.zeros_like(MASK)
    soft[HOLE.grown(width).slices] = level
    return np.maximum(soft, MASK)


def test_a_grey_masks_rim_is_grey() -> None:
    soft = make_soft()
    rim = rim_of(blend(soft), soft)
    assert (rim.reach, rim.grey, rim.beyond) == (8, 1, 0)
    wider = blend(soft)
    outside = (DISTANCE > 8) & (DISTANCE <= 12)
    wider[outside] += 9
    rim = rim_of(wider, soft)
    grey = ((soft > 0) & (MASK == 0)).sum()
    assert (rim.reach, rim.beyond) == (12, 1)
    assert rim.grey == pytest.approx(grey / (grey + outside.sum()), abs=0.001)


def test_half_of_the_ring_beyond_the_grey_is_half() -> None:
    soft = make_soft()
    result = blend(soft)
    border = np.flatnonzero(DISTANCE == 9)
    result.reshape(-1, 3)[border[::2]] += 9
    assert rim_of(result, soft).beyond == pytest.approx(0.5, abs=0.01)


def test_a_rim_at_the_pictures_border_is_measured() -> None:
    mask = make_mask(Box(0, 60, 40, HEIGHT))
    result = blend(blur_mask(mask, 4))
    changed = (result != PHOTO).any(axis=2) & (mask == 0)
    assert rim_of(result, mask).pixels == pytest.approx(changed.sum(), rel=0.02)


def test_no_rim_where_nothing_is_known_of_any_ring() -> None:
    """New content that moved farther than the picture is wide."""
    leftover = leave(EDITED, seen=far(shifted(300, 0)))
    assert not leftover.known.any()
    assert measure_rim(leftover, MASK, DISTANCE) == Rim()


def test_a_rim_over_the_whole_picture_has_an_end() -> None:
    """No mask blur of the host reaches farther than 170 px."""
    wide, hole = np.zeros((40, 400, 3), np.uint8), Box(0, 0, 20, 40)
    mask = make_mask(hole, 400, 40)
    distance = edge_distance(mask)
    leftover = take_away(wide, wide + np.uint8(9), mask, distance, far())
    far_rim = measure_rim(
        leftover._replace(known=leftover.known & (distance < 190)), mask, distance
    )
    assert far_rim.reach <= 170


# --- pull --------------------------------------------------------------------------------------


def mixed(share: float, reach: int = 4) -> np.ndarray:
    """Black into white: so much of the content inside on the rings up to there."""
    picture = np.full((*MASK.shape, 3), 50, np.uint8)
    picture[(DISTANCE > 0) & (reach >= DISTANCE)] += np.uint8(round(150 * share))
    picture[MASK > 0] = 200
    return picture


@pytest.mark.parametrize("share", [0.0, 0.1, 0.2, 0.25, 0.5])
def test_a_pull_is_the_share_of_the_content_inside(share: float) -> None:
    flat = np.full((*MASK.shape, 3), 50, np.uint8)
    result = mixed(share)
    leftover = take_away(flat, result, MASK, DISTANCE, far())
    expected = min(share / 0.25, 1)
    assert measure_pull(leftover, result, MASK, far()) == pytest.approx(expected, abs=0.03)


def test_only_the_second_and_third_px_tell_a_pull() -> None:
    flat, result = np.full((*MASK.shape, 3), 50, np.uint8), mixed(0.2)
    for ring in (1, 4, 5):
        result[ring == DISTANCE] = 50
    leftover = take_away(flat, result, MASK, DISTANCE, far())
    assert measure_pull(leftover, result, MASK, far()) == pytest.approx(0.8, abs=0.03)


def test_a_shift_pulls_the_content_nearby_and_is_no_pull() -> None:
    """The rings the new content was moved over do not count."""
    flat = np.full((*MASK.shape, 3), 50, np.uint8)
    moved = far(Effect(Cause.SHIFT, lambda one: one, evidence={"x": 2.4, "y": -1.0}))
    near, farther = mixed(0.2, 4), mixed(0.2, 6)
    for result, pull in ((near, 0), (farther, 0.8)):
        leftover = take_away(flat, result, MASK, DISTANCE, far())
        assert measure_pull(leftover, result, MASK, moved) == pytest.approx(pull, abs=0.03)


def test_what_moves_away_from_the_content_is_no_pull() -> None:
    flat, result = np.full((*MASK.shape, 3), 50, np.uint8), mixed(0.0)
    result[(DISTANCE > 0) & (DISTANCE < 5)] = 20
    leftover = take_away(flat, result, MASK, DISTANCE, far())
    assert measure_pull(leftover, result, MASK, far()) == 0


def test_noise_is_no_pull_and_a_blur_is() -> None:
    noise = np.random.default_rng(5).normal(0, 6, PHOTO.shape)
    noisy = np.clip(EDITED + noise, 0, 255).astype(np.uint8)
    assert measure_pull(leave(noisy), noisy, MASK, far()) < 0.05
    blurred = blend(blur_mask(MASK, 4))
    assert measure_pull(leave(blurred), blurred, MASK, far()) == 1


def test_an_edit_as_dark_as_what_is_around_it_pulls_nothing() -> None:
    flat = np.full((*MASK.shape, 3), 50, np.uint8)
    assert measure_pull(take_away(flat, flat, MASK, DISTANCE, far()), flat, MASK, far()) == 0


# --- rectangles --------------------------------------------------------------------------------

CROPS = {
    "middle": Box(20, 40, 150, 160),
    "at the left": Box(0, 40, 150, 160),
    "in the corner": Box(0, 0, 150, 160),
    "at the right and bottom": Box(30, 30, WIDTH, HEIGHT),
    "wide": Box(10, 60, 240, 150),
}


def paste(box: Box, levels: float = 6.0, photo: np.ndarray = EDITED) -> np.ndarray:
    """A crop as the model gave it: noise of so many levels on it."""
    result = photo.copy()
    noise = np.random.default_rng(5).normal(0, levels, (box.height, box.width, 3))
    result[box.slices] = np.clip(np.rint(result[box.slices] + noise), 0, 255)
    return result


@pytest.mark.parametrize("name", CROPS)
@pytest.mark.parametrize("levels", [1.0, 6.0])
def test_a_crop_is_found_to_the_pixel(name: str, levels: float) -> None:
    assert find_rectangle(leave(paste(CROPS[name], levels)), MASK) == CROPS[name]


def test_a_crop_is_found_beneath_weak_noise() -> None:
    noise = np.random.default_rng(6).normal(0, 1, PHOTO.shape)
    noisy = np.clip(np.rint(EDITED + noise), 0, 255).astype(np.uint8)
    found = find_rectangle(leave(paste(CROPS["middle"], 8, noisy)), MASK)
    assert found is not None
    assert np.abs(np.subtract(found, CROPS["middle"])).max() <= 1


@pytest.mark.parametrize("quality", [80, 92])
def test_a_crop_is_found_beneath_a_file_format(quality: int) -> None:
    file = io.BytesIO()
    Image.fromarray(paste(CROPS["middle"], 9)).save(file, format="JPEG", quality=quality)
    result = np.asarray(Image.open(file))
    seen = look_far(PHOTO, result, MASK, DISTANCE)
    found = find_rectangle(leave(result, seen=replace(seen, noise=0.0)), MASK)
    assert found is not None
    assert np.abs(np.subtract(found, CROPS["middle"])).max() <= 4


def test_a_color_that_moved_in_a_crop_is_found() -> None:
    result = EDITED.copy()
    result[CROPS["middle"].slices] += np.uint8(3)
    assert find_rectangle(leave(result), MASK) == CROPS["middle"]


def no_crops() -> dict[str, np.ndarray]:
    noise = np.random.default_rng(6).normal(0, 6, PHOTO.shape)
    away = EDITED.copy()
    away[100:180, 150:240] ^= 8
    ellipse = np.zeros(MASK.shape, np.uint8)
    cv2.ellipse(ellipse, (85, 95), (80, 60), 0, 0, 360, (255,), -1)
    round_one = np.where(ellipse[..., None] > 0, paste(Box(0, 0, WIDTH, HEIGHT)), EDITED)
    return {
        "nothing": EDITED,
        "noise everywhere": np.clip(EDITED + noise, 0, 255).astype(np.uint8),
        "a blur": blend(blur_mask(MASK, 4)),
        "a wide blur": blend(blur_mask(MASK, 16)),
        "away from the mask": away,
        "round": round_one,
        "close to the mask": paste(HOLE.grown(16)),
        "the whole picture": paste(Box(0, 0, WIDTH, HEIGHT)),
    }


NO_CROPS = no_crops()


@pytest.mark.parametrize("name", NO_CROPS)
def test_what_is_no_pasted_crop_is_none(name: str) -> None:
    assert find_rectangle(leave(NO_CROPS[name]), MASK) is None


def test_a_crop_in_a_small_picture_is_found() -> None:
    photo = np.full((40, 96, 3), 100, np.uint8)
    mask = make_mask(Box(10, 10, 20, 30), 96, 40)
    result = photo.copy()
    result[4:36, 2:60] += 9
    leftover = take_away(photo, result, mask, edge_distance(mask), far())
    assert find_rectangle(leftover, mask) == Box(2, 4, 60, 36)


def test_a_crop_in_a_narrow_picture_is_found() -> None:
    photo = np.full((480, 40, 3), 100, np.uint8)
    mask = make_mask(Box(10, 425, 20, 435), 40, 480)
    result = photo.copy()
    result[410:470, 4:36] += 9
    leftover = take_away(photo, result, mask, edge_distance(mask), far())
    assert find_rectangle(leftover, mask) == Box(4, 410, 36, 470)


# --- cells -------------------------------------------------------------------------------------


def test_cells_tell_how_much_is_left_where_it_is_known() -> None:
    result = EDITED.copy()
    result[:, WIDTH // 2 :] += np.uint8(9)
    cells = measure_cells(leave(result))
    assert cells.shape == (48, 48)
    assert np.nanmax(cells[:, :9]) < 1
    assert np.allclose(cells[:, 26:], 9 / 0.3, rtol=0.02)
    hidden = np.s_[HOLE.top // 4 + 1 : HOLE.bottom // 4 - 1, 13:20]
    assert np.isnan(cells[hidden]).all()
    assert np.isfinite(cells[:, :9]).all()
    assert np.isfinite(cells[:, 20]).all(), "a third of these is known"


def test_cells_count_what_a_format_leaves_usually() -> None:
    result = EDITED.copy()
    result[:, WIDTH // 2 :] += np.uint8(9)
    plain = leave(result)
    coded = plain._replace(slow_coded=np.full(MASK.shape, 2.7, np.float32))
    right = np.s_[:, 26:]
    assert measure_cells(coded)[right] == pytest.approx(measure_cells(plain)[right] / 10, rel=0.01)


def test_cells_of_a_small_picture_are_its_pixels() -> None:
    photo = np.full((20, 30, 3), 100, np.uint8)
    mask = make_mask(Box(5, 5, 9, 9), 30, 20)
    cells = measure_cells(take_away(photo, photo + np.uint8(5), mask, edge_distance(mask), far()))
    assert cells.shape == (20, 30)
    assert np.array_equal(np.isnan(cells), mask > 0)


# --- patches -----------------------------------------------------------------------------------

STAMP = Box(180, 20, 220, 60)


def patch_of(result: np.ndarray, reach: int = 0, crop: Box | None = None) -> Patch:
    return find_patch(leave(result), DISTANCE, reach, crop)


def stamp(box: Box = STAMP, by: int = 60) -> np.ndarray:
    result = EDITED.copy()
    result[box.slices] = result[box.slices] // 2 + np.uint8(by)
    return result


def covers(patch: Patch, box: Box, margin: int) -> bool:
    """Whether the patch holds the box, and no more than so many px around it."""
    beyond = box.grown(margin)
    return patch.box.intersect(box) == box and patch.box.around(beyond) == beyond


def test_a_patch_is_found_where_it_is() -> None:
    patch = patch_of(stamp())
    assert covers(patch, STAMP, 22)
    assert STAMP.area <= patch.pixels <= patch.box.area
    assert patch.ratio > 4


def test_nothing_is_no_patch() -> None:
    assert patch_of(EDITED) == Patch()
    assert patch_of(np.clip(EDITED + 0, 0, 255)) == Patch()


def test_the_larger_of_two_patches_is_told() -> None:
    result = stamp()
    small = Box(20, 10, 32, 22)
    result[small.slices] = 255 - result[small.slices]
    assert covers(patch_of(result), STAMP, 22)


def test_a_patch_in_the_rim_is_the_rims() -> None:
    """Nothing is looked for up to 12 px beyond the rim."""
    near = Box(HOLE.right + 2, 80, HOLE.right + 18, 100)
    assert patch_of(stamp(near), reach=0).pixels > 0
    assert patch_of(stamp(near), reach=10) == Patch()
    left = patch_of(stamp(near), reach=0).box.left
    assert HOLE.right + 12 <= left <= HOLE.right + 15


def test_a_patch_in_the_crop_is_the_crops() -> None:
    part = patch_of(stamp(), crop=Box(170, 30, 190, 50))
    assert 0 < part.pixels < patch_of(stamp()).pixels
    assert patch_of(stamp(), crop=Box(170, 0, WIDTH, 90)) == Patch()
    assert covers(patch_of(stamp(), crop=Box(40, 40, 130, 150)), STAMP, 22)
    assert patch_of(stamp(), crop=Box(0, 0, WIDTH, HEIGHT)) == Patch()


def test_a_weak_patch_is_found_under_strong_noise() -> None:
    """5 levels under noise of 9 show in the mean of many pixels alone."""
    wide = Box(150, 20, 230, 100)
    noise = np.random.default_rng(6).normal(0, 9, PHOTO.shape)
    noisy = EDITED + noise
    plain = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    noisy[wide.slices] += np.array([6, -6, 4])
    patched = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    seen = far(noise=9.0, excess=5.0)
    found = find_patch(leave(patched, seen=seen), DISTANCE, 0, None)
    assert found.box.intersect(wide).area > 0.8 * wide.area
    assert found.box.intersect(wide).area > 0.4 * found.box.area
    assert found.pixels > 3000
    none = find_patch(leave(plain, seen=seen), DISTANCE, 0, None)
    assert none.pixels < 300

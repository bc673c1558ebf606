"""What lies somewhere: at the mask's edge, in a rectangle around it, or elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from bleed_guard.core.effects import FORETOLD, NEAR, Far
from bleed_guard.core.job import Box, Cause, mask_box
from bleed_guard.core.mask import HARD_LEVEL, grow_box
from bleed_guard.core.measure import difference
from bleed_guard.core.signals import LUMA_WEIGHTS

CELLS = 48
"""A rectangle is looked for on a grid of at most this many cells a side."""

LONGEST_RIM = 170
"""px: the reach of the host's largest mask blur, 64, and some."""

TOUCHED = 0.12
"""Share (0-1) of a ring's pixels that must stand out for the rim to reach there."""

SLOW = 9
"""px: side of the square over which a patch's leftover is averaged."""

BLOCK_REACH = 16
"""px: a format's block at the mask's edge carries the new content's error this far."""


class Leftover(NamedTuple):
    """What the effects do not foretell: `left` uint8 H x W in levels, `floor` float32 H x W up
    to which that says nothing, `known` bool H x W outside the mask where it can be told.
    `coded` is a file format's usual error there, `slow` what is left when neighbours are averaged,
    `slow_coded` the part of it a format's error has, all float32 H x W in levels. `gap` is float32
    H x W x 3, the result less what was foretold."""

    left: np.ndarray
    floor: np.ndarray
    known: np.ndarray
    coded: np.ndarray
    slow: np.ndarray
    slow_coded: np.ndarray
    gap: np.ndarray

    @property
    def strong(self) -> np.ndarray:
        """bool H x W: what stands out."""
        return (self.left > self.floor) & self.known


class Rim(NamedTuple):
    """What stands out along the mask's edge: `touched` is the share (0-1) of the first ring's
    pixels, `reach` in px, `grey` the share of it where the mask is grey, `beyond` how much of
    the ring just outside the grey stands out, `even` the share of the ring halfway out, `decay`
    how many times stronger the inner part is than the outer; `pull` as `measure_pull` tells it."""

    touched: float = 0.0
    reach: int = 0
    pixels: int = 0
    grey: float = 0.0
    beyond: float = 0.0
    even: float = 0.0
    decay: float = 1.0
    strength: float = 0.0
    pull: float = 0.0


class Patch(NamedTuple):
    """The largest connected part that stands out away from the mask; `ratio` is how many times
    the floor it differs on average."""

    pixels: int = 0
    ratio: float = 0.0
    box: Box = Box(0, 0, 0, 0)


def take_away(
    original: np.ndarray, result: np.ndarray, mask: np.ndarray, distance: np.ndarray, far: Far
) -> Leftover:
    """The difference without what reaches everywhere. The repainted part is the result's own,
    so that a format's blocks across the mask's edge see what they saw."""
    inside = mask >= HARD_LEVEL
    picture, known = original, ~inside
    floor, coded, slow_coded = (np.zeros(mask.shape, np.float32) for _ in range(3))
    for effect in far.effects:
        before = np.ascontiguousarray(np.where(inside[..., None], result, picture))
        picture = effect.apply(before)
        error = difference(np.ascontiguousarray(picture), before)
        local = cv2.blur(error.astype(np.float32), (17, 17))
        if effect.cause in FORETOLD:
            near = distance <= BLOCK_REACH
            floor += local + np.where(near, np.percentile(error[~inside], 85), 0)
            coded = coded + local
            slow_coded = cv2.blur(_slow_part(picture, before), (17, 17))
        else:
            known = known & (distance > _carry(effect.evidence, effect.cause))
            floor += 0.25 * local
        floor += 1
    if far.effects or far.excess > 1:
        floor += 2.8 * far.noise
    left = difference(np.ascontiguousarray(picture), result)
    gap = result.astype(np.float32) - picture
    slow = _slow_part(result, picture)
    return Leftover(left, floor, known, coded, slow, slow_coded, gap)


def _slow_part(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """float32 H x W: the largest difference of a channel when neighbours are averaged."""
    gap = cv2.blur(cv2.subtract(second, first, dtype=cv2.CV_32F), (SLOW, SLOW))
    red, green, blue = cv2.split(np.abs(gap))
    return cv2.max(cv2.max(red, green), blue)


def _carry(evidence: dict[str, float | int | str], cause: Cause) -> float:
    """px over which an effect carries the new content out of the mask."""
    if cause is Cause.SHIFT:
        return max(abs(float(evidence["x"])), abs(float(evidence["y"]))) + 1
    if cause is Cause.RESIZE:
        return 2 + 3 / min(float(evidence["scale"]), 1.0)
    return 2.0 if cause is Cause.FACE_RESTORE else 0.0


def find_rectangle(leftover: Leftover, mask: np.ndarray) -> Box | None:
    """A rectangle around the mask, all of which stands out: the crop, pasted without the mask."""
    height, width = mask.shape
    across, down = size = min(CELLS, width), min(CELLS, height)
    share = _cells(leftover.known.astype(np.float32), size)
    inside = _cells((mask >= HARD_LEVEL).astype(np.float32), size) > 0
    for levels in _list_levels(leftover):
        dense = _cells(levels * leftover.known, size) / np.maximum(share, 1e-6)
        found = _search(np.where(share > 0.3, dense, np.nan), inside)
        if found is None:
            continue
        left, top, right, bottom = found
        rough = Box(
            left * width // across,
            top * height // down,
            -(-right * width // across),
            -(-bottom * height // down),
        )
        sharp = _sharpen(rough, levels, leftover.known)
        if sharp is not None and _is_flat(sharp, leftover, mask):
            return sharp
    return None


def measure_cells(leftover: Leftover) -> np.ndarray:
    """float32 of at most CELLS a side: how many times what is usual is left, nan where unknown."""
    height, width = leftover.left.shape
    size = min(CELLS, width), min(CELLS, height)
    share = _cells(leftover.known.astype(np.float32), size)
    levels = (leftover.slow + 0.05) / (0.3 + leftover.slow_coded)
    dense = _cells(levels * leftover.known, size) / np.maximum(share, 1e-6)
    return np.where(share > 0.3, dense, np.nan)


def _list_levels(leftover: Leftover) -> Iterator[np.ndarray]:
    """float32 H x W each: what may be even in a pasted crop and less outside of it."""
    if not leftover.floor.any():
        yield (leftover.left > 0).astype(np.float32)
    yield leftover.left / (1 + 0.7 * leftover.coded)
    yield leftover.slow
    if leftover.slow_coded.any():
        yield leftover.slow / (0.3 + leftover.slow_coded)


BORDER = 6
"""px on either side of a rectangle's edge over which the step there is measured."""

SHARP = 0.5
"""Share of what a rectangle has just inside its edge that must be gone just outside; the sides
of what fades out lose less."""


MARGIN = 28
"""px: so far from the mask a crop must reach somewhere; a rim around a rectangular mask is a
rectangle too."""


def _is_flat(box: Box, leftover: Leftover, mask: np.ndarray) -> bool:
    """Whether the rectangle has as much far from the mask as near to it: what fades has not."""
    known = leftover.known[box.slices]
    away = cv2.distanceTransform((mask < HARD_LEVEL).astype(np.uint8), cv2.DIST_C, 3)
    left, away = leftover.left[box.slices][known], away[box.slices][known]
    if not left.size or away.max() < MARGIN:
        return False
    is_near = away <= float(np.percentile(away, 50, method="lower"))
    if is_near.all():
        return False
    return float(np.mean(left[is_near])) < FLAT * float(np.mean(left[~is_near])) + 0.1


def _sharpen(rough: Box, levels: np.ndarray, known: np.ndarray) -> Box | None:
    """The rectangle to the px, each side where the levels fall most; None if they only fade."""
    height, width = levels.shape
    cap = 3 * float(np.median(levels[rough.slices])) + 1e-3
    kept = np.where(known, np.minimum(levels, cap), np.nan)
    rows, columns = np.s_[rough.top : rough.bottom], np.s_[rough.left : rough.right]
    across, down = _profile(kept[rows], 0), _profile(kept[:, columns], 1)
    reach_x, reach_y = 2 + width // CELLS, 2 + height // CELLS
    left, step_left = _find_step(across, rough.left, reach_x)
    right, step_right = _find_step(across[::-1], width - rough.right, reach_x)
    top, step_top = _find_step(down, rough.top, reach_y)
    bottom, step_bottom = _find_step(down[::-1], height - rough.bottom, reach_y)
    steps = [step for step in (step_left, step_right, step_top, step_bottom) if step is not None]
    if not steps or min(steps) < SHARP:
        return None
    return Box(left, top, width - right, height - bottom)


def _profile(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean of each column (axis 0) or row (1) where known; nan where nothing is."""
    count = np.isfinite(values).sum(axis=axis)
    return np.where(count > 0, np.nansum(values, axis=axis) / np.maximum(count, 1), np.nan)


def _find_step(profile: np.ndarray, start: int, reach: int) -> tuple[int, float | None]:
    """Where the profile rises most near `start`, and the share (0-1) of what it has after that
    which is not there before; None at the picture's border."""
    if start <= 0:
        return 0, None
    best, place, share = -1.0, start, 0.0
    for at in range(max(1, start - reach), min(start + reach, profile.size - 2) + 1):
        outside, inside = profile[max(0, at - BORDER) : at], profile[at : at + BORDER]
        if np.isfinite(outside).any() and np.isfinite(inside).any():
            inner, outer = float(np.nanmean(inside)), float(np.nanmean(outside))
            if inner - outer > best:
                best, place, share = inner - outer, at, (inner - outer) / max(inner, 1e-6)
    return place, share


def _search(dense: np.ndarray, inside: np.ndarray) -> Box | None:
    """The first rectangle, in cells, that fits at one of the plateaus."""
    if not np.isfinite(dense).any():
        return None
    found = (_fit_box(dense, rank, inside) for rank in PLATEAUS)
    return next((box for box in found if box is not None), None)


PLATEAUS = (50, 70, 85, 95)
"""Percentiles of the cells tried for the height of a rectangle's plateau: it may be small."""

FLAT = 1.7
"""How many times what its brim has a rectangle may have on the whole; a blur's rim has more."""

FILLED = 0.6
"""Share of a rectangle's cells, and of each of its corners', that must stand out."""


def _fit_box(dense: np.ndarray, rank: int, inside: np.ndarray) -> Box | None:
    """The rectangle, in cells, whose plateau is at this percentile of the cells."""
    low, high = (float(np.nanpercentile(dense, at)) for at in (1, rank))
    if high < 0.2 or high < 2.5 * low:
        return None
    level = low + 0.4 * (high - low)
    cut = np.nan_to_num(np.minimum(dense, 2 * high) - level, nan=0.0)
    box = Box(*_best_box(cut))
    cells = np.zeros(dense.shape, bool)
    cells[box.slices] = True
    known = np.isfinite(dense)
    outer = dense[~cells & known]
    if outer.size < 0.02 * dense.size or np.mean(outer > level) > 0.15:
        return None
    if not (cells | ~inside).all() or np.mean(dense[cells & known] > level) < 0.75:
        return None
    if _corner_fill(dense > level, known, box) < FILLED:
        return None
    brim = cells & known
    brim[box.top + 1 : box.bottom - 1, box.left + 1 : box.right - 1] = False
    is_flat = np.median(dense[cells & known]) < FLAT * np.median(dense[brim])
    return box if is_flat else None


def _corner_fill(above: np.ndarray, known: np.ndarray, box: Box) -> float:
    """The emptiest of the rectangle's four corners: share of its cells that stand out."""
    across, down = max(1, box.width // 6), max(1, box.height // 6)
    fills = []
    for left in (box.left, box.right - across):
        for top in (box.top, box.bottom - down):
            corner = Box(left, top, left + across, top + down).slices
            if known[corner].any():
                fills.append(float(above[corner][known[corner]].mean()))
    return min(fills, default=0.0)


def _cells(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)


def _best_box(gain: np.ndarray) -> tuple[int, int, int, int]:
    """The rectangle of the largest sum: left, top, right, bottom, exclusive."""
    sums = np.vstack([np.zeros((1, gain.shape[1])), np.cumsum(gain, axis=0)])
    best, found = -np.inf, (0, 0, 1, 1)
    for top in range(gain.shape[0]):
        for bottom in range(top + 1, gain.shape[0] + 1):
            run = np.concatenate([[0.0], np.cumsum(sums[bottom] - sums[top])])
            low = np.minimum.accumulate(run)
            right = int(np.argmax(run - low))
            if run[right] - low[right] > best:
                best = run[right] - low[right]
                found = (int(np.argmin(run[: right + 1])), top, right, bottom)
    return found


def measure_rim(leftover: Leftover, mask: np.ndarray, distance: np.ndarray) -> Rim:
    """The rim along the mask's edge, ring by ring."""
    strong = leftover.strong
    rings = np.minimum(distance, LONGEST_RIM + 1).astype(np.int32)
    known = np.bincount(rings[leftover.known], minlength=LONGEST_RIM + 2)
    if not known.any():
        return Rim()
    count = np.bincount(rings[strong], minlength=LONGEST_RIM + 2)
    share = count / np.maximum(known, 1)
    first = int(np.argmax(known > 0))
    far = share[(known > 0) & (np.arange(share.size) > NEAR)]
    usual = float(np.median(far)) if far.size else 0.0
    reach = first - 1
    for ring in range(first, LONGEST_RIM):
        if not known[ring]:
            continue
        if share[ring] < TOUCHED + 1.5 * usual:
            break
        reach = ring
    reach = max(reach, 0)
    if reach < first:
        return Rim(touched=float(share[first]))
    rim = strong & (distance <= reach)
    pixels = int(np.count_nonzero(rim))
    sums = np.bincount(rings[leftover.known], weights=leftover.left[leftover.known])
    mean = sums / np.maximum(known[: sums.size], 1)
    middle = first + (reach - first) // 2
    outer = mean[middle : reach + 1] if middle < mean.size else np.zeros(1)
    inner = mean[first : middle + 1]
    grey = rim & (mask > 0)
    border = leftover.known & (mask == 0) & _beside((mask > 0) & (mask < HARD_LEVEL))
    beyond = float(np.mean(strong[border])) if border.any() else 0.0
    return Rim(
        touched=float(share[first : first + 2].mean()),
        reach=reach,
        pixels=pixels,
        grey=float(np.count_nonzero(grey) / max(pixels, 1)),
        beyond=beyond,
        even=float(share[middle]),
        decay=float(inner.mean() / max(outer.mean(), 0.25)),
        strength=float(leftover.left[rim].mean()) if pixels else 0.0,
    )


FIRST_PULLED = 2
"""px from the mask: the pull is measured on two rings from here; nearer, a resampling mixes too."""

LARGEST_PULL = 0.25
"""Share of the new content from which on more of it tells nothing more."""


def measure_pull(leftover: Leftover, result: np.ndarray, mask: np.ndarray, far: Far) -> float:
    """How much of the content just inside the mask's edge (0 none, 1 at least a quarter) is mixed
    into the pixels just outside: what a blur does, and what noise and file formats do not.

    By regression of what is left on the step across the edge, in luma: formats keep chroma in
    blocks of 2 x 2 px, which mix it across the edge.
    """
    box = mask_box(mask >= HARD_LEVEL)
    if box is None:
        return 0.0
    moved = far.find(Cause.SHIFT)
    first = FIRST_PULLED + (math.ceil(_carry(moved.evidence, Cause.SHIFT)) - 1 if moved else 0)
    near = grow_box(box, first + 1 + SPREAD_REACH, mask.shape).slices
    inside = mask[near] >= HARD_LEVEL
    depth, away = (
        cv2.distanceTransform(area.astype(np.uint8), cv2.DIST_C, 3) for area in (inside, ~inside)
    )
    ring = (away >= first) & (away <= first + 1)
    luma, gap = result[near] @ LUMA_WEIGHTS, leftover.gap[near] @ LUMA_WEIGHTS
    content = _spread(luma, (depth >= 2).astype(np.float32))
    step = (content - _spread(luma - gap, (~inside).astype(np.float32)))[ring]
    power = float(step @ step)
    if power <= 0:
        return 0.0
    return min(max(float(gap[ring] @ step) / power, 0.0), LARGEST_PULL) / LARGEST_PULL


SPREAD = 4
"""px: standard deviation of the Gaussian that tells what is near."""

SPREAD_REACH = 4 * SPREAD
"""px around a pixel that count, as OpenCV cuts it for floats."""


def _spread(levels: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The local mean of the pixels that have a weight: float32 H x W each."""
    total = cv2.GaussianBlur(levels * weight, (0, 0), SPREAD)
    return total / np.maximum(cv2.GaussianBlur(weight, (0, 0), SPREAD), 1e-3)


def _beside(area: np.ndarray) -> np.ndarray:
    return (cv2.dilate(area.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~area


def find_patch(leftover: Leftover, distance: np.ndarray, reach: int, crop: Box | None) -> Patch:
    """The largest part that stands out more than `reach` px and some from the mask."""
    searched = leftover.known & (distance > reach + 12)
    if crop is not None:
        margin = crop.grown(12).intersect(Box(0, 0, distance.shape[1], distance.shape[0]))
        searched[margin.slices] = False
    if not searched.any():
        return Patch()
    usual = float(np.percentile(leftover.slow[searched], 75))
    dense = cv2.blur((leftover.strong & searched).astype(np.float32), (7, 7)) > 0.35
    patches = (
        _largest(dense, leftover.left / np.maximum(leftover.floor, 1.0)),
        _largest((leftover.slow > 1 + 3 * usual) & searched, leftover.slow / (0.5 + 1.5 * usual)),
        _find_wide(leftover.gap, searched),
    )
    return max(patches, key=lambda patch: patch.pixels * min(patch.ratio, 4.0))


WIDE = 41
"""px: side of the square over which a patch under strong noise is averaged."""

SURE = 4.5
"""Standard deviations from which such an average is no chance."""


def _find_wide(gap: np.ndarray, searched: np.ndarray) -> Patch:
    """A part whose color moved by little, under noise that averages to nothing."""
    share = cv2.blur(searched.astype(np.float32), (WIDE, WIDE))
    used = searched & (share > 0.7)
    if np.count_nonzero(used) < 4 * WIDE * WIDE:
        return Patch()
    share, sure = np.maximum(share, 1e-3), np.zeros_like(share)
    for channel in cv2.split(gap):
        mean = cv2.blur(channel * searched, (WIDE, WIDE)) / share
        known = mean[used]
        usual = np.median(known)
        spread = 1.4826 * np.median(np.abs(known - usual))
        sure = np.maximum(sure, np.abs(mean - usual) / (0.15 + spread))
    return _largest((sure > SURE) & used, sure / 2)


def _largest(area: np.ndarray, ratio: np.ndarray) -> Patch:
    """The largest connected part of `area`."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        area.astype(np.uint8), connectivity=8
    )
    if count < 2:
        return Patch()
    number = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    left, top, width, height, pixels = (int(value) for value in stats[number])
    box = Box(left, top, left + width, top + height)
    part = labels[box.slices] == number
    return Patch(pixels, float(ratio[box.slices][part].mean()), box)

"""How much bled, how far, where: numbers only, never a picture."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from bleed_guard.core.arrays import check_sizes, cut_rows
from bleed_guard.core.edges import cut_tiles
from bleed_guard.core.job import (
    BleedReport,
    Box,
    ProfileBin,
    SeamStats,
    Verdict,
    WorstSpot,
    ZoneStats,
    mask_box,
)
from bleed_guard.core.mask import HARD_LEVEL, edge_distance, protected_area

PROFILE_LIMIT = 256
"""The profile has one bin per px of distance up to here; farther pixels share the last bin."""

WORST_SPOTS = 5
WORST_SPOT_SIZE = 16
"""A worst spot is the largest difference of its neighbourhood of this many px a side."""

ZONES = ("soft band", "within predicted reach", "crop box", "far")
"""Each protected pixel is in exactly one: the first that holds it."""

FLAT_STEP = 1.0
"""Seam steps below this many CIELAB units count as it: about one just noticeable difference, so
that a flat original neither divides by zero nor turns what nobody sees into a large ratio."""

NEARBY = 32
"""px looked at around a tile for the mask's edge."""


class ChangeCount(NamedTuple):
    """Protected pixels, how many of them changed, the largest difference, and the reach in px."""

    protected: int
    changed: int
    max: int
    reach: int = 0


def difference(reference: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Largest absolute difference over R, G, B: two uint8 H x W x 3 -> uint8 H x W."""
    largest = np.empty(reference.shape[:2], np.uint8)
    for rows in cut_rows(reference.shape):
        red, green, blue = cv2.split(cv2.absdiff(reference[rows], result[rows]))
        cv2.max(cv2.max(red, green, red), blue, largest[rows])
    return largest


def count_changes(
    reference: np.ndarray, result: np.ndarray, protected: np.ndarray, *, tolerance: int = 0
) -> ChangeCount:
    """The quick count for the generation's path; a compare alone where nothing protected changed.

    Two uint8 H x W x 3 and a bool H x W. ValueError if sizes differ.
    """
    check_sizes(reference, result, protected)
    counted = protected.view(np.uint8)
    total = cv2.countNonZero(counted)
    if not total or not cv2.norm(reference, result, cv2.NORM_INF, counted):
        return ChangeCount(total, 0, 0)
    delta = difference(reference, result)
    cv2.multiply(delta, counted, delta)
    changed = cv2.countNonZero(cv2.threshold(delta, tolerance, 255, cv2.THRESH_BINARY)[1])
    return ChangeCount(total, int(changed), int(delta.max()))


def measure_bleed(
    reference: np.ndarray,
    result: np.ndarray,
    mask: np.ndarray,
    *,
    tolerance: int = 0,
    protected: np.ndarray | None = None,
    predicted_reach: int = 0,
    crop_box: Box | None = None,
) -> BleedReport:
    """Everything that can be said about the pixels outside the mask.

    `reference` and `result` are uint8 H x W x 3, `mask` uint8 H x W with 255 = repaint;
    `protected` is bool H x W and defaults to all outside the mask's hard form. `tolerance` in
    levels, `predicted_reach` in px, `crop_box` the region the host repainted. ValueError if
    sizes differ.
    """
    check_sizes(reference, result, mask)
    if protected is None:
        protected = protected_area(mask)
    check_sizes(reference, result, protected)
    delta = difference(reference, result)
    delta *= protected.view(np.uint8)
    distance = edge_distance(mask)
    zones = _place_by_zone(mask, protected, distance, predicted_reach, crop_box)
    by_zone, by_distance = _count_levels(delta, zones, distance)
    levels = by_distance.sum(axis=0)
    total = _summarize(levels, tolerance)
    return BleedReport(
        size=(reference.shape[1], reference.shape[0]),
        tolerance=tolerance,
        **total._asdict(),
        p99=_percentile(levels, 0.99),
        reach=measure_reach(delta > tolerance, distance),
        verdict=judge(total.changed, total.max),
        zones=tuple(
            ZoneStats(name, *_summarize(row, tolerance))
            for name, row in zip(ZONES, by_zone, strict=True)
        ),
        profile=tuple(
            ProfileBin(int(bin), *_summarize(by_distance[bin], tolerance))
            for bin in np.flatnonzero(by_distance.any(axis=1))
        ),
        seam=measure_seam(reference, result, mask),
        histogram=tuple(levels.tolist()),
        worst=_worst_spots(delta, distance),
    )


def judge(changed: int, largest: int) -> Verdict:
    """The verdict on a measured result: changed pixels (beyond tolerance) and the largest one."""
    if changed:
        return Verdict.BLEED
    return Verdict.WITHIN_TOLERANCE if largest else Verdict.CLEAN


def measure_reach(changed: np.ndarray, distance: np.ndarray) -> int:
    """Largest distance (px) of a changed pixel from the mask; the larger side if it is blank."""
    if not changed.any():
        return 0
    if not np.isfinite(distance.flat[0]):  # all or none
        return max(changed.shape)
    return int(cv2.minMaxLoc(distance, changed.view(np.uint8))[1])


def measure_farthest(area: np.ndarray, inside: np.ndarray, guess: int = 0) -> int:
    """Chessboard distance, in px, from a mask to the farthest pixel of an area: two bool H x W.

    0 if the area is empty, the larger side if the mask is. Looked for tile by tile, for what is
    asked about is mostly the surroundings of the mask's edge; a right guess is found out faster.
    """
    if not area.any():
        return 0
    is_close = 0 < guess <= NEARBY and _goes_beyond(area, inside, guess - 1)
    if is_close and not _goes_beyond(area, inside, guess):
        return guess
    farthest = 0
    for tile, around in cut_tiles(area.shape, NEARBY):
        part, near = area[tile.slices], inside[around.slices]
        if not part.any():
            continue
        reach = measure_reach(part, edge_distance(near)[tile.within(around).slices])
        if reach > NEARBY or not near.any():  # something nearer may lie beyond what was looked at
            return measure_reach(area, edge_distance(inside))
        farthest = max(farthest, reach)
    return farthest


def _goes_beyond(area: np.ndarray, inside: np.ndarray, reach: int) -> bool:
    """Whether any of an area is more than `reach` px from a mask: two bool H x W."""
    near = cv2.dilate(inside.view(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return bool((area.view(np.uint8) > near).any())


def measure_seam(reference: np.ndarray, result: np.ndarray, mask: np.ndarray) -> SeamStats:
    """The step across the mask's edge, in CIELAB, of the result and of the original.

    Over all neighbouring pairs (left-right and top-bottom) of which one is in the hard mask and
    the other is not. `ratio` compares the mean steps, each at least `FLAT_STEP`. Two uint8
    H x W x 3 and a uint8 H x W. ValueError if sizes differ.
    """
    check_sizes(reference, result, mask)
    near = _around_mask(mask).slices
    reference, result = reference[near], result[near]
    inside = (mask[near] >= HARD_LEVEL).view(np.int8)
    steps, reference_steps = [], []
    for axis in (0, 1):
        rows, columns = np.nonzero(np.diff(inside, axis=axis))
        steps.append(_lab_steps(result, rows, columns, axis))
        reference_steps.append(_lab_steps(reference, rows, columns, axis))
    step, reference_step = np.concatenate(steps), np.concatenate(reference_steps)
    if not step.size:
        return SeamStats(0, 0.0, 0.0, 1.0)
    mean, reference_mean = float(step.mean()), float(reference_step.mean())
    ratio = max(mean, FLAT_STEP) / max(reference_mean, FLAT_STEP)
    return SeamStats(step.size, mean, reference_mean, ratio)


def _around_mask(mask: np.ndarray) -> Box:
    """The box of the mask and the pixels next to it: every pair across its edge is in there."""
    height, width = mask.shape
    return (mask_box(mask) or Box(0, 0, 0, 0)).grown(1).intersect(Box(0, 0, width, height))


def _lab_steps(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, axis: int) -> np.ndarray:
    """CIELAB distance of each pixel to its next neighbour along `axis`: float32, one a pair."""
    if not rows.size:
        return np.zeros(0, np.float32)
    first = image[rows, columns]
    second = image[rows + (axis == 0), columns + (axis == 1)]
    pairs = np.stack([first, second]).astype(np.float32) / 255.0
    lab = cv2.cvtColor(pairs, cv2.COLOR_RGB2LAB)
    return np.linalg.norm(lab[0] - lab[1], axis=1)


def _percentile(levels: np.ndarray, share: float) -> float:
    """The level that `share` of all counted pixels does not exceed, from a histogram."""
    total = levels.sum()
    return float(np.searchsorted(np.cumsum(levels), share * total)) if total else 0.0


def _place_by_zone(
    mask: np.ndarray,
    protected: np.ndarray,
    distance: np.ndarray,
    predicted_reach: int,
    crop: Box | None,
) -> np.ndarray:
    """Each pixel's index in `ZONES`, the first that holds it; one past the last where not
    protected. uint8 H x W."""
    zones = np.full(mask.shape, ZONES.index("far"), np.uint8)
    if crop is not None:
        zones[crop.slices] = ZONES.index("crop box")
    zones[distance <= predicted_reach] = ZONES.index("within predicted reach")
    zones[(mask > 0) & (mask < HARD_LEVEL)] = ZONES.index("soft band")
    zones[~protected] = len(ZONES)
    return zones


def _count_levels(
    delta: np.ndarray, zones: np.ndarray, distance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many protected pixels of each zone, and of each bin of the profile, have each level.

    `delta` and `zones` are uint8 H x W, `distance` is float32. Two int64 tables of 256 columns.
    """
    by_zone = np.zeros((len(ZONES) + 1) * 256, np.int64)
    by_distance = np.zeros((PROFILE_LIMIT + 2) * 256, np.int64)
    for rows in cut_rows(delta.shape):
        levels, places = delta[rows].ravel(), zones[rows].ravel()
        by_zone += np.bincount(places * np.intp(256) + levels, minlength=by_zone.size)
        bins = np.minimum(distance[rows].ravel(), PROFILE_LIMIT).astype(np.intp)
        bins[places == len(ZONES)] = PROFILE_LIMIT + 1
        by_distance += np.bincount(bins * 256 + levels, minlength=by_distance.size)
    return by_zone.reshape(-1, 256)[:-1], by_distance.reshape(-1, 256)[:-1]


class _Summary(NamedTuple):
    """The numbers a report, a zone and a bin of the profile share; see `BleedReport`."""

    protected: int
    changed: int
    max: int
    mean: float


def _summarize(levels: np.ndarray, tolerance: int) -> _Summary:
    """Numbers of the pixels whose histogram over the levels 0-255 is `levels`."""
    total = int(levels.sum())
    if not total:
        return _Summary(0, 0, 0, 0.0)
    changed = int(levels[tolerance + 1 :].sum())
    mean = float(levels @ np.arange(256)) / total
    return _Summary(total, changed, int(np.flatnonzero(levels)[-1]), mean)


def _worst_spots(delta: np.ndarray, distance: np.ndarray) -> tuple[WorstSpot, ...]:
    """The largest differences, at most one per neighbourhood of `WORST_SPOT_SIZE` px."""
    left = delta.copy()
    spots = []
    for _ in range(WORST_SPOTS):
        _, top, _, (x, y) = cv2.minMaxLoc(left)
        if top <= 0:
            break
        far = float(distance[y, x])
        spots.append(WorstSpot(x, y, int(top), int(far) if np.isfinite(far) else -1))
        half = WORST_SPOT_SIZE // 2
        left[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1] = 0
    return tuple(spots)

"""How much bled, how far, where: numbers only, never a picture."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from bleed_guard.core.composite import check_sizes
from bleed_guard.core.job import (
    BleedReport,
    Box,
    ProfileBin,
    SeamStats,
    Verdict,
    WorstSpot,
    ZoneStats,
)
from bleed_guard.core.mask import HARD_LEVEL, edge_distance, protected_area

PROFILE_LIMIT = 256
"""The profile has one bin per px of distance up to here; farther pixels share the last bin."""

WORST_SPOTS = 5
WORST_SPOT_SIZE = 16
"""A worst spot is the largest difference of its neighbourhood of this many px a side."""

FLAT_STEP = 1.0
"""CIELAB units added to both steps of the seam ratio: about one just noticeable difference, so
that a flat original does not divide by zero."""


class ChangeCount(NamedTuple):
    """Protected pixels, how many of them changed, the largest difference, and the reach in px."""

    protected: int
    changed: int
    max: int
    reach: int = 0


def difference(reference: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Largest absolute difference over R, G, B: two uint8 H x W x 3 -> uint8 H x W."""
    delta = cv2.absdiff(reference, result)
    return cv2.max(cv2.max(delta[..., 0], delta[..., 1]), delta[..., 2])


def count_changes(
    reference: np.ndarray, result: np.ndarray, protected: np.ndarray, *, tolerance: int = 0
) -> ChangeCount:
    """The quick count for the generation's path; nothing but a compare when nothing changed.

    Two uint8 H x W x 3 and a bool H x W. ValueError if sizes differ.
    """
    check_sizes(reference, result, protected)
    total = int(np.count_nonzero(protected))
    if np.array_equal(reference, result):
        return ChangeCount(total, 0, 0)
    delta = cv2.bitwise_and(difference(reference, result), _as_mask(protected))
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
    delta = cv2.bitwise_and(difference(reference, result), _as_mask(protected))
    distance = edge_distance(mask)
    changed = delta > tolerance
    levels = np.bincount(delta[protected], minlength=256)
    total, count = int(levels.sum()), int(np.count_nonzero(changed))
    return BleedReport(
        size=(reference.shape[1], reference.shape[0]),
        tolerance=tolerance,
        protected=total,
        changed=count,
        max=int(delta.max(initial=0)),
        mean=float(levels @ np.arange(256) / total) if total else 0.0,
        p99=_percentile(levels, 0.99),
        reach=measure_reach(changed, distance),
        verdict=judge(count, int(delta.max(initial=0))),
        zones=_measure_zones(delta, changed, protected, mask, distance, predicted_reach, crop_box),
        profile=_measure_profile(delta, changed, protected, distance),
        seam=measure_seam(reference, result, mask),
        histogram=tuple(int(level) for level in levels),
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
    farthest = float(distance[changed].max())
    return int(farthest) if np.isfinite(farthest) else max(changed.shape)


def measure_seam(reference: np.ndarray, result: np.ndarray, mask: np.ndarray) -> SeamStats:
    """The step across the mask's edge, in CIELAB, of the result and of the original.

    Over all neighbouring pairs (left-right and top-bottom) of which one is in the hard mask and
    the other is not. `ratio` compares mean steps; `FLAT_STEP` keeps it finite on flat pictures.
    """
    inside = mask >= HARD_LEVEL
    steps, reference_steps = [], []
    for axis in (0, 1):
        edge = np.diff(inside.view(np.int8), axis=axis) != 0
        rows, columns = np.nonzero(edge)
        steps.append(_lab_steps(result, rows, columns, axis))
        reference_steps.append(_lab_steps(reference, rows, columns, axis))
    step, reference_step = np.concatenate(steps), np.concatenate(reference_steps)
    if not step.size:
        return SeamStats(0, 0.0, 0.0, 1.0)
    mean, reference_mean = float(step.mean()), float(reference_step.mean())
    ratio = mean / reference_mean if reference_mean > FLAT_STEP else _flat_ratio(mean, reference_mean)
    return SeamStats(step.size, mean, reference_mean, ratio)


def _flat_ratio(step: float, reference_step: float) -> float:
    return (step + FLAT_STEP) / (reference_step + FLAT_STEP)


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


def _measure_zones(
    delta: np.ndarray,
    changed: np.ndarray,
    protected: np.ndarray,
    mask: np.ndarray,
    distance: np.ndarray,
    predicted_reach: int,
    crop: Box | None,
) -> tuple[ZoneStats, ...]:
    """Each protected pixel is in exactly one zone: the first of these that holds it."""
    left = protected.copy()
    in_crop = np.zeros(mask.shape, bool)
    if crop is not None:
        in_crop[crop.slices] = True
    areas = {
        "soft band": (mask > 0) & (mask < HARD_LEVEL),
        "within predicted reach": distance <= predicted_reach,
        "crop box": in_crop,
        "far": np.ones(mask.shape, bool),
    }
    zones = []
    for name, area in areas.items():
        zones.append(_measure_zone(name, delta, changed, left & area))
        left &= ~area
    return tuple(zones)


def _measure_zone(
    name: str, delta: np.ndarray, changed: np.ndarray, area: np.ndarray
) -> ZoneStats:
    values = delta[area]
    if not values.size:
        return ZoneStats(name, 0, 0, 0, 0.0)
    count = int(np.count_nonzero(changed[area]))
    return ZoneStats(name, values.size, count, int(values.max()), float(values.mean()))


def _measure_profile(
    delta: np.ndarray, changed: np.ndarray, protected: np.ndarray, distance: np.ndarray
) -> tuple[ProfileBin, ...]:
    """Count, maximum and mean per px of distance; empty bins are left out."""
    at = np.minimum(distance[protected], PROFILE_LIMIT).astype(np.intp)
    values = delta[protected]
    counts = np.bincount(at, minlength=PROFILE_LIMIT + 1)
    sums = np.bincount(at, weights=values, minlength=PROFILE_LIMIT + 1)
    hits = np.bincount(at, weights=changed[protected], minlength=PROFILE_LIMIT + 1)
    tops = np.zeros(PROFILE_LIMIT + 1, np.uint8)
    np.maximum.at(tops, at, values)
    return tuple(
        ProfileBin(bin, int(counts[bin]), int(hits[bin]), int(tops[bin]), sums[bin] / counts[bin])
        for bin in np.flatnonzero(counts).tolist()
    )


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


def _as_mask(area: np.ndarray) -> np.ndarray:
    """bool H x W -> uint8 H x W of 0 and 255."""
    return np.where(area, np.uint8(255), np.uint8(0))

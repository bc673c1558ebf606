"""Put the reference back where it is protected, with a seam nobody sees. Inward only."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import cv2
import numpy as np

from bleed_guard.core.job import Box
from bleed_guard.core.mask import HARD_LEVEL, grow_box, mask_box
from bleed_guard.core.membrane import RING_WIDTH, Drift, find_pixels, measure_drift

MARGIN = 2 * RING_WIDTH
"""Pixels around the mask's box that the blends look at: the ring, and as much again for the
coarse bands."""

LARGEST_STEP_SHARE = 0.25
"""The first px inside may show this much of the misfit at the mask's edge, as a multiple of what
the original steps there by itself. From the benchmark: it keeps every seam ratio under 1.2."""

DEEP = 255.0
"""Pixels; deeper is all the same to any feather."""

COARSE_BANDS = 2
"""Of the multi-band blend, besides the finest: the coarsest blends over 2 ** 2 times the feather.
More bands show more of the old content, and hide the edge no better (see the benchmark)."""


class Blend(str, Enum):
    """How the edit meets the mask's edge. No blend touches a protected pixel.

    HARD leaves the edit as it is. FEATHER fades it linearly into the original. MEMBRANE takes the
    generated picture's drift out of it. MEMBRANE_FEATHER does too, and fades what then still does
    not match, no wider than that needs. MULTI_BAND fades coarse structure slowly and fine
    structure quickly.
    """

    HARD = "hard"
    FEATHER = "feather"
    MEMBRANE = "membrane"
    MEMBRANE_FEATHER = "membrane + feather"
    MULTI_BAND = "multi-band"


class _Region(NamedTuple):
    """The part of the pictures a blend works on: the mask's box and a margin.

    Two uint8 h x w x 3, bool h x w `inside` and `known`, and `depth`, the float32 h x w distance
    of each pixel inside to the nearest outside.
    """

    reference: np.ndarray
    generated: np.ndarray
    inside: np.ndarray
    known: np.ndarray
    depth: np.ndarray


def paste_back(
    reference: np.ndarray,
    generated: np.ndarray,
    mask: np.ndarray,
    *,
    blend: Blend | str = Blend.MEMBRANE_FEATHER,
    feather: int = 4,
    known: Box | None = None,
) -> np.ndarray:
    """The generated picture with every pixel outside the mask taken from the reference.

    `reference` and `generated` are uint8 H x W x 3 RGB, `mask` uint8 H x W with 255 = repaint.
    `feather` is the width in px, inside the mask, over which the two fade into each other (the
    most it may take, for a membrane with a feather); a mask thinner than that fades less, so that
    its middle is all edit. `known` is the box in which `generated` really was generated, by
    default everywhere: outside of it nothing can be learnt about its drift. Returns uint8
    H x W x 3. ValueError if sizes differ or `blend` is unknown.
    """
    check_sizes(reference, generated, mask)
    blend = Blend(blend)
    box = mask_box(mask >= HARD_LEVEL)
    result = reference.copy()
    if box is None:
        return result
    box = grow_box(box, MARGIN, mask.shape)
    region = _cut_region(reference, generated, mask, box, known)
    edit = _EDITS[blend](region, feather)
    result[box.slices] = cv2.copyTo(edit, region.inside.view(np.uint8), region.reference.copy())
    return result


def build_overlay(
    reference: np.ndarray,
    mask: np.ndarray,
    *,
    blend: Blend | str = Blend.FEATHER,
    feather: int = 4,
) -> np.ndarray:
    """The overlay a host composites over the generated picture: alpha 255 where protected.

    uint8 H x W x 3 and uint8 H x W -> uint8 H x W x 4 RGBA. Blends that need the generated
    picture get a hard edge here; `paste_back` finishes them. ValueError if sizes differ.
    """
    check_sizes(reference, reference, mask)
    inside = mask >= HARD_LEVEL
    alpha = np.where(inside, np.uint8(0), np.uint8(255))
    if Blend(blend) is Blend.FEATHER:
        ramp = _fade(_measure_depth(inside), feather + 1)
        alpha = np.rint(255 * (1 - ramp)).astype(np.uint8)
    return np.dstack([reference, alpha])


def check_sizes(reference: np.ndarray, generated: np.ndarray, mask: np.ndarray) -> None:
    """ValueError naming all three sizes unless they are the same."""
    if reference.shape == generated.shape and reference.shape[:2] == mask.shape:
        return
    sizes = (f"{array.shape[1]} x {array.shape[0]}" for array in (reference, generated, mask))
    names = ("reference", "generated", "mask")
    told = ", ".join(f"{name} {size}" for name, size in zip(names, sizes, strict=True))
    raise ValueError(f"the pictures must have one size, got {told}")


def _cut_region(
    reference: np.ndarray, generated: np.ndarray, mask: np.ndarray, box: Box, known: Box | None
) -> _Region:
    is_known = np.full(mask.shape, known is None)
    if known is not None:
        is_known[known.slices] = True
    part = box.slices
    inside = mask[part] >= HARD_LEVEL
    depth = _measure_depth(inside)
    return _Region(reference[part], generated[part], inside, is_known[part], depth)


def _measure_depth(inside: np.ndarray) -> np.ndarray:
    """bool H x W -> float32 H x W: distance to the nearest pixel outside, 0 there. The picture's
    border is no edge of the mask; what has no edge at all is deeper than any feather."""
    if inside.all():
        return np.full(inside.shape, DEEP, np.float32)
    return cv2.distanceTransform(inside.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)


def _fade(depth: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    """The edit's share: 0 outside, rising evenly to 1 at `width` px of depth.

    Where the mask is thinner than that, it is 1 along its middle: a scratch one px wide is still
    repaired. float32 of `depth`'s shape.
    """
    window = np.ones((2 * int(np.ceil(np.max(width))) + 1, 1), np.uint8)
    near = np.minimum(depth, DEEP).astype(np.uint8)
    thickness = cv2.dilate(cv2.dilate(near, window), window.T)
    return np.minimum(depth / np.clip(thickness, 1, width), 1, dtype=np.float32)


def _mix(region: _Region, edit: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The reference and `edit` (uint8 h x w x 3) by the edit's share, float32 h x w."""
    rim = find_pixels(region.inside & (share < 1))
    own = region.reference[rim].astype(np.float32)
    mixed = edit.copy()
    mixed[rim] = np.rint(own + share[rim][:, None] * (edit[rim] - own))
    return mixed


def _leave(region: _Region, feather: int) -> np.ndarray:
    return region.generated


def _feather(region: _Region, feather: int) -> np.ndarray:
    return _mix(region, region.generated, _fade(region.depth, feather + 1))


def _take_drift_out(region: _Region, feather: int) -> np.ndarray:
    drift = _drift_of(region)
    return region.generated if drift is None else _correct(region, drift)


def _drift_of(region: _Region) -> Drift | None:
    return measure_drift(region.reference, region.generated, region.inside, region.known)


def _correct(region: _Region, drift: Drift) -> np.ndarray:
    """The generated picture without its drift, uint8 h x w x 3."""
    return cv2.add(region.generated, drift.offset, dtype=cv2.CV_8U)


def _take_drift_out_and_feather(region: _Region, feather: int) -> np.ndarray:
    """The share of a pixel's edit is its depth's square: only the first px meets the outside, and
    a square keeps it small with a rim much narrower than an even rise would need."""
    drift = _drift_of(region)
    if drift is None:
        return _feather(region, feather)
    width = np.sqrt(np.clip(drift.misfit / LARGEST_STEP_SHARE, 1, (feather + 1) ** 2))
    return _mix(region, _correct(region, drift), _fade(region.depth, width) ** 2)


def _blend_bands(region: _Region, feather: int) -> np.ndarray:
    """Laplacian bands of the difference, each let in over a zone twice as wide as the finer one's.

    The zones lie inside the mask, and none is wider than the mask is deep.
    """
    difference = cv2.subtract(region.generated, region.reference, dtype=cv2.CV_32F)
    blended = _blend_band(difference, region.depth, feather + 1, COARSE_BANDS)
    return cv2.add(region.reference, blended, dtype=cv2.CV_8U)


def _blend_band(
    difference: np.ndarray, depth: np.ndarray, zone: int, bands_left: int
) -> np.ndarray:
    """The part of `difference` (float32 h x w x 3) that is let in: its finest band over `zone` px
    of `depth` (float32 h x w), the others by themselves on the picture at half its size."""
    if not bands_left or 2 * zone > depth.max() or min(depth.shape) < 2:
        return difference * _fade(depth, zone)[..., None]
    size = depth.shape[::-1]
    half = -(-size[0] // 2), -(-size[1] // 2)
    coarse = cv2.resize(difference, half, interpolation=cv2.INTER_AREA)
    coarse_depth = cv2.resize(depth, half, interpolation=cv2.INTER_AREA) / 2
    blended = _blend_band(coarse, coarse_depth, zone, bands_left - 1)
    fine = cv2.subtract(difference, cv2.resize(coarse, size))
    fine *= _fade(depth, zone)[..., None]
    return cv2.add(fine, cv2.resize(blended, size))


_EDITS = {
    Blend.HARD: _leave,
    Blend.FEATHER: _feather,
    Blend.MEMBRANE: _take_drift_out,
    Blend.MEMBRANE_FEATHER: _take_drift_out_and_feather,
    Blend.MULTI_BAND: _blend_bands,
}

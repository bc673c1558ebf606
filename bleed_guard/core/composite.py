"""Put the reference back where it is protected, with a seam nobody sees. Inward only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import cv2
import numpy as np

from bleed_guard.core.arrays import check_sizes, cut_rows
from bleed_guard.core.edges import Rim, find_rim, measure_depth, measure_thickness
from bleed_guard.core.geometry import LATENT_CELL
from bleed_guard.core.job import Box, mask_box
from bleed_guard.core.mask import HARD_LEVEL, grow_box
from bleed_guard.core.membrane import Corners, Drift, Ring, find_margin, measure_drift, read_ring

LARGEST_STEP_SHARE = 0.25
"""The first px inside may show this much of the misfit at the mask's edge, as a multiple of what
the original steps there by itself. From the benchmark: it keeps every seam ratio under 1.2."""

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


@dataclass(frozen=True)
class Seam:
    """The reference along a mask's edge: worked out once for all pictures of a batch.

    `box` holds the mask and a margin, and is empty if the mask is blank. Within it `part` is the
    reference's, uint8 h x w x 3, and, bool h x w, `inside` is what is repainted and `known` where
    the generated pictures really were generated. `latent_cell` is as `paste_back` takes it.
    """

    reference: np.ndarray
    box: Box
    part: np.ndarray
    inside: np.ndarray
    known: np.ndarray
    latent_cell: float = LATENT_CELL
    rims: dict[int, Rim] = field(default_factory=dict)
    corners: dict[int, Corners] = field(default_factory=dict)

    @classmethod
    def along(
        cls,
        reference: np.ndarray,
        mask: np.ndarray,
        known: Box | None = None,
        latent_cell: float = LATENT_CELL,
    ) -> Seam:
        """As `paste_back` takes them; the sizes are not looked at."""
        inside = mask >= HARD_LEVEL
        box = mask_box(inside)
        margin = find_margin(latent_cell)
        box = Box(0, 0, 0, 0) if box is None else grow_box(box, margin, mask.shape)
        is_known = np.full((box.height, box.width), known is None)
        if known is not None and not known.intersect(box).is_empty:
            is_known[known.intersect(box).within(box).slices] = True
        part = np.ascontiguousarray(reference[box.slices])
        return cls(reference, box, part, inside[box.slices], is_known, latent_cell)

    @cached_property
    def depth(self) -> np.ndarray:
        """Each inside pixel's distance to the nearest outside, float32 h x w."""
        return measure_depth(self.inside)

    def rim(self, feather: int) -> Rim:
        """The pixels inside that a feather of so many px may reach."""
        if feather not in self.rims:
            self.rims[feather] = find_rim(self.inside, feather + 1)
        return self.rims[feather]

    def rim_corners(self, feather: int, ring: Ring) -> Corners:
        """Where the rim's pixels lie on the ring's grid."""
        if feather not in self.corners:
            self.corners[feather] = ring.grid.find_corners(self.rim(feather).pixels)
        return self.corners[feather]

    @cached_property
    def ring(self) -> Ring | None:
        return read_ring(self.part, self.inside, self.known, self.latent_cell)

    def paste(self, generated: np.ndarray, blend: Blend | str, feather: int) -> np.ndarray:
        """`paste_back` for one picture."""
        result = self.reference.copy()
        if self.box.is_empty:
            return result
        part = self.box.slices
        edit = _EDITS[Blend(blend)](self, np.ascontiguousarray(generated[part]), feather)
        cv2.copyTo(edit, self.inside.view(np.uint8), result[part])
        return result


def paste_back(
    reference: np.ndarray,
    generated: np.ndarray,
    mask: np.ndarray,
    *,
    blend: Blend | str = Blend.MEMBRANE_FEATHER,
    feather: int = 4,
    known: Box | None = None,
    latent_cell: float = LATENT_CELL,
) -> np.ndarray:
    """The generated picture with every pixel outside the mask taken from the reference.

    `reference` and `generated` are uint8 H x W x 3 RGB, `mask` uint8 H x W with 255 = repaint.
    `feather` is the width in px, inside the mask, over which the two fade into each other (the
    most it may take, for a membrane with a feather); a mask thinner than that fades less, so that
    its middle is all edit. `known` is the box in which `generated` really was generated, by
    default everywhere: outside of it nothing can be learnt about its drift. `latent_cell` is how
    many px a latent of the model covers, more where the generated picture was enlarged to fit:
    so far beyond the mask it may show new content. Returns uint8 H x W x 3. ValueError if sizes
    differ or `blend` is unknown.
    """
    check_sizes(reference, generated, mask)
    return Seam.along(reference, mask, known, latent_cell).paste(generated, Blend(blend), feather)


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
        ramp = _fade(measure_depth(inside), feather + 1)
        alpha = np.rint(255 * (1 - ramp)).astype(np.uint8)
    return np.dstack([reference, alpha])


def _fade(depth: np.ndarray, width: float) -> np.ndarray:
    """The edit's share: 0 outside, rising evenly to 1 at `width` px of depth.

    Where the mask is thinner than that, it is 1 along its middle: a scratch one px wide is still
    repaired. float32 of `depth`'s shape.
    """
    thickness = measure_thickness(depth, width)
    return np.minimum(depth / np.clip(thickness, 1, width), 1, dtype=np.float32)


def _leave(seam: Seam, generated: np.ndarray, feather: int) -> np.ndarray:
    return generated


def _feather(seam: Seam, generated: np.ndarray, feather: int) -> np.ndarray:
    edit, rim = generated.copy(), seam.rim(feather)
    share = np.minimum(rim.depth / np.clip(rim.thickness, 1, feather + 1), 1)
    _mix(seam.part, edit, rim.pixels, share)
    return edit


def _take_drift_out(seam: Seam, generated: np.ndarray, feather: int) -> np.ndarray:
    drift = measure_drift(generated, seam.ring)
    return generated if drift is None else _correct(generated, drift)


def _correct(generated: np.ndarray, drift: Drift) -> np.ndarray:
    """The generated picture without its drift, uint8 h x w x 3."""
    edit = np.empty_like(generated)
    for rows in cut_rows(edit.shape):
        cv2.add(generated[rows], drift.offset(rows), edit[rows], dtype=cv2.CV_8U)
    return edit


def _take_drift_out_and_feather(seam: Seam, generated: np.ndarray, feather: int) -> np.ndarray:
    """The share of a pixel's edit is its depth's square: only the first px meets the outside, and
    a square keeps it small with a rim much narrower than an even rise would need."""
    ring = seam.ring
    drift = measure_drift(generated, ring)
    if ring is None or drift is None:
        return _feather(seam, generated, feather)
    edit, rim = _correct(generated, drift), seam.rim(feather)
    misfit = seam.rim_corners(feather, ring).sample(drift.misfits[..., None])[:, 0]
    width = np.sqrt(np.clip(misfit / LARGEST_STEP_SHARE, 1, (feather + 1) ** 2))
    share = np.minimum(rim.depth / np.clip(rim.thickness, 1, width), 1)
    _mix(seam.part, edit, rim.pixels, share**2)
    return edit


def _mix(reference: np.ndarray, edit: np.ndarray, rim: np.ndarray, share: np.ndarray) -> None:
    """Write the reference and `edit` mixed, by the edit's share, to the `rim` of `edit`.

    uint8 h x w x 3 twice, N indices and float32 N.
    """
    pixels = edit.reshape(-1, 3)
    own = reference.reshape(-1, 3).take(rim, axis=0).astype(np.float32)
    pixels[rim] = np.rint(own + share[:, None] * (pixels.take(rim, axis=0) - own))


def _blend_bands(seam: Seam, generated: np.ndarray, feather: int) -> np.ndarray:
    """Laplacian bands of the difference, each let in over a zone twice as wide as the finer one's.

    The zones lie inside the mask, and none is wider than the mask is deep.
    """
    difference = cv2.subtract(generated, seam.part, dtype=cv2.CV_32F)
    blended = _blend_band(difference, seam.depth, feather + 1, COARSE_BANDS)
    return cv2.add(seam.part, blended, dtype=cv2.CV_8U)


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
